"""Reads of one ticket: the ticket, what belongs to it, and what the policy has to know of it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Subquery, and_, bindparam, func, literal, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from domain.account import Ref
from domain.authorization import TicketFacts
from domain.sla.ledger import LedgerEntry
from domain.sla.policy import PolicyVersion
from domain.ticket.fields import Visibility
from domain.ticket.process import REOPEN_WINDOW
from domain.ticket.record import CommentRecord, EventRecord, LinkRecord, PersonRef, Ticket
from domain.ticket.state import TicketState
from storage.database import Reader, Writer, connection_of
from storage.tables.account import OrganizationRow, PersonRow, TeamRow
from storage.tables.ticket import (
    LedgerEntryRow,
    TicketCollaboratorRow,
    TicketCommentRow,
    TicketEventRow,
    TicketLinkRow,
    TicketProcessRow,
    TicketRow,
    TicketWatcherRow,
)

KEPT_OPEN: Final = 2 * REOPEN_WINDOW
"""A ticket that was last changed longer ago, and is closed, has no process any more."""

_REQUESTER = aliased(PersonRow, name="requester")
_ASSIGNEE = aliased(PersonRow, name="assignee")
_PLAIN: Final = [name for name in Ticket.model_fields if name in TicketRow.__table__.columns]
INTERNAL_EVENTS: Final = (
    "classified",
    "noted",
    "split",
    "merged_from",
    "unmerged_from",
    "acknowledged",
    "sla_breached",
    "escalated",
    "escalation_requested",
    "waiting_for_agent",
)
"""Events that only the staff may read; the requester sees the rest of the history."""


def tickets() -> Select[Any]:
    """All tickets with the names that go with them; `record` turns a row into a Ticket."""
    return (
        select(
            *(getattr(TicketRow, name) for name in _PLAIN),
            TicketRow.rank,
            TicketRow.requester_id,
            _REQUESTER.name.label("requester_name"),
            _REQUESTER.email.label("requester_email"),
            TicketRow.assignee_id,
            _ASSIGNEE.name.label("assignee_name"),
            TicketRow.team_id,
            TeamRow.name.label("team_name"),
            TicketRow.organization_id,
            OrganizationRow.name.label("organization_name"),
        )
        .join(_REQUESTER, _REQUESTER.id == TicketRow.requester_id)
        .outerjoin(_ASSIGNEE, _ASSIGNEE.id == TicketRow.assignee_id)
        .outerjoin(TeamRow, TeamRow.id == TicketRow.team_id)
        .outerjoin(OrganizationRow, OrganizationRow.id == TicketRow.organization_id)
    )


_COLLABORATORS: Final = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("id", PersonRow.id, "name", PersonRow.name), PersonRow.name
                )
            ),
            text("'[]'::jsonb"),
        )
    )
    .join(TicketCollaboratorRow, TicketCollaboratorRow.person_id == PersonRow.id)
    .where(TicketCollaboratorRow.ticket_id == TicketRow.id)
    .correlate(TicketRow)
    .scalar_subquery()
)
_ONE: Final = (
    tickets().add_columns(_COLLABORATORS.label("collaborators")).where(TicketRow.id == bindparam("id"))
)


def record(row: Row[Any]) -> Ticket:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Ticket(
        requester=PersonRef(id=row.requester_id, name=row.requester_name, email=row.requester_email),
        assignee=Ref.of(row.assignee_id, row.assignee_name),
        team=Ref.of(row.team_id, row.team_name),
        organization=Ref.of(row.organization_id, row.organization_name),
        **values,
    )


async def get(reader: Reader | Writer, ticket_id: UUID) -> Ticket | None:
    connection = await connection_of(reader)
    row = (await connection.execute(_ONE, {"id": ticket_id})).one_or_none()
    if row is None:
        return None
    collaborators = tuple(Ref.model_validate(one) for one in row.collaborators)
    return record(row).model_copy(update={"collaborators": collaborators})


def facts(ticket: Ticket) -> TicketFacts:
    """What the policy must know of a ticket to decide about it."""
    return TicketFacts(
        requester_id=ticket.requester.id,
        team_id=None if ticket.team is None else ticket.team.id,
        assignee_id=None if ticket.assignee is None else ticket.assignee.id,
        collaborator_ids=frozenset(one.id for one in ticket.collaborators),
    )


async def fingerprint(reader: Reader, ticket_id: UUID) -> str | None:
    found: str | None = await reader.scalar(select(TicketRow.fingerprint).where(TicketRow.id == ticket_id))
    return found


async def comments(
    reader: Reader, ticket_id: UUID, *, internal: bool, after: Sequence[Any] | None, size: int
) -> list[CommentRecord]:
    """Oldest first, with those of the tickets that were merged into this one; internal ones only for those who
    may read them."""
    messages = _messages(ticket_id)
    statement = (
        select(messages, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == messages.c.author_id)
        .order_by(messages.c.at, messages.c.id)
        .limit(size + 1)
    )
    if not internal:
        statement = statement.where(messages.c.visibility == Visibility.PUBLIC)
    if after is not None:
        at, comment_id = after
        later = and_(messages.c.at == at, messages.c.id > comment_id)
        statement = statement.where((messages.c.at > at) | later)
    return [_comment(row) for row in (await reader.execute(statement)).all()]


async def comments_by_id(reader: Reader, ticket_id: UUID, wanted: Sequence[UUID]) -> list[CommentRecord]:
    """Those of `wanted` that belong to the ticket or to one merged into it, oldest first."""
    messages = _messages(ticket_id)
    statement = (
        select(messages, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == messages.c.author_id)
        .where(messages.c.id.in_(wanted))
        .order_by(messages.c.at, messages.c.id)
    )
    return [_comment(row) for row in (await reader.execute(statement)).all()]


def _comment(row: Row[Any]) -> CommentRecord:
    return CommentRecord(
        id=row.id,
        ticket_id=row.ticket_id,
        author=Ref.of(row.author_id, row.name),
        visibility=row.visibility,
        body=row.body,
        at=row.at,
    )


async def survivor(reader: Reader, ticket_id: UUID) -> UUID:
    """The ticket that goes on with this one's story: itself, unless it was merged."""
    chain = select(TicketRow.id, TicketRow.merged_into).where(TicketRow.id == ticket_id)
    chain_cte = chain.cte("chain", recursive=True)
    further = select(TicketRow.id, TicketRow.merged_into).join(
        chain_cte, TicketRow.id == chain_cte.c.merged_into
    )
    chain_cte = chain_cte.union(further)
    found: UUID | None = await reader.scalar(select(chain_cte.c.id).where(chain_cte.c.merged_into.is_(None)))
    return found or ticket_id


def _messages(ticket_id: UUID) -> Subquery:
    """The comments of a ticket and of all that were merged into it; the first message of each of those is its
    description."""
    story = select(TicketRow.id).where(TicketRow.id == ticket_id).cte("story", recursive=True)
    story = story.union(select(TicketRow.id).join(story, TicketRow.merged_into == story.c.id))
    written = select(
        TicketCommentRow.id,
        TicketCommentRow.ticket_id,
        TicketCommentRow.author_id,
        TicketCommentRow.visibility,
        TicketCommentRow.body,
        TicketCommentRow.at,
    ).where(TicketCommentRow.ticket_id.in_(select(story.c.id)))
    described = select(
        TicketRow.id,
        TicketRow.id,
        TicketRow.requester_id,
        literal(Visibility.PUBLIC.value),
        TicketRow.description,
        TicketRow.created_at,
    ).where(TicketRow.id.in_(select(story.c.id)), TicketRow.id != ticket_id)
    return written.union_all(described).subquery()


async def events(
    reader: Reader, ticket_id: UUID, *, internal: bool, after: Sequence[Any] | None, size: int
) -> list[EventRecord]:
    """The history, oldest first."""
    statement = (
        select(TicketEventRow, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == TicketEventRow.actor_id)
        .where(TicketEventRow.ticket_id == ticket_id)
        .order_by(TicketEventRow.version, TicketEventRow.position)
        .limit(size + 1)
    )
    if not internal:
        statement = statement.where(TicketEventRow.type.not_in(INTERNAL_EVENTS))
    if after is not None:
        version, position = after
        later = and_(TicketEventRow.version == version, TicketEventRow.position > position)
        statement = statement.where((TicketEventRow.version > version) | later)
    rows = (await reader.execute(statement)).all()
    return [
        EventRecord(
            number=event.version,
            position=event.position,
            type=event.type,
            at=event.at,
            actor=Ref.of(event.actor_id, name),
            cause=event.cause,
            data=event.data,
        )
        for event, name in rows
    ]


async def ledger(reader: Reader, ticket_id: UUID) -> list[LedgerEntry]:
    """Every row of the ledger, in the order in which it was written."""
    statement = select(*LedgerEntryRow.__table__.columns).where(LedgerEntryRow.ticket_id == ticket_id)
    rows = (await reader.execute(statement.order_by(LedgerEntryRow.row))).mappings()
    return [LedgerEntry.model_validate(dict(row)) for row in rows]


async def state(reader: Reader, ticket_id: UUID) -> TicketState | None:
    """The process's state after its last commit."""
    row = await reader.get(TicketProcessRow, ticket_id)
    return None if row is None else state_of(row)


def state_of(row: TicketProcessRow | Row[Any]) -> TicketState:
    policy = None if row.policy is None else PolicyVersion.model_validate(row.policy)
    return TicketState.model_validate(row.state).model_copy(update={"policy": policy})


async def watchers(reader: Reader, ticket_id: UUID) -> list[Ref]:
    statement = (
        select(PersonRow.id, PersonRow.name)
        .join(TicketWatcherRow, TicketWatcherRow.person_id == PersonRow.id)
        .where(TicketWatcherRow.ticket_id == ticket_id)
        .order_by(func.lower(PersonRow.name), PersonRow.id)
    )
    return [Ref(id=row.id, name=row.name) for row in (await reader.execute(statement)).all()]


async def links(reader: Reader, ticket_id: UUID) -> list[LinkRecord]:
    statement = (
        select(TicketLinkRow.relation, TicketRow.id, TicketRow.subject, TicketRow.number)
        .join(TicketRow, TicketRow.id == TicketLinkRow.linked_id)
        .where(TicketLinkRow.ticket_id == ticket_id)
        .order_by(TicketRow.number)
    )
    return [
        LinkRecord(ticket=Ref(id=row.id, name=row.subject), number=row.number, relation=row.relation)
        for row in (await reader.execute(statement)).all()
    ]
