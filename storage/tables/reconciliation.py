"""Rows of what reconciliation found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class AnyFindingRow:
    """One row for each kind and record: found again after it was healed, it is open again."""

    kind: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str]
    found_at: Mapped[datetime]
    healed_at: Mapped[datetime | None]


class FindingRow(AnyFindingRow, Base):
    """About a ticket."""

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_found_at", "found_at", "ticket_id"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)


class FeedbackFindingRow(AnyFindingRow, Base):
    """About feedback."""

    __tablename__ = "feedback_findings"
    __table_args__ = (Index("ix_feedback_findings_found_at", "found_at", "feedback_id"),)

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)


class ContestFindingRow(AnyFindingRow, Base):
    """About a contest."""

    __tablename__ = "contest_findings"
    __table_args__ = (Index("ix_contest_findings_found_at", "found_at", "contest_id"),)

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
