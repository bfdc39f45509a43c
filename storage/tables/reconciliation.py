"""Rows of what reconciliation found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class FindingRow(Base):
    """One row for each kind and ticket: found again after it was healed, it is open again."""

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_found_at", "found_at", "ticket_id"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str]
    found_at: Mapped[datetime]
    healed_at: Mapped[datetime | None]
