"""Mails: the message that a delivery becomes, headers and both bodies.

The words come from `adapters/notification`, the way out is `adapters/smtp`. Nothing that a person wrote can
add a header or run in a mail reader: header values are single lines without control characters, and the HTML
is built from Markdown without raw HTML and then reduced to a short list of harmless tags.
"""

import unicodedata
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, quote
from functools import cache
from pathlib import Path
from typing import Any, Final

import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup
from pydantic import TypeAdapter

from adapters.notification import subject, words
from domain.notification.delivery import Delivery, DeliveryRefused, message_id, thread_headers
from domain.text import Email
from runtime.i18n import Translator, translator

TEMPLATES: Final = Path(__file__).parent / "templates" / "mail"

_INLINE: Final = frozenset({"a", "br", "code", "del", "em", "s", "strong"})
_BLOCKS: Final = frozenset({"blockquote", "hr", "li", "ol", "p", "pre", "ul"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TABLES: Final = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
# Characters of a plain phrase, and bytes of an encoded word, that fit into a line of 76 with its header's name.
_PLAIN: Final = 60
_WORD: Final = 39
_EMAIL: Final[TypeAdapter[str]] = TypeAdapter(Email)
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
_PAGES: Final = {"survey": "surveys", "feedback": "feedback/answers"}
"""Where the page behind a signed link is, by its purpose."""

_SCHEMES: Final = frozenset({"http", "https", "mailto"})


@dataclass(frozen=True, slots=True)
class MailRenderer:
    """`desk` is the name of the sender, `sender` its address, `base_url` where the links lead."""

    desk: str
    sender: str
    base_url: str

    @property
    def domain(self) -> str:
        return _ascii_host(self.sender).rpartition("@")[2]

    def render(self, delivery: Delivery, now: datetime) -> EmailMessage:
        """The whole mail. The same delivery gives the same Message-ID at every attempt.

        Raises DeliveryRefused when the row holds what no mail can.
        """
        try:
            return self._build(delivery, now)
        except (ValueError, LookupError, MessageError) as error:
            # Not "from error": it may name the recipient, and a cause is kept in the history of the process.
            raise DeliveryRefused("mail_not_built", "The mail cannot be built.", reply=repr(error)) from None

    def _build(self, delivery: Delivery, now: datetime) -> EmailMessage:
        say = translator(delivery.locale)
        message = EmailMessage(_policy(delivery.email))
        message["Subject"] = header_text(subject(delivery.kind, delivery.params, say))
        message["From"] = _address(self.desk, self.sender)
        message["To"] = _address(delivery.name, delivery.email)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id(delivery.notification_id, self.domain)
        feature, record_id = _subject_of(delivery)
        if record_id:
            for name, value in thread_headers(record_id, self.domain, feature).items():
                message[name] = value
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["List-Unsubscribe"] = f"<{self._preferences_url}>"
        places = self._places(delivery, say)
        message.set_content(_template("notification.txt").render(places))
        html = Markup(markdown(delivery.body)) if delivery.body else None  # noqa: S704  reduced by nh3
        message.add_alternative(
            _template("notification.html").render({**places, "body_html": html}), subtype="html"
        )
        message["Content-Language"] = delivery.locale
        return message

    def _places(self, delivery: Delivery, say: Translator) -> dict[str, Any]:
        worded = words(delivery.kind, delivery.params, say, delivery.time_zone)
        feature, record_id = _subject_of(delivery)
        return {
            "_": say,
            "locale": delivery.locale,
            "title": worded.title,
            "text": worded.text,
            "body": delivery.body,
            "reason": delivery.params.get("reason"),
            "name": delivery.name,
            "desk": self.desk,
            "ticket_url": self._url("tickets", record_id if feature == "ticket" else None),
            "feedback_url": self._url("feedback", record_id if feature == "feedback" else None),
            "contest_url": self._url("contests", record_id if feature == "contest" else None),
            "answer_url": self._answer_url(delivery),
            "scores": _scores(delivery.params.get("scores")),
            "preferences_url": self._preferences_url,
        }

    def _answer_url(self, delivery: Delivery) -> str | None:
        """Where a signed link leads."""
        if delivery.link is None:
            return None
        return page_of_link(self.base_url, delivery.params["link"]["purpose"], delivery.link)

    def _url(self, folder: str, record_id: str | None) -> str | None:
        return f"{self.base_url}/{folder}/{record_id}" if record_id else None

    @property
    def _preferences_url(self) -> str:
        return f"{self.base_url}/notifications/preferences"


def page_of_link(base_url: str, purpose: str, token: str) -> str:
    """The address of the page behind a signed link."""
    return f"{base_url}/{_PAGES[purpose]}/{token}"


def _scores(ends: Any) -> list[int]:
    """The scores that a mail offers, from the lowest to the highest."""
    return list(range(ends[0], ends[1] + 1)) if ends else []


def _subject_of(delivery: Delivery) -> tuple[str, str | None]:
    """What the mail is about: the feature, and the id of the record if it is about one."""
    named = ((feature, delivery.params.get(f"{feature}_id")) for feature in ("feedback", "contest", "ticket"))
    return next((one for one in named if one[1]), ("ticket", None))


def bodies(message: EmailMessage) -> Mapping[str, str]:
    """The two bodies of a rendered mail, by subtype: `plain` and `html`."""
    return {part.get_content_subtype(): part.get_content() for part in message.iter_parts()}


def header_text(value: str) -> str:
    """`value` as one line without control characters and without ends of lines of any script."""
    visible = ("" if _is_hidden(character) else character for character in _spaced(value))
    return " ".join("".join(visible).split())


def markdown(text: str) -> str:
    """Markdown as harmless HTML: no raw HTML, no pictures, no links but http, https and mailto."""
    return nh3.clean(
        _markdown().render(text),
        tags=set(_INLINE | _BLOCKS | _HEADINGS | _TABLES),
        attributes=_ATTRIBUTES,
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


def _spaced(value: str) -> str:
    return " ".join(value.splitlines()).replace("\t", " ")


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _address(name: str, address: str) -> Address:
    local, _, host = _ascii_host(_EMAIL.validate_python(address)).rpartition("@")
    return Address(header_text(name), local, host)


def _ascii_host(address: str) -> str:
    """The address with its host as DNS knows it."""
    local, _, host = address.rpartition("@")
    try:
        return f"{local}@{host.encode('idna').decode()}"
    except UnicodeError:
        return address


class _Policy(EmailPolicy):
    """Writes the headers that hold text of people itself: the library drops a space between encoded words, and
    before Python 3.11.10 it lets an encoded line break out."""

    def fold(self, name: str, value: Any) -> str:
        if name == "Subject":
            return f"{name}: {_phrase(header_text(str(value)))}\r\n"
        if name in ("From", "To"):
            (mailbox,) = value.addresses
            phrase = _phrase(header_text(mailbox.display_name), quoted=True)
            return f"{name}: {phrase}\r\n <{mailbox.addr_spec}>\r\n"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode()


_SEVEN_BITS: Final = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=78)
_INTERNATIONAL: Final = _SEVEN_BITS.clone(utf8=True, cte_type="8bit")


def _policy(address: str) -> _Policy:
    """Seven bits all over, unless the recipient's name before the @ needs an international mail."""
    return _SEVEN_BITS if _ascii_host(address).isascii() else _INTERNATIONAL


def _phrase(text: str, *, quoted: bool = False) -> str:
    """`text` as it may stand in a header: as it is if it is short and plain, else as encoded words (RFC 2047)."""
    if text.isascii() and len(text) <= _PLAIN and "=?" not in text:
        return f'"{quote(text)}"' if quoted else text
    words = (f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in _chunks(text))
    return "\r\n ".join(words)


def _chunks(text: str) -> Iterator[str]:
    """Pieces of at most _WORD bytes; no character is split."""
    chunk = ""
    for character in text:
        if len((chunk + character).encode()) > _WORD:
            yield chunk
            chunk = ""
        chunk += character
    yield chunk


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )


def _template(name: str) -> Any:
    return _templates().get_template(name)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20}).enable(
        ["table", "strikethrough"]
    )
