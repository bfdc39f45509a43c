"""Finds what a change wants to know before it can be committed: the requester, the policy, an assignee.

Runs inside the transaction that commits the change, so what it finds still holds when the change is written.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from domain.assignment import Wanted, choose
from domain.errors import Invalid
from domain.sla.policy import PolicyVersion, TicketFacts, choose_policy
from domain.ticket.messages import Change, Facts, OpenTicket, Requester
from domain.ticket.state import TicketState
from storage import account, assignment, sla
from storage.database import Writer
from storage.tables.account import Person as PersonRow

_NEXT_NUMBER = text("SELECT nextval(pg_get_serial_sequence('tickets', 'number'))")


async def gather(writer: Writer, change: Change) -> Facts:
    """Looks for someone last, so the lock that this takes is held as shortly as possible."""
    state, found = change.state, Facts()
    if "requester" in change.wants:
        assert change.opened is not None
        found = await _requester(writer, change.opened)
        state = state.model_copy(update={"organization_id": found.organization_id})
    if state.team_id is None or "assignee" in change.wants:
        team_id = await assignment.team_of(writer, state.category)
        state = state.model_copy(update={"team_id": team_id})
    if "policy" in change.wants:
        policy = await _policy(writer, state)
        found = found.model_copy(update={"matched": True, "policy": policy})
    if "assignee" in change.wants:
        found = await _assignee(writer, state, change.at, found)
    return found


async def _requester(writer: Writer, opened: OpenTicket) -> Facts:
    person_id = await _person(writer, opened.requester)
    statement = select(PersonRow.organization_id).where(PersonRow.id == person_id)
    organization_id = await writer.scalar(statement)
    number = await writer.scalar(_NEXT_NUMBER)
    return Facts(number=number, requester_id=person_id, organization_id=organization_id)


async def _person(writer: Writer, requester: Requester) -> UUID:
    if requester.person_id is not None:
        return requester.person_id
    if requester.email is None:
        raise Invalid("requester_missing", "Name the requester by id or by email.", field="requester")
    return await account.ensure_person(writer, requester.email, requester.name)


async def _policy(writer: Writer, state: TicketState) -> PolicyVersion | None:
    facts = TicketFacts(
        priority=state.priority,
        category=state.category,
        team_id=state.team_id,
        organization_id=state.organization_id,
    )
    return choose_policy(await sla.active_policies(writer), facts)


async def _assignee(writer: Writer, state: TicketState, now: datetime, found: Facts) -> Facts:
    """The agent who has it now keeps it, unless they are away, or it was raised above them, or another team
    takes it now."""
    await assignment.lock(writer)
    people = await assignment.candidates(writer, state.team_id, now)
    current = state.assignee_id
    gone = current is not None and await assignment.absent_at(writer, current, now)
    keeps = current is not None and not gone
    fits = keeps and any(one.id == current for one in people) and (state.assignee_tier or 1) >= state.tier
    base = found.model_copy(update={"routed": True, "team_id": state.team_id})
    if fits:
        return base
    choice = choose(people, Wanted(state.tier, state.category))
    if choice.agent is None:
        return base.model_copy(update={"waiting_reason": choice.reason, "unassigned": gone})
    await assignment.give(writer, choice.agent.id, now)
    return base.model_copy(update={"assignee_id": choice.agent.id, "assignee_tier": choice.agent.tier})
