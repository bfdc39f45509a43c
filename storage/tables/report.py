"""What reports count: a row for each milestone of a ticket and for each promise that was kept or broken, with what
the ticket was at that moment. Both follow from the history and are written with it, see `storage/ticket/measure.py`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class MilestoneRow(Base):
    """The first response (`number` 0), and each time a ticket was done: resolved or merged (1, 2, …).

    `opened_at` is when the ticket was created or last taken up again before, `reopened_at` when it was taken up again
    afterwards. `working` is the working time in seconds from the ticket's creation. No name leads into other tables:
    a ticket moves on, and what it was stays.
    """

    __tablename__ = "report_milestones"
    __table_args__ = (
        Index("ix_report_milestones_at", "at"),
        # Finds what was open at an instant, however long ago, without reading what ended since.
        Index(
            "ix_report_milestones_open",
            text("tstzrange(opened_at, at)"),
            postgresql_using="gist",
            postgresql_where=text("number > 0"),
        ),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]  # first_response, resolution or merge
    at: Mapped[datetime]
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    working: Mapped[float | None]
    first_contact: Mapped[bool | None]  # of resolutions
    priority: Mapped[str]
    category: Mapped[str | None]
    kind: Mapped[str | None]
    channel: Mapped[str]
    team_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]


class PromiseRow(Base):
    """One cycle of one clock, once it is decided: `kept` when it was satisfied in time, `broken` from the moment it
    broke on. `ended_at` is null while a broken one still runs. `target` and `elapsed` are seconds of working time."""

    __tablename__ = "report_promises"
    __table_args__ = (
        Index("ix_report_promises_decided_at", "decided_at"),
        Index(
            "ix_report_promises_broken",
            "decided_at",
            "ticket_id",
            "clock",
            "cycle",
            postgresql_where=text("outcome = 'broken'"),
        ),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    clock: Mapped[str] = mapped_column(primary_key=True)
    cycle: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str]
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    target: Mapped[float]
    elapsed: Mapped[float | None]
    policy_id: Mapped[UUID]
    priority: Mapped[str]
    category: Mapped[str | None]
    kind: Mapped[str | None]
    channel: Mapped[str]
    team_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]
