"""Tickets for the export, a batch of bounded size at a time: which, how much text they have, and what belongs to
them. What of it the reader may see is decided before it is asked for here."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.orm import aliased

from domain.authorization import Visibility
from domain.sla.view import LedgerRecord
from domain.ticket.export import (
    ExportedAttachment,
    ExportedComment,
    ExportedEvent,
    ExportedLink,
    ExportedProcess,
    ExportedTicket,
)
from domain.ticket.fields import Visibility as Readers
from domain.ticket.filter import Filter
from domain.ticket.record import PersonRef, Ticket
from storage.database import Reader
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.attachment import AttachmentRow
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
from storage.ticket.condition import narrow
from storage.ticket.read import INTERNAL_EVENTS

BATCH_BYTES: Final = 4 * 2**20
"""So much text is read at once, or one ticket that has more."""

_ROW_BYTES: Final = 400
_BY_NUMBER: Final = Order((TicketRow.number, TicketRow.id))
_FIRST: Final = UUID(int=2**128 - 1)
_OTHER: Final = aliased(TicketRow, name="other")

Part = TypeVar("Part")


async def numbered(
    reader: Reader, visible: Visibility, wanted: Filter, after: int, size: int
) -> list[tuple[int, UUID]]:
    """The next tickets after the number `after`, by number, which no change of a ticket moves; raises Invalid for a
    name that nobody has."""
    narrowed = await narrow(reader, visible, wanted)
    statement = page(narrowed(select(*_BY_NUMBER.columns)), _BY_NUMBER, (after, _FIRST), size - 1)
    return [(row.number, row.id) for row in (await reader.execute(statement)).all()]


async def batches(reader: Reader, ids: Sequence[UUID]) -> list[list[UUID]]:
    """`ids` in their order, cut so that the texts of each part are not more than `BATCH_BYTES`."""
    said = (
        select(func.coalesce(func.sum(func.octet_length(TicketCommentRow.body)), 0))
        .where(TicketCommentRow.ticket_id == TicketRow.id)
        .scalar_subquery()
    )
    happened = (
        select(func.count()).where(TicketEventRow.ticket_id == TicketRow.id).scalar_subquery()
        + select(func.count()).where(LedgerEntryRow.ticket_id == TicketRow.id).scalar_subquery()
    )
    size = func.octet_length(TicketRow.description) + said + happened * _ROW_BYTES
    sizes = select(TicketRow.id, size.label("size"))
    rows = (await reader.execute(sizes.where(TicketRow.id.in_(ids)))).all()
    size_of = {row.id: row.size for row in rows}
    found: list[list[UUID]] = []
    room = 0
    for ticket_id in ids:
        size = size_of.get(ticket_id, 0)
        if not found or size > room:
            found.append([])
            room = BATCH_BYTES
        found[-1].append(ticket_id)
        room -= size
    return found


async def whole(reader: Reader, tickets: Sequence[Ticket], worked: Collection[UUID]) -> list[ExportedTicket]:
    """The tickets with what belongs to them. Of those that are not in `worked`, on which the reader works, only what
    everybody on the ticket may read, and no addresses."""
    ids = [ticket.id for ticket in tickets]
    comments = await _comments(reader, ids, worked)
    events = await _events(reader, ids, worked)
    attachments = await _attachments(reader, ids, worked)
    own = [one for one in ids if one in worked]
    links = await _links(reader, own)
    ledgers = await _ledgers(reader, own)
    processes = await _processes(reader, own)
    watchers = await _people(reader, TicketWatcherRow, own, worked)
    collaborators = await _people(reader, TicketCollaboratorRow, ids, worked)
    emails = await _emails(reader, [one.assignee.id for one in tickets if one.assignee and one.id in worked])
    return [
        ExportedTicket.model_construct(
            **{
                **dict(ticket),
                "assignee": ticket.assignee
                and PersonRef(
                    id=ticket.assignee.id, name=ticket.assignee.name, email=emails.get(ticket.assignee.id)
                ),
                "collaborators": tuple(collaborators.get(ticket.id, ())),
                "watchers": tuple(watchers.get(ticket.id, ())),
                "links": tuple(links.get(ticket.id, ())),
                "comments": tuple(comments.get(ticket.id, ())),
                "events": tuple(events.get(ticket.id, ())),
                "attachments": tuple(attachments.get(ticket.id, ())),
                "ledger": tuple(ledgers.get(ticket.id, ())),
                "process": processes.get(ticket.id),
            }
        )
        for ticket in tickets
    ]


def _grouped(rows: Sequence[Any], made: Callable[[Row[Any]], Part]) -> dict[UUID, list[Part]]:
    found: dict[UUID, list[Part]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append(made(row))
    return found


def _readable(table: Any, ids: Sequence[UUID], worked: Collection[UUID]) -> ColumnElement[bool]:
    """What belongs to these tickets, internal things only of those that are worked on."""
    own: ColumnElement[bool] = table.ticket_id.in_(ids)
    return own & or_(table.visibility == Readers.PUBLIC, table.ticket_id.in_(list(worked)))


def _person(row: Row[Any], person_id: UUID, worked: Collection[UUID]) -> PersonRef:
    email = row.email if row.ticket_id in worked else None
    return PersonRef.model_construct(id=person_id, name=row.person_name or "", email=email)


async def _comments(
    reader: Reader, ids: Sequence[UUID], worked: Collection[UUID]
) -> dict[UUID, list[ExportedComment]]:
    statement = (
        select(*TicketCommentRow.__table__.columns, PersonRow.name.label("person_name"), PersonRow.email)
        .outerjoin(PersonRow, PersonRow.id == TicketCommentRow.author_id)
        .where(_readable(TicketCommentRow, ids, worked))
        .order_by(TicketCommentRow.ticket_id, TicketCommentRow.at, TicketCommentRow.id)
    )
    return _grouped(
        (await reader.execute(statement)).all(),
        lambda row: ExportedComment.model_construct(
            id=row.id,
            author=None if row.author_id is None else _person(row, row.author_id, worked),
            visibility=Readers(row.visibility),
            body=row.body,
            at=row.at,
        ),
    )


async def _events(
    reader: Reader, ids: Sequence[UUID], worked: Collection[UUID]
) -> dict[UUID, list[ExportedEvent]]:
    """The history of each ticket, as it would be without its import."""
    told = TicketEventRow.type.not_in(INTERNAL_EVENTS)
    statement = (
        select(*TicketEventRow.__table__.columns, PersonRow.name.label("person_name"), PersonRow.email)
        .outerjoin(PersonRow, PersonRow.id == TicketEventRow.actor_id)
        .where(TicketEventRow.ticket_id.in_(ids), TicketEventRow.type != "imported")
        .where(or_(told, TicketEventRow.ticket_id.in_(list(worked))))
        .order_by(TicketEventRow.ticket_id, TicketEventRow.version, TicketEventRow.position)
    )
    return _grouped(
        (await reader.execute(statement)).all(),
        lambda row: ExportedEvent.model_construct(
            type=row.type,
            at=row.at,
            actor=None if row.actor_id is None else _person(row, row.actor_id, worked),
            cause=row.cause,
            data=row.data,
        ),
    )


async def _ledgers(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, list[LedgerRecord]]:
    statement = (
        select(*LedgerEntryRow.__table__.columns)
        .where(LedgerEntryRow.ticket_id.in_(ids))
        .order_by(LedgerEntryRow.ticket_id, LedgerEntryRow.row)
    )
    return _grouped((await reader.execute(statement)).all(), LedgerRecord.model_validate)


async def _processes(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, ExportedProcess]:
    known = TicketProcessRow.state
    columns = [known[name].label(name) for name in ExportedProcess.model_fields]
    statement = select(TicketProcessRow.ticket_id, *columns).where(TicketProcessRow.ticket_id.in_(ids))
    rows = (await reader.execute(statement)).all()
    return {row.ticket_id: ExportedProcess.model_validate(row) for row in rows}


async def _attachments(
    reader: Reader, ids: Sequence[UUID], worked: Collection[UUID]
) -> dict[UUID, list[ExportedAttachment]]:
    statement = (
        select(*AttachmentRow.__table__.columns, PersonRow.name.label("person_name"), PersonRow.email)
        .join(PersonRow, PersonRow.id == AttachmentRow.created_by)
        .where(_readable(AttachmentRow, ids, worked))
        .order_by(AttachmentRow.ticket_id, AttachmentRow.created_at, AttachmentRow.id)
    )
    return _grouped(
        (await reader.execute(statement)).all(),
        lambda row: ExportedAttachment.model_construct(
            id=row.id,
            comment=row.comment_id,
            name=row.name,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            visibility=Readers(row.visibility),
            created_by=_person(row, row.created_by, worked),
            created_at=row.created_at,
        ),
    )


async def _links(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, list[ExportedLink]]:
    statement = (
        select(TicketLinkRow.ticket_id, TicketLinkRow.linked_id, TicketLinkRow.relation, _OTHER.number)
        .join(_OTHER, _OTHER.id == TicketLinkRow.linked_id)
        .where(TicketLinkRow.ticket_id.in_(ids))
        .order_by(TicketLinkRow.ticket_id, _OTHER.number)
    )
    return _grouped(
        (await reader.execute(statement)).all(),
        lambda row: ExportedLink(ticket=row.linked_id, number=row.number, relation=row.relation),
    )


async def _people(
    reader: Reader, table: Any, ids: Sequence[UUID], worked: Collection[UUID]
) -> dict[UUID, list[PersonRef]]:
    """Whom `table` puts beside these tickets, by address."""
    statement = (
        select(table.ticket_id, table.person_id, PersonRow.name.label("person_name"), PersonRow.email)
        .join(PersonRow, PersonRow.id == table.person_id)
        .where(table.ticket_id.in_(ids))
        .order_by(table.ticket_id, func.lower(PersonRow.email))
    )
    return _grouped(
        (await reader.execute(statement)).all(),
        lambda row: _person(row, row.person_id, worked),
    )


async def _emails(reader: Reader, people: Sequence[UUID]) -> dict[UUID, str]:
    rows = await reader.execute(select(PersonRow.id, PersonRow.email).where(PersonRow.id.in_(people)))
    return {row.id: row.email for row in rows}
