"""Rows of bulk actions and of each ticket in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class BulkRow(Base):
    __tablename__ = "bulks"
    __table_args__ = (Index("ix_bulks_person_id", "person_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    fingerprint: Mapped[str]
    action: Mapped[str]
    fields: Mapped[dict[str, Any]]
    state: Mapped[str]
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class BulkItemRow(Base):
    __tablename__ = "bulk_items"
    __table_args__ = (
        Index("ix_bulk_items_pending", "bulk_id", "position", postgresql_where=text("state = 'pending'")),
    )

    bulk_id: Mapped[UUID] = mapped_column(ForeignKey("bulks.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    state: Mapped[str]
    code: Mapped[str | None]
    detail: Mapped[str | None]
