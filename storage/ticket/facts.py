"""Finds what a change wants to know before it can be committed: the requester, the policy, an assignee.

Runs inside the transaction that commits the change, so what it finds still holds when the change is written.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assignment import Wanted, choose
from domain.errors import Invalid
from domain.sla.policy import PolicyVersion, TicketFacts, choose_policy
from domain.ticket.messages import Change, Facts, OpenTicket, Requester
from domain.ticket.state import TicketState
from storage import account, assignment, sla
from storage.database import Writer, connection_of, table_of
from storage.tables.account import Person

_PEOPLE: Final = table_of(Person)
_KNOWN: Final[Select[Any]] = select(
    _PEOPLE.c.id,
    _PEOPLE.c.organization_id,
    func.nextval(func.pg_get_serial_sequence("tickets", "number")).label("number"),
)
_BY_ID: Final = _KNOWN.where(_PEOPLE.c.id == bindparam("id"))
_BY_EMAIL: Final = _KNOWN.where(func.lower(_PEOPLE.c.email) == func.lower(bindparam("email")))


async def gather(writer: Writer, change: Change) -> Facts:
    """Looks for someone last, so the lock that this takes is held as shortly as possible."""
    connection, state, found = await connection_of(writer), change.state, Facts()
    if "requester" in change.wants:
        assert change.opened is not None
        found = await _requester(writer, connection, change.opened)
        state = state.model_copy(update={"organization_id": found.organization_id})
    if state.team_id is None or "assignee" in change.wants:
        state = state.model_copy(update={"team_id": await assignment.team_of(connection, state.category)})
    if "policy" in change.wants:
        policy = await _policy(writer, state)
        found = found.model_copy(update={"matched": True, "policy": policy})
    if "assignee" in change.wants:
        found = await _assignee(connection, state, change.at, found)
    return found


async def _requester(writer: Writer, connection: AsyncConnection, opened: OpenTicket) -> Facts:
    """Who asks, and the ticket's number. Someone who writes for the first time becomes a person here."""
    row = await _known(connection, opened.requester)
    if row is None:
        if opened.requester.email is None:
            raise Invalid("unknown_requester", "There is no such requester.", field="requester")
        person_id = await account.ensure_person(writer, opened.requester.email, opened.requester.name)
        row = await _known(connection, Requester(person_id=person_id))
    assert row is not None
    return Facts(number=row.number, requester_id=row.id, organization_id=row.organization_id)


async def _known(connection: AsyncConnection, requester: Requester) -> Any:
    if requester.person_id is not None:
        return (await connection.execute(_BY_ID, {"id": requester.person_id})).one_or_none()
    return (await connection.execute(_BY_EMAIL, {"email": requester.email})).one_or_none()


async def _policy(writer: Writer, state: TicketState) -> PolicyVersion | None:
    facts = TicketFacts(
        priority=state.priority,
        category=state.category,
        team_id=state.team_id,
        organization_id=state.organization_id,
    )
    return choose_policy(await sla.active_policies(writer), facts)


async def _assignee(connection: AsyncConnection, state: TicketState, now: datetime, found: Facts) -> Facts:
    """The agent who has it now keeps it, unless they are away, or it was raised above them, or another team
    takes it now."""
    await assignment.lock(connection)
    people = await assignment.candidates(connection, state.team_id, now)
    current = state.assignee_id
    gone = current is not None and not await assignment.can_work(connection, current, now)
    here = current is not None and not gone
    base = found.model_copy(update={"routed": True, "team_id": state.team_id})
    if here and any(one.id == current for one in people) and (state.assignee_tier or 1) >= state.tier:
        return base
    choice = choose(people, Wanted(state.tier, state.category))
    if choice.agent is None:
        return base.model_copy(update={"waiting_reason": choice.reason, "unassigned": gone})
    await assignment.give(connection, choice.agent.id, now)
    return base.model_copy(update={"assignee_id": choice.agent.id, "assignee_tier": choice.agent.tier})
