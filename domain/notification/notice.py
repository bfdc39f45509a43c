"""A notice becomes one row for each recipient and channel, with an id that the same event always makes again.

Who the recipients are is looked up by `storage`, in the transaction of the event.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from domain.notification.kind import Audience, Channel, Kind, Message
from domain.notification.preferences import Recipient, send_after
from domain.text import Locale

_NOTIFICATIONS: Final = UUID("0c6d2f0e-6f0b-5d0e-8c55-7b9f4a1f3e21")


class Notice(Message):
    """What a process asks to tell: one kind, to everyone in `audience` except the people in `exclude`.

    Nobody is told of their own act, so the actor belongs into `exclude`. `params` are small facts for the
    words, as JSON: `excerpt`, `comment_id` (its text goes into the mail), `reason`, `clock`, `step`,
    `due_at`.
    """

    kind: Kind
    audience: list[Audience]
    params: dict[str, Any] = {}
    exclude: list[UUID] = []


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A row to be written. The same event, recipient and channel always make the same `id`."""

    id: UUID
    event_key: str
    recipient_id: UUID
    channel: Channel
    kind: Kind
    params: dict[str, Any]
    locale: Locale
    created_at: datetime
    send_after: datetime | None = None


def event_key(record_id: UUID, event_number: int, notice: Notice, feature: str = "ticket") -> str:
    """Names the event that a notice tells of. Two clocks may have a step in the same event, so they count."""
    parts = [feature, str(record_id), str(event_number), notice.kind]
    parts += [str(notice.params[name]) for name in ("clock", "step") if notice.params.get(name)]
    return ":".join(parts)


def plan(
    notice: Notice,
    key: str,
    facts: Mapping[str, Any],
    recipients: Iterable[Recipient],
    now: datetime,
) -> list[NewNotification]:
    """The rows for one notice: one a recipient and channel that they want, none for the excluded.

    `facts` are what every notice of the event tells: `ticket_id`, or that of its kind, what it is called, `actor`.
    """
    params = {**facts, **notice.params}
    return [
        NewNotification(
            id=notification_id(key, recipient.person_id, channel),
            event_key=key,
            recipient_id=recipient.person_id,
            channel=channel,
            kind=notice.kind,
            params=params,
            locale=recipient.locale,
            created_at=now,
            send_after=send_after(notice.kind, recipient, now) if channel is Channel.EMAIL else None,
        )
        for recipient in _each_once(recipients, notice.exclude)
        for channel in Channel
        if recipient.preferences.want(notice.kind, channel)
    ]


def _each_once(recipients: Iterable[Recipient], exclude: Collection[UUID]) -> list[Recipient]:
    found = {recipient.person_id: recipient for recipient in recipients}
    return [recipient for person_id, recipient in found.items() if person_id not in exclude]


def notification_id(key: str, recipient_id: UUID, channel: Channel) -> UUID:
    return uuid5(_NOTIFICATIONS, f"{key}\n{recipient_id}\n{channel}")
