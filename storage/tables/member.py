"""Rows of members: what they contributed, what it gave, and the scores that leaderboards are read from."""

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from sqlalchemy import DDL, BigInteger, ForeignKey, Identity, Index, UniqueConstraint, event, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base

MemberId = Annotated[
    UUID, mapped_column(ForeignKey("members.person_id", ondelete="CASCADE"), primary_key=True)
]
"""The member that a row belongs to, as the first part of its key."""


class MemberRow(Base):
    """Whoever has facts, or chose whether to be listed. `cursor` is the last fact that was taken; `wanted_since` tells
    that the process was asked to take more, and is what intake and process meet at: both lock this row."""

    __tablename__ = "members"
    __table_args__ = (
        Index("ix_members_wanted_since", "wanted_since", postgresql_where=text("wanted_since IS NOT NULL")),
        Index("ix_members_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    listed: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    points: Mapped[int] = mapped_column(server_default=text("0"))
    cursor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    wanted_since: Mapped[datetime | None]
    next_at: Mapped[datetime | None]


class MemberFactRow(Base):
    """`id` is the order of arrival, within a member also that of commits. `void` is why it gives nothing."""

    __tablename__ = "member_facts"
    __table_args__ = (
        UniqueConstraint("member_id", "fact_id"),
        Index("ix_member_facts_action", "member_id", "action", "at", postgresql_where=text("void IS NULL")),
        Index(
            "ix_member_facts_reverses", "member_id", "reverses", postgresql_where=text("reverses IS NOT NULL")
        ),
        Index("ix_member_facts_once", "member_id", "once", postgresql_where=text("once IS NOT NULL")),
    )

    member_id: Mapped[MemberId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    fact_id: Mapped[str]
    fingerprint: Mapped[str]
    action: Mapped[str]
    at: Mapped[datetime]
    amount: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[UUID | None]
    subject: Mapped[str | None]
    reverses: Mapped[str | None]
    worth: Mapped[int]
    capped: Mapped[bool]
    once: Mapped[str | None]
    cap: Mapped[int | None]
    rules: Mapped[int]
    void: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MemberPointRow(Base):
    """The ledger: append-only. A fact has one row of its own."""

    __tablename__ = "member_points"
    __table_args__ = (UniqueConstraint("member_id", "fact_id"),)

    member_id: Mapped[MemberId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    version: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    points: Mapped[int]
    day: Mapped[date]
    action: Mapped[str | None]
    fact_id: Mapped[str | None]
    about: Mapped[str | None]
    reason: Mapped[str | None]
    rules: Mapped[int | None]
    award_id: Mapped[UUID | None]


class MemberDayRow(Base):
    """What one day gives: `domain.member.ledger.Day`."""

    __tablename__ = "member_days"

    member_id: Mapped[MemberId]
    day: Mapped[date] = mapped_column(primary_key=True)
    gross: Mapped[int]
    free: Mapped[int]
    cap: Mapped[int | None]
    rules: Mapped[int]


class MemberScoreRow(Base):
    """The points of a window that begins at `begin`. Leaderboards read the index and nothing else."""

    __tablename__ = "member_scores"
    __table_args__ = (
        Index(
            "ix_member_scores_board",
            "span",
            "begin",
            "points",
            "member_id",
            postgresql_where=text("listed AND points > 0"),
        ),
    )

    member_id: Mapped[MemberId]
    span: Mapped[str] = mapped_column(primary_key=True)
    begin: Mapped[date] = mapped_column(primary_key=True)
    points: Mapped[int]
    listed: Mapped[bool] = mapped_column(server_default=text("true"))


class MemberScoreCountRow(Base):
    """How many listed members have a score of all time: each different score is one row, so that a dense rank is a
    count of few."""

    __tablename__ = "member_score_counts"

    points: Mapped[int] = mapped_column(primary_key=True)
    members: Mapped[int]


# Whoever deletes a member, with the person or without, leaves nobody behind in the count.
UNCOUNT_SCORES: Final = """
    CREATE OR REPLACE FUNCTION uncount_score() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE member_score_counts SET members = members - 1 WHERE points = OLD.points;
        RETURN NULL;
    END $$;
    CREATE TRIGGER uncount_score AFTER DELETE ON members
    FOR EACH ROW WHEN (OLD.listed AND OLD.points > 0) EXECUTE FUNCTION uncount_score()
"""
event.listen(
    MemberRow.__table__,
    "after_create",
    DDL(UNCOUNT_SCORES),  # type: ignore[no-untyped-call]  # its constructor has no annotations
)


class MemberLevelRow(Base):
    """A level that was reached, once for ever."""

    __tablename__ = "member_levels"

    member_id: Mapped[MemberId]
    name: Mapped[str] = mapped_column(primary_key=True)
    reached_at: Mapped[datetime]


class MemberRulesRow(Base):
    """Versions of the rules, from 1; before the first, those of the code hold."""

    __tablename__ = "member_rules"

    version: Mapped[int] = mapped_column(primary_key=True)
    contents: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
