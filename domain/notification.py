"""What people are told, by which channel and when: kinds, audiences, preferences, and the ids of mails.

A ticket process asks for a `Notice`; `plan` turns it into one `NewNotification` for each recipient and
channel. The rows are written by `storage/notification` in the transaction of the event they tell of, worded
by `adapters/notification` when they are read or sent, and delivered by `workflows/notification`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, Self
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from domain.account import Ref
from domain.errors import DeskError
from domain.text import Locale

_NOTIFICATIONS: Final = UUID("0c6d2f0e-6f0b-5d0e-8c55-7b9f4a1f3e21")


class Kind(StrEnum):
    """What happened, from the recipient's side."""

    TICKET_CREATED = "ticket_created"
    TICKET_ASSIGNED = "ticket_assigned"
    TICKET_REPLIED = "ticket_replied"
    TICKET_NOTED = "ticket_noted"
    TICKET_WAITING = "ticket_waiting"
    TICKET_RESOLVED = "ticket_resolved"
    TICKET_CLOSED = "ticket_closed"
    TICKET_REOPENED = "ticket_reopened"
    TICKET_ESCALATED = "ticket_escalated"
    TICKET_MENTIONED = "ticket_mentioned"
    TICKET_SHARED = "ticket_shared"
    TICKET_MERGED = "ticket_merged"
    SLA_WARNING = "sla_warning"
    SLA_BREACHED = "sla_breached"
    LEVEL_REACHED = "level_reached"
    SURVEY_ASKED = "survey_asked"
    SURVEY_REMINDED = "survey_reminded"
    SURVEY_TASK = "survey_task"
    SURVEY_TASK_OVERDUE = "survey_task_overdue"
    FEEDBACK_RECEIVED = "feedback_received"
    FEEDBACK_MOVED = "feedback_moved"
    FEEDBACK_PLANNED = "feedback_planned"
    FEEDBACK_STARTED = "feedback_started"
    FEEDBACK_SHIPPED = "feedback_shipped"
    FEEDBACK_CHECK = "feedback_check"
    FEEDBACK_REOPENED = "feedback_reopened"
    FEEDBACK_DECLINED = "feedback_declined"
    FEEDBACK_MERGED = "feedback_merged"
    FEEDBACK_UNMERGED = "feedback_unmerged"
    FEEDBACK_ANSWERED = "feedback_answered"
    FEEDBACK_ARRIVED = "feedback_arrived"
    FEEDBACK_ASSIGNED = "feedback_assigned"
    FEEDBACK_ASSESSMENT = "feedback_assessment"
    FEEDBACK_NOTED = "feedback_noted"
    FEEDBACK_DUE = "feedback_due"
    FEEDBACK_OVERDUE = "feedback_overdue"
    FEEDBACK_SILENT = "feedback_silent"
    ACHIEVEMENT_AWARDED = "achievement_awarded"
    ACHIEVEMENT_REVOKED = "achievement_revoked"
    ACHIEVEMENT_EXPIRES = "achievement_expires"
    ACHIEVEMENT_EXPIRED = "achievement_expired"
    PRIZE_WAITING = "prize_waiting"
    PRIZE_MOVED = "prize_moved"


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"


class State(StrEnum):
    """In-app: unread, read. Email: pending, then sent or dead; kept when no mail server is configured."""

    UNREAD = "unread"
    READ = "read"
    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    KEPT = "kept"


class Audience(StrEnum):
    """Whom a notice is for; who that is at the moment is looked up when the event is written.

    The values are also what a ladder says after `notify:`.
    """

    REQUESTER = "requester"
    ASSIGNEE = "assignee"
    LEAD = "lead"
    MANAGERS = "manager"
    TEAM = "team"
    WATCHERS = "watchers"
    STAFF_WATCHERS = "staff_watchers"
    COLLABORATORS = "collaborators"
    MENTIONED = "mentioned"
    NAMED = "named"


DEFAULT_CHANNELS: Final[Mapping[Kind, frozenset[Channel]]] = {
    **{kind: frozenset(Channel) for kind in Kind},
    Kind.TICKET_NOTED: frozenset({Channel.IN_APP}),
    Kind.TICKET_CLOSED: frozenset({Channel.IN_APP}),
    Kind.LEVEL_REACHED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_MOVED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_ARRIVED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_NOTED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_AWARDED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_REVOKED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_EXPIRED: frozenset({Channel.IN_APP}),
}
"""The channels of a person who chose none."""

URGENT: Final = frozenset(
    {Kind.TICKET_ESCALATED, Kind.SLA_WARNING, Kind.SLA_BREACHED, Kind.FEEDBACK_DUE, Kind.FEEDBACK_OVERDUE}
)
"""Kinds that quiet hours do not hold back: a promise is at stake."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


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


class QuietHours(Message):
    """A time of the day, in the person's time zone, without mails; it may pass midnight."""

    start: time
    end: time

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("quiet hours are local times without an offset")
        if self.start == self.end:
            raise ValueError("quiet hours must have a length")
        return self

    def cover(self, local: time) -> bool:
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class Preferences(Message):
    """What a person chose; whatever `channels` does not name is as in DEFAULT_CHANNELS."""

    channels: dict[Kind, dict[Channel, bool]] = {}
    quiet_hours: QuietHours | None = None

    def want(self, kind: Kind, channel: Channel) -> bool:
        chosen = self.channels.get(kind, {}).get(channel)
        return channel in DEFAULT_CHANNELS[kind] if chosen is None else chosen


@dataclass(frozen=True, slots=True)
class Recipient:
    person_id: UUID
    locale: Locale = "en"
    time_zone: str = "UTC"
    preferences: Preferences = field(default_factory=Preferences)


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


@dataclass(frozen=True, slots=True)
class Notification:
    """A row as it stands. `last_error` is for those who watch over deliveries."""

    id: UUID
    kind: Kind
    channel: Channel
    state: State
    recipient: Ref
    params: Mapping[str, Any]
    attempts: int
    last_error: str | None
    created_at: datetime
    send_after: datetime | None
    sent_at: datetime | None
    read_at: datetime | None


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

    `facts` are what every notice of the event tells: `ticket_id` or `feedback_id`, `number`, `subject`, `priority`,
    `actor`.
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


def send_after(kind: Kind, recipient: Recipient, now: datetime) -> datetime | None:
    """When quiet hours let the mail go, or None for at once. Urgent kinds do not wait."""
    quiet = recipient.preferences.quiet_hours
    if quiet is None or kind in URGENT:
        return None
    zone = ZoneInfo(recipient.time_zone)
    local = now.astimezone(zone)
    if not quiet.cover(local.time()):
        return None
    return next(end for end in _ends(quiet.end, local, zone) if end > now)


def _ends(end: time, local: datetime, zone: ZoneInfo) -> Iterable[datetime]:
    """The instants at which the clock on the wall shows `end`, from today on; twice when it is set back."""
    for days in range(3):
        day = local.date() + timedelta(days=days)
        for fold in (0, 1):
            wall = datetime.combine(day, end, zone).replace(fold=fold)
            yield wall.astimezone(ZoneInfo("UTC"))


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
