"""Rows of contests: what is told of them, who takes part, what was entered, who judges it, and what was won."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base

_STANDS = text("state = 'standing'")
_PENDING = text("state = 'pending'")
_PLACED = text("place IS NOT NULL")
_OPEN = text("state = 'open'")


class ContestRow(Base):
    """`rules` and the columns before it mirror the process's state; `next_step*` name what happens next by itself."""

    __tablename__ = "contests"
    __table_args__ = (Index("ix_contests_opens_at", "opens_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    fingerprint: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    status: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    judging_until: Mapped[datetime]
    appeals_until: Mapped[datetime | None]
    entries: Mapped[int]
    participants: Mapped[int]
    short: Mapped[int]
    rules: Mapped[dict[str, Any]]
    next_step: Mapped[str | None]
    next_step_at: Mapped[datetime | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ContestProcessRow(Base):
    """The process's own state after its last commit, from which it can be rebuilt."""

    __tablename__ = "contest_processes"

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int]
    state: Mapped[dict[str, Any]]
    finished: Mapped[bool]


class ContestEventRow(Base):
    """Append-only."""

    __tablename__ = "contest_events"

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    cause: Mapped[str | None]
    data: Mapped[dict[str, Any]]


class ContestJudgeRow(Base):
    """`active` judges can be given entries; who was dismissed, or was not ready in time, cannot."""

    __tablename__ = "contest_judges"
    __table_args__ = (Index("ix_contest_judges_person_id", "person_id"),)

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    active: Mapped[bool]


class ContestConflictRow(Base):
    """`judge_id` judges nothing that `person_id` entered."""

    __tablename__ = "contest_conflicts"

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
    judge_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    reason: Mapped[str | None]


class ContestParticipantRow(Base):
    """Whoever ever entered. `standing` counts their entries that stand; `version` is the event by which they came
    first; `facts` counts how often they were given the points for taking part, each time but the last taken back."""

    __tablename__ = "contest_participants"

    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    version: Mapped[int]
    standing: Mapped[int]
    facts: Mapped[int]


class ContestEntryRow(Base):
    """`state` is `standing` or `withdrawn`. What follows from the scores is written when the standing is reckoned."""

    __tablename__ = "contest_entries"
    __table_args__ = (
        Index("ix_contest_entries_arrived_at", "contest_id", "arrived_at", "id"),
        Index("ix_contest_entries_person_id", "contest_id", "person_id", "arrived_at", "id"),
        Index("ix_contest_entries_standing", "contest_id", "id", postgresql_where=_STANDS),
        Index("ix_contest_entries_place", "contest_id", "place", postgresql_where=_PLACED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str]
    text: Mapped[str]
    links: Mapped[list[Any]]
    arrived_at: Mapped[datetime]
    day: Mapped[date]
    adjustment: Mapped[int]
    place: Mapped[int | None]
    rank: Mapped[int | None]
    total: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    means: Mapped[dict[str, Any]]


class ContestAssignmentRow(Base):
    """One judge's part of one entry."""

    __tablename__ = "contest_assignments"
    __table_args__ = (
        Index("ix_contest_assignments_judge", "contest_id", "judge_id", "state", "due_at", "entry_id"),
        Index("ix_contest_assignments_pending", "contest_id", "due_at", postgresql_where=_PENDING),
    )

    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("contest_entries.id", ondelete="CASCADE"), primary_key=True
    )
    judge_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"))
    state: Mapped[str]
    due_at: Mapped[datetime]
    scores: Mapped[dict[str, Any]]
    comment: Mapped[str | None]
    scored_at: Mapped[datetime | None]


class ContestAppealRow(Base):
    __tablename__ = "contest_appeals"
    __table_args__ = (
        Index("ix_contest_appeals_contest_id", "contest_id", "at", "id"),
        Index("uq_contest_appeals_open", "entry_id", unique=True, postgresql_where=_OPEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("contest_entries.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str]
    reason: Mapped[str]
    answer: Mapped[str | None]
    adjustment: Mapped[int]
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]


class ContestPrizeRow(Base):
    """What was won; once for each prize and entry, whatever is tried again."""

    __tablename__ = "contest_prizes"
    __table_args__ = (UniqueConstraint("contest_id", "rank", "entry_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contest_id: Mapped[UUID] = mapped_column(ForeignKey("contests.id", ondelete="CASCADE"))
    rank: Mapped[int]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("contest_entries.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(Text)
    points: Mapped[int]
