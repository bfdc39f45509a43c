"""One mail on its way: what its process starts with, what it is made of, and what became of it.

The process is `workflows/notification.py`, the wording `adapters/notification.py`, the sending `adapters/smtp.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime

from domain.errors import DeskError
from domain.notification.kind import Kind, Message
from domain.text import Locale


class NotificationInput(Message):
    """What the delivery of one mail starts with; `generation` grows with every resend."""

    notification_id: UUID
    generation: int
    send_after: AwareDatetime | None = None

    @classmethod
    def from_outbox(cls, key: str, payload: Mapping[str, Any]) -> Self:
        """From an outbox row: the key is `<id>:<generation>`."""
        notification_id, _, generation = key.partition(":")
        return cls.model_validate({**payload, "notification_id": notification_id, "generation": generation})


def outbox_key(notification_id: UUID, generation: int) -> str:
    """The key of the outbox row that asks for a delivery, and the rest of its workflow's id."""
    return f"{notification_id}:{generation}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that one mail is made of, as it is when it is about to be sent. `link` is the token of the signed link that
    `params` name, if they do."""

    notification_id: UUID
    kind: Kind
    params: Mapping[str, Any]
    locale: Locale
    time_zone: str
    name: str
    email: str
    active: bool = True
    body: str | None = None
    link: str | None = None


class SendOutcome(StrEnum):
    """What became of a delivery. `obsolete`: the row was sent, sent again, or removed meanwhile."""

    SENT = "sent"
    KEPT = "kept"
    DEAD = "dead"
    OBSOLETE = "obsolete"


class DeadLetter(Message):
    """A delivery that is given up; `code` is stable, what the mail server said is in the row already."""

    notification_id: UUID
    generation: int
    code: str


class DeliveryFailed(DeskError):
    """A mail that was not accepted. `reply_code` and `reply` are the server's own words, for the row only:
    they may name the recipient, so they are not part of `detail`, which reaches workflow histories."""

    kind = "unavailable"

    def __init__(self, code: str, detail: str, *, reply_code: int | None = None, reply: str = "") -> None:
        super().__init__(code, detail)
        self.reply_code = reply_code
        self.reply = reply

    @property
    def permanent(self) -> bool:
        return not self.retryable

    @property
    def told(self) -> str:
        """One line for the person who looks at the row."""
        words = " ".join(f"{self.reply_code or ''} {self.reply}".split())
        return f"{self.detail} {words}".strip()[:1000]


class DeliveryRefused(DeliveryFailed):
    """For good: the same mail will be refused again."""


class DeliveryDelayed(DeliveryFailed):
    """For now: the server is away, busy, or misconfigured."""

    retryable = True


def message_id(record_id: UUID, domain: str) -> str:
    """The Message-ID of a mail: the same at every attempt, so a receiver can drop a repetition."""
    return f"<notification.{record_id}@{domain}>"


def thread_id(record_id: UUID | str, domain: str, feature: str = "ticket") -> str:
    """The Message-ID that all mails about a ticket or a feedback item refer to."""
    return f"<{feature}.{record_id}@{domain}>"


def thread_headers(
    record_id: UUID | str, domain: str, feature: str = "ticket"
) -> dict[Literal["In-Reply-To", "References"], str]:
    root = thread_id(record_id, domain, feature)
    return {"In-Reply-To": root, "References": root}


def subject_tag(number: int) -> str:
    """Marks the subject, so that an answer finds its ticket."""
    return f"[#{number}]"
