"""What people are told, a row for each event, recipient and channel, and what they chose to be told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base

_UNREAD = text("state = 'unread'")
_UNDELIVERED = text("state in ('pending', 'dead', 'kept')")


class NotificationRow(Base):
    """`generation` grows with every resend and guards late writers. `last_error` is the mail server's."""

    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_key: Mapped[str] = mapped_column(Text)
    recipient_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]]
    locale: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    send_after: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_key", "recipient_id", "channel"),
        CheckConstraint(
            "CASE channel WHEN 'in_app' THEN state IN ('unread', 'read')"
            " ELSE state IN ('pending', 'sent', 'dead', 'kept') END",
            name="state",
        ),
        Index("ix_notifications_recipient_id", "recipient_id", "channel", "created_at", "id"),
        Index("ix_notifications_unread", "recipient_id", postgresql_where=_UNREAD),
        Index("ix_notifications_undelivered", "state", "created_at", "id", postgresql_where=_UNDELIVERED),
    )


class NotificationPreferenceRow(Base):
    """`choices` is a `domain.notification.Preferences` as JSON; no row means the defaults."""

    __tablename__ = "notification_preferences"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    choices: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
