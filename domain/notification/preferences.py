"""What a person chose: which kinds reach them over which channel, and when mails wait."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import model_validator

from domain.notification.kind import DEFAULT_CHANNELS, URGENT, Channel, Kind, Message
from domain.text import Locale


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
