"""Commits one change of a ticket process: all of it in one transaction, once.

The guard is the event number. A workflow task that is lost after its commit (its worker died, its answer came
too late) runs again, perhaps in another order and with other messages; then the database is ahead, nothing is
written, and the process is given the state that holds, to decide again from there. So nothing is written
twice, and no row of an older change ever overwrites a newer one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Integer, Uuid, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Unavailable
from domain.sla.ledger import LedgerRow
from domain.ticket.messages import Change, Outcome
from domain.ticket.process import is_empty, timers, with_facts
from domain.ticket.state import TicketState
from storage import assignment, outbox, search
from storage.database import Writer, connection_of, table_of
from storage.tables.ticket import (
    TicketCollaboratorRow,
    TicketCommentRow,
    TicketLinkRow,
    TicketProcessRow,
    TicketRow,
    TicketWatcherRow,
)
from storage.ticket import facts as finding
from storage.ticket import merge
from storage.ticket.audience import tell
from storage.ticket.read import state_of

_TICKETS: Final = table_of(TicketRow)
_COMMENTS: Final = table_of(TicketCommentRow)
_PROCESSES: Final = table_of(TicketProcessRow)

# Built once: every ticket and every step of its life passes here.
_PROCESS: Final = select(_PROCESSES).where(_PROCESSES.c.ticket_id == bindparam("id")).with_for_update()
_TAGS: Final = select(_TICKETS.c.tags).where(_TICKETS.c.id == bindparam("id"))
_WORDS: Final = select(_TICKETS.c.subject, _TICKETS.c.description).where(_TICKETS.c.id == bindparam("id"))
_SEARCH: Final = search.vector(bindparam("subject_words"), "A").concat(
    search.vector(bindparam("description_words"), "C")
)
_INSERT_TICKET: Final = insert(_TICKETS).values(search=_SEARCH)
_INSERT_COMMENT: Final = insert(_COMMENTS).values(search=search.vector(bindparam("body_words"), "D"))
# The copy's id follows from both, so a second attempt makes the same.
_COPY_COMMENTS: Final = text("""
    INSERT INTO ticket_comments (id, ticket_id, author_id, visibility, body, at, search)
    SELECT CAST(md5(id::text || :id) AS uuid), :id, author_id, visibility, body, at, search
    FROM ticket_comments WHERE id = ANY(:copies)
""").bindparams(bindparam("id", type_=Uuid()))
_WRITE_HISTORY: Final = text("""
    WITH events AS (
        INSERT INTO ticket_events (ticket_id, version, position, type, at, actor_id, cause, data)
        SELECT :ticket_id, :version, row_number() OVER () - 1, type, at, actor_id, cause, data
        FROM jsonb_to_recordset(:events)
            AS row (type text, at timestamptz, actor_id uuid, cause text, data jsonb)
    ), ledger AS (
        INSERT INTO sla_ledger (
            ticket_id, version, position, clock, cycle, kind, step, at, due_at, fired_at, started_at, target,
            elapsed, missed, cause, policy_id, policy_version, calendar_version
        )
        SELECT :ticket_id, :version, row_number() OVER () - 1, row.*
        FROM jsonb_to_recordset(:ledger) AS row (
            clock text, cycle int, kind text, step text, at timestamptz, due_at timestamptz,
            fired_at timestamptz, started_at timestamptz, target float8, elapsed float8, missed int,
            cause text, policy_id uuid, policy_version int, calendar_version int
        )
    )
    INSERT INTO ticket_processes AS known (ticket_id, version, state, policy)
    VALUES (:ticket_id, :version, :state, :policy)
    ON CONFLICT (ticket_id) DO UPDATE SET version = :version, state = :state,
        policy = CASE WHEN :adopted THEN :policy ELSE known.policy END
""").bindparams(
    bindparam("ticket_id", type_=Uuid()),
    bindparam("version", type_=Integer()),
    bindparam("adopted", type_=Boolean()),
    *(bindparam(name, type_=JSONB(none_as_null=True)) for name in ("events", "ledger", "state", "policy")),
)
_UPDATE_TICKET: Final = update(_TICKETS).where(_TICKETS.c.id == bindparam("of"))
_UPDATE_SEARCH: Final = _UPDATE_TICKET.values(search=_SEARCH)

_FREEING: Final = frozenset({"status_changed", "assigned", "unassigned"})


async def commit(writer: Writer, change: Change, *, mail: bool) -> Outcome:
    """Finds the facts that `change` wants, completes it, writes it.

    `mail` says whether mails can be sent; without, they are kept to be read. Raises Unavailable when the
    database is behind the process: one of them was restored, and they have to be reconciled first.
    """
    connection = await connection_of(writer)
    ahead = await _ahead(connection, change)
    if ahead is not None:
        return Outcome(state=ahead)
    await merge.check(connection, change)
    facts = await finding.gather(writer, change) if change.wants else None
    if facts is not None:
        change = with_facts(change, facts)
        if is_empty(change):
            return Outcome(facts=facts)
    await _write_ticket(connection, change)
    await _write_history(connection, change, policy=facts is not None and facts.matched)
    await _write_relations(writer, change)
    await merge.write(writer, connection, change)
    await tell(writer, change, mail=mail)
    await _offer_free_place(writer, change)
    return Outcome(facts=facts)


async def _ahead(connection: AsyncConnection, change: Change) -> TicketState | None:
    """The state that holds, if the database knows this event number already; locks the process's row.

    Two first commits of one ticket cannot pass each other: the second waits at the primary key and fails, and
    its retry finds the first.
    """
    row = (await connection.execute(_PROCESS, {"id": change.ticket_id})).one_or_none()
    version, expected = (0 if row is None else row.version), change.state.event_number
    if row is not None and version >= expected:
        return state_of(row)
    if version != expected - 1:
        raise Unavailable(
            "process_out_of_step",
            f"Ticket {change.ticket_id} is at version {version} in the database and the process commits "
            f"{expected}.",
        )
    return None


async def _write_ticket(connection: AsyncConnection, change: Change) -> None:
    if change.opened is None:
        columns = _columns(change.state, change.at)
        if change.tags != ([], []):
            tags = await connection.scalar(_TAGS, {"id": change.ticket_id})
            columns["tags"] = merged(tags or [], *change.tags)
        if change.edit is not None:
            columns |= change.edit.model_dump(exclude_none=True)
        await connection.execute(_UPDATE_TICKET, {"of": change.ticket_id, **columns})
        if change.edit is not None:
            await _index_again(connection, change.ticket_id)
        return
    opened = change.opened
    row = {
        "id": change.ticket_id,
        "number": change.state.number,
        "fingerprint": opened.fingerprint,
        "external_id": opened.external_id,
        "subject": opened.subject,
        "description": opened.description,
        "requested_priority": opened.priority,
        "channel": opened.channel,
        "tags": merged([], opened.tags, []),
        "custom_fields": opened.custom_fields,
        "subject_words": search.words(opened.subject),
        "description_words": search.words(opened.description),
        **_columns(change.state, change.at),
    }
    await connection.execute(_INSERT_TICKET, row)


async def _index_again(connection: AsyncConnection, ticket_id: UUID) -> None:
    """The full text index of a ticket whose words were edited."""
    row = (await connection.execute(_WORDS, {"id": ticket_id})).one()
    words = {"subject_words": search.words(row.subject), "description_words": search.words(row.description)}
    await connection.execute(_UPDATE_SEARCH, {"of": ticket_id, **words})


def merged(tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """The tags in the order in which they came, without repeats."""
    return [tag for tag in dict.fromkeys([*tags, *add]) if tag not in remove]


def _columns(state: TicketState, at: datetime) -> dict[str, Any]:
    """The columns that mirror the process's state."""
    step = next((timer for timer in timers(state) if timer.name != "finish"), None)
    return {
        "version": state.event_number,
        "status": state.status,
        "priority": state.priority,
        "rank": state.priority.key,
        "category": state.category,
        "kind": state.kind,
        "tier": state.tier,
        "requester_id": state.requester_id,
        "organization_id": state.organization_id,
        "team_id": state.team_id,
        "assignee_id": state.assignee_id,
        "waiting_reason": state.waiting_reason,
        "merged_into": state.merged_into,
        "created_at": state.created_at,
        "updated_at": at,
        "first_responded_at": state.first_responded_at,
        "resolved_at": state.resolved_at,
        "closed_at": state.closed_at,
        "reopen_count": state.reopen_count,
        "breached": state.breached,
        "next_step": None if step is None else step.name,
        "next_step_at": None if step is None else step.due_at,
    }


async def _write_history(connection: AsyncConnection, change: Change, *, policy: bool) -> None:
    """Events, ledger and the process's state, in one statement."""
    state = change.state
    parameters: dict[str, Any] = {
        "ticket_id": change.ticket_id,
        "version": state.event_number,
        "events": [event.model_dump(mode="json") for event in change.events],
        "ledger": [_ledger_row(row) for row in change.ledger],
        "state": state.model_dump(mode="json", exclude={"policy"}),
        "policy": None if state.policy is None else state.policy.model_dump(mode="json"),
        "adopted": policy,
    }
    await connection.execute(_WRITE_HISTORY, parameters)
    for comment in change.comments:
        words = search.words(comment.body)
        row = {**comment.model_dump(), "ticket_id": change.ticket_id, "body_words": words}
        await connection.execute(_INSERT_COMMENT, row)
    if change.opened is not None and change.opened.copies:
        await connection.execute(_COPY_COMMENTS, {"id": change.ticket_id, "copies": change.opened.copies})


def _ledger_row(row: LedgerRow) -> dict[str, Any]:
    lengths = {"target": _seconds(row.target), "elapsed": _seconds(row.elapsed)}
    return row.model_dump(mode="json", exclude={"target", "elapsed"}) | lengths


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


async def _write_relations(writer: Writer, change: Change) -> None:
    """Watchers, collaborators and links; a link is written on both tickets, seen from each side."""
    ticket = TicketWatcherRow.ticket_id == change.ticket_id
    if change.watch:
        rows = [{"ticket_id": change.ticket_id, "person_id": person} for person in change.watch]
        await writer.execute(upsert(TicketWatcherRow).on_conflict_do_nothing(), rows)
    if change.unwatch:
        await writer.execute(
            delete(TicketWatcherRow).where(ticket, TicketWatcherRow.person_id.in_(change.unwatch))
        )
    if change.share:
        rows = [{"ticket_id": change.ticket_id, "person_id": person} for person in change.share]
        await writer.execute(upsert(TicketCollaboratorRow).on_conflict_do_nothing(), rows)
    if change.unshare:
        await writer.execute(
            delete(TicketCollaboratorRow).where(
                TicketCollaboratorRow.ticket_id == change.ticket_id,
                TicketCollaboratorRow.person_id.in_(change.unshare),
            )
        )
    for link in change.link:
        for one, other, relation in (
            (change.ticket_id, link.ticket_id, link.relation),
            (link.ticket_id, change.ticket_id, link.relation.inverse),
        ):
            statement = upsert(TicketLinkRow).values(ticket_id=one, linked_id=other, relation=relation)
            await writer.execute(
                statement.on_conflict_do_update(
                    index_elements=["ticket_id", "linked_id"], set_={"relation": relation}
                )
            )
    for other in change.unlink:
        await _unlink(writer, change.ticket_id, other)
        await _unlink(writer, other, change.ticket_id)


async def _unlink(writer: Writer, ticket_id: UUID, linked_id: UUID) -> None:
    statement = delete(TicketLinkRow).where(
        TicketLinkRow.ticket_id == ticket_id, TicketLinkRow.linked_id == linked_id
    )
    await writer.execute(statement)


async def _offer_free_place(writer: Writer, change: Change) -> None:
    """Where this change may have freed an agent, and someone waits, wakes those who wait."""
    if change.opened is not None or not any(event.type in _FREEING for event in change.events):
        return
    connection = await connection_of(writer)
    await assignment.lock(connection)
    if await assignment.is_anyone_waiting(connection):
        await outbox.put(writer, "capacity", str(change.ticket_id), {})
