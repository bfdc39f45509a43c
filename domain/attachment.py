"""Attachments: what a file may be called, what it is, how large it may be, and how it is shown.

A file is what its bytes say, never what its sender says. Everything is taken, nothing is unpacked; but only
pictures, PDF and plain text are handed out as what they are, and all the rest as bytes to be saved. Storing
is left to `storage/attachment` and `adapters/objects`, HTTP to `api/attachment`.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from unicodedata import category, normalize
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain.account import Ref, Value
from domain.errors import Conflict, Invalid, TooLarge
from domain.ticket.fields import Visibility

NAME_LENGTH: Final = 255
ATTACHMENTS_PER_TICKET: Final = 100
HEAD_BYTES: Final = 4096
OPAQUE: Final = "application/octet-stream"
NAMELESS: Final = "attachment"
_SUFFIX_LENGTH: Final = 16


class Attachment(Value):
    """A file on a ticket. `media_type` is what the bytes are; `sha256` is in hexadecimal."""

    id: UUID
    ticket_id: UUID
    comment_id: UUID | None
    name: str
    media_type: str
    size: int
    sha256: str
    visibility: Visibility
    created_by: Ref
    created_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a file once all of it was seen."""

    size: int
    sha256: str
    head: bytes
    has_nul: bool


class Intake:
    """Looks at a file as it passes by in chunks; holds no more of it than its head."""

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes."""
        self._limit = limit
        self._size = 0
        self._digest = sha256()
        self._head = b""
        self._has_nul = False

    def take(self, chunk: bytes) -> None:
        """Raises TooLarge with the first chunk that goes over the limit."""
        self._size += len(chunk)
        check_size(self._size, self._limit)
        self._digest.update(chunk)
        self._has_nul = self._has_nul or b"\x00" in chunk
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]

    def finish(self) -> Content:
        """Raises Invalid for a file without a byte."""
        if self._size == 0:
            raise Invalid("empty_file", "The file is empty.", field="file")
        return Content(self._size, self._digest.hexdigest(), self._head, self._has_nul)


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge("too_large", f"An attachment may have at most {limit} bytes.", limit=limit)


def check_room(count: int) -> None:
    """Raise Conflict when a ticket with `count` attachments takes no other."""
    if count >= ATTACHMENTS_PER_TICKET:
        limit = ATTACHMENTS_PER_TICKET
        raise Conflict("too_many_attachments", f"A ticket takes at most {limit} attachments.", limit=limit)


def attachment_id(ticket_id: UUID, caller_id: UUID, key: str) -> UUID:
    """The id that an idempotency key of a caller names on a ticket."""
    return uuid5(ticket_id, f"attachment\n{caller_id}\n{key}")


# -- names ---------------------------------------------------------------------------------------

# Marks that turn the reading direction around: `\u202egnp.exe` would be read as `exe.png`.
_DIRECTION: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HIDDEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, half pairs, line separators
_INVISIBLE: Final = re.compile("[\u200b\u2060\ufeff\U000e0000-\U000e007f]")


def clean_name(given: str) -> str:
    """The last part of a path in visible characters, at most NAME_LENGTH of them; its suffix survives.

    Nothing is ever stored under this name; it is shown, and offered to browsers for saving.
    """
    last = re.split(r"[/\\]", given)[-1]
    visible = _INVISIBLE.sub("", _DIRECTION.sub("", last))
    printed = "".join(character for character in visible if category(character) not in _HIDDEN)
    name = normalize("NFC", printed).strip().rstrip(". ")
    return _shortened(name) or NAMELESS


def _shortened(name: str) -> str:
    if len(name) <= NAME_LENGTH:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > _SUFFIX_LENGTH:
        return name[:NAME_LENGTH].rstrip(". ")
    return f"{stem[: NAME_LENGTH - len(suffix) - 1]}.{suffix}"


# -- what a file is ------------------------------------------------------------------------------

_MAGIC: Final[tuple[tuple[str, re.Pattern[bytes]], ...]] = tuple(
    (media_type, re.compile(pattern, re.DOTALL))
    for media_type, pattern in (
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/webp", rb"RIFF.{4}WEBPVP8"),
        ("application/pdf", rb"%PDF-\d"),
        ("image/bmp", rb"BM.{4}\0\0\0\0"),
        ("image/tiff", rb"II\*\0|MM\0\*"),
        ("audio/wav", rb"RIFF.{4}WAVE"),
        ("video/x-msvideo", rb"RIFF.{4}AVI "),
        ("video/mp4", rb".{4}ftyp"),
        ("video/webm", rb"\x1a\x45\xdf\xa3"),
        ("application/ogg", rb"OggS"),
        ("audio/mpeg", rb"ID3"),
        ("application/zip", rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
        ("application/gzip", rb"\x1f\x8b"),
        ("application/x-bzip2", rb"BZh[1-9]"),
        ("application/x-xz", rb"\xfd7zXZ\0"),
        ("application/zstd", rb"\x28\xb5\x2f\xfd"),
        ("application/x-7z-compressed", rb"7z\xbc\xaf\x27\x1c"),
        ("application/vnd.rar", rb"Rar!\x1a\x07"),
        ("application/x-ole-storage", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("application/x-executable", rb"\x7fELF|MZ|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe"),
        ("text/x-script", rb"(?:\xef\xbb\xbf)?(?:#!|<\?php)"),
    )
)
"""The first bytes of the kinds that are told apart; whatever matches none is text or opaque."""

_MARKUP: Final = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*<[a-z!?/]|<(?:!doctype|html|head|body|script|iframe|svg|math)\b", re.I
)
_DANGEROUS: Final = re.compile(
    r"\.(?:x?html?|shtml|xht|mht(?:ml)?|svgz?|xml|xslt?|js|mjs|jse|vbs?|vbe|wsf|wsh|hta|bat|cmd|ps1|psm1|"
    r"sh|bash|zsh|fish|command|py|pyw|rb|pl|php\d?|jar|com|exe|scr|pif|reg|lnk|url|desktop|inf|scf)\Z",
    re.I,
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_FINER: Final[Mapping[str, re.Pattern[str]]] = {
    kind: re.compile(pattern)
    for kind, pattern in (
        ("text/plain", r"text/(?:csv|markdown|calendar|vcard|tab-separated-values)|application/json"),
        ("application/zip", r"application/(?:vnd\.(?:openxmlformats-|oasis\.opendocument).+|epub\+zip)"),
        ("application/x-ole-storage", r"application/(?:msword|vnd\.ms-.+)"),
        ("video/mp4", r"(?:video|audio)/.+|image/hei[cf]|image/avif"),
        ("video/webm", r"(?:video|audio)/(?:webm|x-matroska)"),
        ("application/ogg", r"(?:video|audio)/ogg"),
    )
}
"""Kinds that the first bytes leave open, and the declared types that may be believed then."""

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")


def media_type_of(content: Content, name: str, declared: str) -> str:
    """What the bytes are. `declared` is believed only where it says more and does not contradict them.

    Text that some program would run by its name, or that is markup, is never `text/plain`.
    """
    kind = _kind(content, name)
    wanted = declared.partition(";")[0].strip().lower()
    finer = _FINER.get(kind)
    if finer is not None and _MEDIA_TYPE.fullmatch(wanted) and finer.fullmatch(wanted):
        return wanted
    return kind


def _kind(content: Content, name: str) -> str:
    for media_type, magic in _MAGIC:
        if magic.match(content.head):
            return media_type
    if content.has_nul or not _is_text(content):
        return OPAQUE
    if _MARKUP.search(content.head):
        return "image/svg+xml" if re.search(rb"<svg\b", content.head, re.I) else "text/html"
    return "text/x-script" if _DANGEROUS.search(name) else "text/plain"


def _is_text(content: Content) -> bool:
    """Whether the head is UTF-8 without control characters; its last character may be cut in half."""
    try:
        text = getincrementaldecoder("utf-8")().decode(content.head, final=content.size <= HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(text) is None


# -- how it is shown -----------------------------------------------------------------------------

_SERVED_AS_THEY_ARE: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}
)


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a browser is told of a file: its type, and whether it may show it or must save it."""

    media_type: str
    inline: bool


def presentation_of(media_type: str) -> Presentation:
    if media_type not in _SERVED_AS_THEY_ARE:
        return Presentation(OPAQUE, inline=False)
    # Browsers cannot show a PDF inside the sandbox that every attachment is served in.
    return Presentation(media_type, inline=media_type != "application/pdf")
