"""A notification as it stands in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.account import Ref
from domain.notification.kind import Channel, Kind


class State(StrEnum):
    """In-app: unread, read. Email: pending, then sent or dead; kept when no mail server is configured."""

    UNREAD = "unread"
    READ = "read"
    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    KEPT = "kept"


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
