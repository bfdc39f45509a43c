"""Feedback and what belongs to it. The `feedback` row is the read model of every list; the columns that mirror the
process are written by its commits alone, `reach` and `score` also by votes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base
from storage.tables.sla import AnyLedgerRow

_FOLLOWING = text("until is null")
_UNTOLD = text("done_at is null")


class FeedbackRow(Base):
    """`reach` counts who follows it; `score` is `reach` times `importance`. `guessed` names the fields that nobody
    gave. `search` holds the words of title and body."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_created_at", "created_at", "id"),
        Index("ix_feedback_updated_at", "updated_at", "id"),
        Index("ix_feedback_score", "score", "id"),
        Index("ix_feedback_status", "status", "created_at", "id"),
        Index("ix_feedback_requester_id", "requester_id", "created_at", "id"),
        Index("ix_feedback_owner_id", "owner_id", "created_at", "id"),
        Index("ix_feedback_search", "search", postgresql_using="gin"),
        Index("ix_feedback_merged_into", "merged_into", postgresql_where=text("merged_into is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1), unique=True)
    version: Mapped[int]
    fingerprint: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    source: Mapped[str]
    guessed: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    search: Mapped[str] = mapped_column(TSVECTOR)
    reach: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    score: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    status: Mapped[str]
    kind: Mapped[str]
    priority: Mapped[str]
    importance: Mapped[int] = mapped_column(SmallInteger)
    category: Mapped[str | None]
    public: Mapped[bool]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("feedback.id"))
    release_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopen_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    breached: Mapped[bool] = mapped_column(server_default=text("false"))
    next_step: Mapped[str | None]
    next_step_at: Mapped[datetime | None]


class FeedbackProcessRow(Base):
    """The process's own state after its last commit, from which it can be rebuilt."""

    __tablename__ = "feedback_processes"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int]
    state: Mapped[dict[str, Any]]


class FeedbackEventRow(Base):
    """Append-only. `version` and `position` order the events."""

    __tablename__ = "feedback_events"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    cause: Mapped[str | None]
    data: Mapped[dict[str, Any]]


class FeedbackLedgerRow(AnyLedgerRow, Base):
    """A row of the ledger of an item's promises."""

    __tablename__ = "feedback_ledger"
    __table_args__ = (
        UniqueConstraint("feedback_id", "version", "position"),
        Index("ix_feedback_ledger_feedback_id", "feedback_id", "row"),
    )

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"))


class FeedbackCommentRow(Base):
    """Answers, which all may read who may read the item, and internal notes."""

    __tablename__ = "feedback_comments"
    __table_args__ = (Index("ix_feedback_comments_feedback_id", "feedback_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"))
    author_id: Mapped[UUID | None]
    visibility: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]


class FeedbackFollowerRow(Base):
    """Who is told of every turn, and why. `since` and `until` are versions of the item: whoever followed when a turn
    was committed hears of it, however long the telling takes. `via` is the ticket or the merged item they came by."""

    __tablename__ = "feedback_followers"
    __table_args__ = (
        Index("ix_feedback_followers_person_id", "person_id", "feedback_id", postgresql_where=_FOLLOWING),
    )

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    role: Mapped[str]
    via: Mapped[UUID | None]
    since: Mapped[int]
    until: Mapped[int | None]
    at: Mapped[datetime]


class FeedbackTicketRow(Base):
    """A ticket that is linked to the item."""

    __tablename__ = "feedback_tickets"
    __table_args__ = (Index("ix_feedback_tickets_ticket_id", "ticket_id"),)

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)


class FeedbackTurnRow(Base):
    """A turn that all followers are told of, page by page: those up to `told_to`, in the order of their ids, have
    their notifications. `total` is how many followed at the turn, `passed` how many of them were reached so far."""

    __tablename__ = "feedback_turns"
    __table_args__ = (Index("ix_feedback_turns_untold", "feedback_id", "version", postgresql_where=_UNTOLD),)

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    params: Mapped[dict[str, Any]]
    requesters_only: Mapped[bool]
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime]
    total: Mapped[int]
    passed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    told_to: Mapped[UUID | None]
    done_at: Mapped[datetime | None]


class FeedbackAnswerRow(Base):
    """What somebody said when they were asked whether it is solved: one answer a person and round."""

    __tablename__ = "feedback_answers"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    solved: Mapped[bool]
    reason: Mapped[str | None]
    at: Mapped[datetime]


class ReleaseRow(Base):
    """A draft until `published_at`."""

    __tablename__ = "releases"
    __table_args__ = (Index("ix_releases_created_at", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    name: Mapped[str]
    notes: Mapped[str]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_at: Mapped[datetime | None]


class ReleaseItemRow(Base):
    """An item that a release ships; `shipped_at` is written by the item's own commit."""

    __tablename__ = "release_items"
    __table_args__ = (Index("ix_release_items_feedback_id", "feedback_id"),)

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"), primary_key=True)
    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    shipped_at: Mapped[datetime | None]
