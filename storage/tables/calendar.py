"""Calendars: which exist, and every version of each, so that what was promised can be explained later."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class CalendarRow(Base):
    """`name` repeats the current version's, to list by; an archived calendar is in no list."""

    __tablename__ = "calendars"
    __table_args__ = (Index("ix_calendars_name", "name", "id", postgresql_where=text("archived_at IS NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    archived_at: Mapped[datetime | None]


class CalendarVersionRow(Base):
    """`spec` is a `domain.calendar.Calendar`; `country` says whose public holidays were filled in."""

    __tablename__ = "calendar_versions"

    calendar_id: Mapped[UUID] = mapped_column(
        ForeignKey("calendars.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    country: Mapped[str | None] = mapped_column(Text)
    subdivision: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
