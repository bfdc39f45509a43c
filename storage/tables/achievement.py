"""Rows of achievements, of what was awarded, and of looking at everybody for one of them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base
from storage.tables.member import MemberId


class AchievementRow(Base):
    """`actions` are those whose facts may change whether the criteria are met; `*` stands for whatever else may."""

    __tablename__ = "achievements"
    __table_args__ = (Index("ix_achievements_created_at", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]
    criteria: Mapped[dict[str, Any]]
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reward: Mapped[dict[str, Any]]
    repeat: Mapped[str]
    revocable: Mapped[bool]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]


class AchievementVersionRow(Base):
    """What an achievement was in each of its versions."""

    __tablename__ = "achievement_versions"

    achievement_id: Mapped[UUID] = mapped_column(
        ForeignKey("achievements.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    contents: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))


class AwardRow(Base):
    """Once for a member, an achievement and an occasion. `day` is the day that its points were booked on; `warn_at` is
    when its holder is told that it expires, None when they were."""

    __tablename__ = "awards"
    __table_args__ = (
        UniqueConstraint("member_id", "achievement_id", "occurrence"),
        Index("ix_awards_member_id", "member_id", "awarded_at", "id"),
        Index("ix_awards_achievement_id", "achievement_id"),
        Index("ix_awards_prize", "awarded_at", postgresql_where=text("reward ->> 'type' = 'prize'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.person_id", ondelete="CASCADE"))
    achievement_id: Mapped[UUID] = mapped_column(ForeignKey("achievements.id"))
    achievement_version: Mapped[int]
    occurrence: Mapped[int]
    state: Mapped[str]
    reward: Mapped[dict[str, Any]]
    points: Mapped[int]
    day: Mapped[date]
    awarded_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class AchievementReviewRow(Base):
    """A member whose process shall look whether an achievement is due, though no new fact says so."""

    __tablename__ = "achievement_reviews"

    member_id: Mapped[MemberId]
    achievement_id: Mapped[UUID] = mapped_column(
        ForeignKey("achievements.id", ondelete="CASCADE"), primary_key=True
    )


class BackfillRow(Base):
    """Looking at everybody; `after` is the last member that was looked at."""

    __tablename__ = "backfills"
    __table_args__ = (Index("ix_backfills_achievement_id", "achievement_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    achievement_id: Mapped[UUID] = mapped_column(ForeignKey("achievements.id", ondelete="CASCADE"))
    dry_run: Mapped[bool]
    state: Mapped[str]
    after: Mapped[UUID | None]
    checked: Mapped[int] = mapped_column(server_default=text("0"))
    met: Mapped[int] = mapped_column(server_default=text("0"))
    asked: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class PrizeRow(Base):
    """What can be won. What claims take of the budget is kept here, so that it cannot be given out twice."""

    __tablename__ = "prizes"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND spent >= 0 AND reserved + spent <= budget", name="budget"),
        Index("ix_prizes_created_at", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]
    currency: Mapped[str]
    cost: Mapped[int] = mapped_column(BigInteger)
    budget: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    spent: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ClaimRow(Base):
    """The prize of an award on its way; it has the id of the award, so there is one, and stays when the award is gone
    with an erased person. What it costs is what the prize cost when it was asked for."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("ix_claims_member_id", "member_id", "asked_at", "id"),
        Index("ix_claims_asked_at", "asked_at", "id"),
        Index("ix_claims_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    achievement_id: Mapped[UUID] = mapped_column(ForeignKey("achievements.id"))
    prize_id: Mapped[UUID] = mapped_column(ForeignKey("prizes.id"))
    state: Mapped[str]
    cost: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]
    version: Mapped[int]
    asked_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ClaimStepRow(Base):
    """What happened to a claim, append-only. A request that comes again is known by its step."""

    __tablename__ = "claim_steps"

    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claims.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str]
    by: Mapped[UUID | None]
    note: Mapped[str | None]
    request_id: Mapped[str | None]
    fingerprint: Mapped[str | None]
