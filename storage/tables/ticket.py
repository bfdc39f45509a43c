"""Tickets and what belongs to them. The `tickets` row is the read model that every list and count reads; it is
written by the ticket process alone, guarded by `version`, which is the process's event number."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base
from storage.tables.sla import AnyLedgerRow

_LOADING = text("status in ('assigned', 'in_progress')")
_MERGED = text("merged_into IS NOT NULL")
_WAITING = text("waiting_reason is not null")
_BROKEN = text("breached")
_ACTIVE = text("status in ('open', 'assigned', 'in_progress', 'waiting', 'on_hold')")
_TEXTUAL = text("text is not null")
_NUMERIC = text("number is not null")
_PENDING_STEP = text("next_step_at is not null")


class TicketRow(Base):
    """`number` counts up as tickets are committed and never repeats; gaps are possible.

    `waiting_reason` is set while someone is looked for. `next_step*` name the next thing that fires by itself.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_status", "status", "created_at", "id"),
        Index("ix_tickets_status_rank", "status", "rank", "created_at", "id"),
        Index("ix_tickets_created_at", "created_at", "id"),
        Index("ix_tickets_updated_at", "updated_at", "id"),
        Index("ix_tickets_changed_at", "changed_at", "id"),
        Index("ix_tickets_changed_in", "changed_in", "id"),
        Index("ix_tickets_requester_id", "requester_id", "created_at", "id"),
        Index("ix_tickets_assignee_id", "assignee_id", "created_at", "id"),
        Index("ix_tickets_team_id", "team_id", "created_at", "id"),
        Index("ix_tickets_load", "assignee_id", "priority", postgresql_where=_LOADING),
        Index("ix_tickets_waiting", "rank", "created_at", "id", postgresql_where=_WAITING),
        Index("ix_tickets_next_step_at", "next_step_at", "id", postgresql_where=_PENDING_STEP),
        Index("ix_tickets_organization_id", "organization_id", "created_at", "id"),
        Index("ix_tickets_category", "category", "created_at", "id"),
        Index("ix_tickets_kind", "kind", "created_at", "id"),
        Index("ix_tickets_channel", "channel", "created_at", "id"),
        Index("ix_tickets_tier", "tier", "created_at", "id"),
        Index("ix_tickets_rank", "rank", "created_at", "id"),
        Index("ix_tickets_breached", "created_at", "id", postgresql_where=_BROKEN),
        # What is open is counted from this index alone, by whoever may see it: its rows lie far apart.
        Index(
            "ix_tickets_active",
            "created_at",
            "reopened_at",
            postgresql_include=[
                "team_id",
                "assignee_id",
                "organization_id",
                "category",
                "kind",
                "priority",
                "channel",
                "id",
                "requester_id",
                "status",
                "rank",
                "breached",
            ],
            postgresql_where=_ACTIVE,
        ),
        Index("ix_tickets_tags", "tags", postgresql_using="gin"),
        Index("ix_tickets_merged_into", "merged_into", postgresql_where=_MERGED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1), unique=True)
    version: Mapped[int]
    fingerprint: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(unique=True)
    subject: Mapped[str]
    description: Mapped[str]
    status: Mapped[str]
    priority: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger)  # of the priority, 1 first
    requested_priority: Mapped[str]
    category: Mapped[str | None]
    kind: Mapped[str | None]
    channel: Mapped[str]
    tier: Mapped[int]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    waiting_reason: Mapped[str | None]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    custom_fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    classification: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    first_responded_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopen_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    breached: Mapped[bool] = mapped_column(server_default=text("false"))
    next_step: Mapped[str | None]
    next_step_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())  # by the database's own clock
    changed_in: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # written by NOTE_CHANGES
    # What follows from the history, see `storage/ticket/measure.py`; times are seconds of working time.
    response_working: Mapped[float | None]
    resolution_working: Mapped[float | None]
    first_contact: Mapped[bool | None]
    reopened_at: Mapped[datetime | None]
    promises_kept: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    promises_broken: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    satisfaction: Mapped[int | None] = mapped_column(
        SmallInteger
    )  # the score of the last answer to its survey


# Which transaction changed the row last, whoever wrote it, so that no way of writing is forgotten by the export.
NOTE_CHANGES: Final = """
    CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.changed_in := pg_current_xact_id()::text::bigint + coalesce((SELECT shift FROM feeds), 0);
        RETURN NEW;
    END $$;
    CREATE TRIGGER note_change BEFORE INSERT OR UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION note_change()
"""
event.listen(
    TicketRow.__table__,
    "after_create",
    DDL(NOTE_CHANGES),  # type: ignore[no-untyped-call]  # its constructor has no annotations
)


DAY: Final = "(ARRAY[(created_at AT TIME ZONE 'UTC')::date])"
"""The day of a ticket, in UTC, as the index of words has it beside them: what PostgreSQL can index together with words
is an array."""


class TicketSearchRow(Base):
    """The words of a ticket: apart from it, because its row changes often and its words seldom, and each new
    version of a row is indexed anew.

    `shared` holds subject, description and public comments; `entire` also the internal ones, and is null as long
    as there are none. Everybody's search begins at the index on what is there to be found.
    """

    __tablename__ = "ticket_search"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime]  # of the ticket, so that the newest matches are found without it
    shared: Mapped[str] = mapped_column(TSVECTOR)
    entire: Mapped[str | None] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("ix_ticket_search_words", text("coalesce(entire, shared)"), text(DAY), postgresql_using="gin"),
    )


# The frequency of more words, by which a search chooses its way (`storage/ticket/find.py`).
FREQUENT_WORDS: Final = "ALTER INDEX ix_ticket_search_words ALTER COLUMN 1 SET STATISTICS 400"
_CREATED: Final = DDL(FREQUENT_WORDS)  # type: ignore[no-untyped-call]  # its constructor has no annotations
event.listen(TicketSearchRow.__table__, "after_create", _CREATED)


class TicketFieldRow(Base):
    """The values of custom fields, by which tickets are found and sorted; `tickets.custom_fields` holds them as they
    came. A value of a key that names no field stands here too, because a field may be made for it later.

    Dates, options and truth are texts, all made comparable (`domain/field.py`); a list has a row for each item.
    """

    __tablename__ = "ticket_fields"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    text: Mapped[str | None] = mapped_column(Text(collation="C"))
    number: Mapped[Decimal | None]
    created_at: Mapped[datetime]  # of the ticket

    __table_args__ = (
        Index("ix_ticket_fields_text", "key", "text", "created_at", "ticket_id", postgresql_where=_TEXTUAL),
        Index(
            "ix_ticket_fields_number", "key", "number", "created_at", "ticket_id", postgresql_where=_NUMERIC
        ),
    )


class TicketTagRow(Base):
    """`tickets.tags` once more, to be counted. `team_id` is the ticket's."""

    __tablename__ = "ticket_tags"
    __table_args__ = (Index("ix_ticket_tags_tag", "tag", "team_id"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    team_id: Mapped[UUID | None]


class TicketEventRow(Base):
    """Append-only. `version` and `position` order the events; a retry writes the same rows again to no effect."""

    __tablename__ = "ticket_events"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    cause: Mapped[str | None]
    data: Mapped[dict[str, Any]]


class TicketCommentRow(Base):
    __tablename__ = "ticket_comments"
    __table_args__ = (Index("ix_ticket_comments_ticket_id", "ticket_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    author_id: Mapped[UUID | None]
    visibility: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]


class TicketProcessRow(Base):
    """The process's own state after its last commit, from which it can be rebuilt: `state` without the policy,
    which changes seldom and stands beside it."""

    __tablename__ = "ticket_processes"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int]
    state: Mapped[dict[str, Any]]
    policy: Mapped[dict[str, Any] | None]


class TicketImportRow(Base):
    """What belongs to a ticket that comes from another desk, from the request until its first commit."""

    __tablename__ = "ticket_imports"

    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    belongings: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class TicketWatcherRow(Base):
    __tablename__ = "ticket_watchers"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)


class TicketCollaboratorRow(Base):
    """Someone who follows and answers the ticket like its requester; `via` is the merged ticket they came with."""

    __tablename__ = "ticket_collaborators"
    __table_args__ = (Index("ix_ticket_collaborators_person_id", "person_id", "ticket_id"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    via: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))


class TicketViewerRow(Base):
    """Who has the ticket open. Unlogged: it is worth nothing after a crash."""

    __tablename__ = "ticket_viewers"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    typing: Mapped[bool]
    seen_at: Mapped[datetime]


class TicketLinkRow(Base):
    __tablename__ = "ticket_links"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    linked_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    relation: Mapped[str]


class LedgerEntryRow(AnyLedgerRow, Base):
    """A row of the ledger of a ticket's promises."""

    __tablename__ = "sla_ledger"
    __table_args__ = (
        UniqueConstraint("ticket_id", "version", "position"),
        Index("ix_sla_ledger_ticket_id", "ticket_id", "row"),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
