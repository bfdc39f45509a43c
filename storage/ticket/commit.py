"""Commits one change of a ticket process: all of it in one transaction, once.

The guard is the event number. A workflow task that is lost after its commit (its worker died, its answer came
too late) runs again, perhaps in another order and with other messages; then the database is ahead, nothing is
written, and the process is given the state that holds, to decide again from there. So nothing is written
twice, and no row of an older change ever overwrites a newer one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.errors import Unavailable
from domain.ticket.messages import Change, Outcome
from domain.ticket.process import is_empty, timers, with_facts
from domain.ticket.state import TicketState
from storage import assignment, outbox, search
from storage.database import Writer
from storage.tables.ticket import (
    LedgerEntryRow,
    TicketCommentRow,
    TicketEventRow,
    TicketLinkRow,
    TicketProcessRow,
    TicketRow,
    TicketWatcherRow,
)
from storage.ticket import facts as finding
from storage.ticket.audience import tell
from storage.ticket.read import state_of

_FREEING = frozenset({"status_changed", "assigned", "unassigned"})


async def commit(writer: Writer, change: Change, *, mail: bool) -> Outcome:
    """Finds the facts that `change` wants, completes it, writes it.

    `mail` says whether mails can be sent; without, they are kept to be read. Raises Unavailable when the
    database is behind the process: one of them was restored, and they have to be reconciled first.
    """
    ahead = await _ahead(writer, change)
    if ahead is not None:
        return Outcome(state=ahead)
    facts = await finding.gather(writer, change) if change.wants else None
    if facts is not None:
        change = with_facts(change, facts)
        if is_empty(change):
            return Outcome(facts=facts)
    await _write_ticket(writer, change)
    await _write_history(writer, change)
    await _write_process(writer, change, policy=facts is not None and facts.matched)
    await _write_relations(writer, change)
    await tell(writer, change, mail=mail)
    await _offer_free_place(writer, change)
    return Outcome(facts=facts)


async def _ahead(writer: Writer, change: Change) -> TicketState | None:
    """The state that holds, if the database knows this event number already; locks the process's row.

    Two first commits of one ticket cannot pass each other here: the second waits at the primary key and fails,
    and its retry finds the first.
    """
    statement = (
        select(TicketProcessRow).where(TicketProcessRow.ticket_id == change.ticket_id).with_for_update()
    )
    row = (await writer.scalars(statement)).one_or_none()
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


async def _write_ticket(writer: Writer, change: Change) -> None:
    if change.opened is None:
        values = _columns(change.state, change.at)
        if change.tags != ([], []):
            tags = await writer.scalar(select(TicketRow.tags).where(TicketRow.id == change.ticket_id))
            values["tags"] = merged(tags or [], *change.tags)
        await writer.execute(update(TicketRow).where(TicketRow.id == change.ticket_id).values(**values))
        return
    opened = change.opened
    vector = search.vector(opened.subject, "A").concat(search.vector(opened.description, "C"))
    await writer.execute(
        insert(TicketRow).values(
            id=change.ticket_id,
            number=change.state.number,
            fingerprint=opened.fingerprint,
            external_id=opened.external_id,
            subject=opened.subject,
            description=opened.description,
            requested_priority=opened.priority,
            channel=opened.channel,
            tags=merged([], opened.tags, []),
            custom_fields=opened.custom_fields,
            search=vector,
            **_columns(change.state, change.at),
        )
    )


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


async def _write_history(writer: Writer, change: Change) -> None:
    place = {"ticket_id": change.ticket_id, "version": change.state.event_number}
    if change.events:
        events = [
            {**place, "position": position, **event.model_dump(exclude={"data"}), "data": dumped["data"]}
            for position, event in enumerate(change.events)
            for dumped in (event.model_dump(mode="json", include={"data"}),)
        ]
        await writer.execute(insert(TicketEventRow), events)
    if change.ledger:
        rows = [
            {**place, "position": position, **row.model_dump(exclude={"target", "elapsed"})}
            | {
                "target": None if row.target is None else row.target.total_seconds(),
                "elapsed": None if row.elapsed is None else row.elapsed.total_seconds(),
            }
            for position, row in enumerate(change.ledger)
        ]
        await writer.execute(insert(LedgerEntryRow), rows)
    if change.comment is not None:
        comment = change.comment
        vector = search.vector(comment.body, "D")
        row = comment.model_dump()
        await writer.execute(
            insert(TicketCommentRow).values(ticket_id=change.ticket_id, search=vector, **row)
        )


async def _write_process(writer: Writer, change: Change, *, policy: bool) -> None:
    state = change.state
    values: dict[str, Any] = {
        "version": state.event_number,
        "state": state.model_dump(mode="json", exclude={"policy"}),
    }
    if policy:
        values["policy"] = None if state.policy is None else state.policy.model_dump(mode="json")
    if change.opened is not None:
        await writer.execute(insert(TicketProcessRow).values(ticket_id=state.id, **values))
        return
    ticket = TicketProcessRow.ticket_id == state.id
    await writer.execute(update(TicketProcessRow).where(ticket).values(**values))


async def _write_relations(writer: Writer, change: Change) -> None:
    """Watchers and links; a link is written on both tickets, seen from each side."""
    ticket = TicketWatcherRow.ticket_id == change.ticket_id
    if change.watch:
        rows = [{"ticket_id": change.ticket_id, "person_id": person} for person in change.watch]
        await writer.execute(upsert(TicketWatcherRow).on_conflict_do_nothing(), rows)
    if change.unwatch:
        await writer.execute(
            delete(TicketWatcherRow).where(ticket, TicketWatcherRow.person_id.in_(change.unwatch))
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
    await assignment.lock(writer)
    if await assignment.is_anyone_waiting(writer):
        await outbox.put(writer, "capacity", str(change.ticket_id), {})
