"""The keys of encrypted histories: how they are written, where they are kept, how one follows another.

A text of keys holds one or more, apart by commas or white space, and comments from `#` to the end of a line. The
first encrypts, all decrypt. `off` in the first place encrypts nothing, while the keys behind it still decrypt.
What is done with a key is `runtime.codec`'s business.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from runtime.private import write_private

KEY_BYTES: Final = 32
OFF: Final = "off"
_COMMENT: Final = re.compile(r"#.*")
_APART: Final = re.compile(r"[\s,]+")
_HEADING: Final = (
    "# Keys of the encrypted workflow histories: the first encrypts, all decrypt. Keep a copy of this file:\n"
    "# without its keys the running processes cannot continue. Never remove a key that is still in use.\n"
)


@dataclass(frozen=True, slots=True)
class Key:
    """32 random bytes. Its id is made of them, so one id never names two keys; it does not give them away."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hashlib.sha256(b"duradesk key id\0" + self.secret).hexdigest()[:12]

    @property
    def text(self) -> str:
        return base64.b64encode(self.secret).decode()


@dataclass(frozen=True, slots=True)
class Keys:
    """`encrypting` is None when nothing is encrypted any more, or was never."""

    encrypting: Key | None = None
    all: tuple[Key, ...] = ()
    off: bool = False

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def by_id(self) -> dict[str, Key]:
        return {key.id: key for key in self.all}


KeySource = Callable[[], Keys]
"""Reads the keys anew: those of a file may have changed while the process ran. Raises SettingError."""


def parse_keys(text: str) -> Keys:
    """The keys of a text; raises ValueError, which shows nothing of it."""
    words = [word for line in text.splitlines() for word in _APART.split(_COMMENT.sub("", line)) if word]
    off = bool(words) and words[0].lower() == OFF
    keys = tuple(dict.fromkeys(map(_key, words[1:] if off else words)))
    return Keys(encrypting=None if off or not keys else keys[0], all=keys, off=off)


def new_key() -> Key:
    return Key(secrets.token_bytes(KEY_BYTES))


def read_keys(path: Path) -> Keys:
    """The keys of a file, none if it does not exist; raises OSError or ValueError."""
    return parse_keys(path.read_text()) if path.exists() else Keys()


def put_first(path: Path, key: Key) -> None:
    """Makes `key` the one that encrypts; what was in the file stays below it. Makes the file if it is missing."""
    before = path.read_text() if path.exists() else ""
    kept = before.removeprefix(_HEADING)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, f"{_HEADING}{key.text}  # {key.id}, made {date.today()}\n{kept}")  # noqa: DTZ011  the owner's day


def _key(word: str) -> Key:
    try:
        secret = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ValueError("must be 32 bytes in base64, such as `duradesk key create` makes") from None
    return Key(secret)
