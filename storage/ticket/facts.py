"""Finds what a change wants to know before it can be committed: the requester, the policy, an assignee.

Runs inside the transaction that commits the change, so what it finds still holds when the change is written. What
does not depend on anything else is asked at once (`Questions`), and someone is looked for last, so that the lock
that this takes is held as shortly as possible.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select

from domain.assignment import Wanted, choose
from domain.errors import Invalid
from domain.sla.policy import PolicyVersion, TicketFacts, choose_policy
from domain.ticket.messages import Change, Facts, OpenTicket, Requester
from domain.ticket.state import TicketState
from storage import account, assignment, sla
from storage.database import Writer, table_of
from storage.pipeline import Answer, Pipeline, Statement, pipeline
from storage.tables.account import PersonRow
from storage.ticket import past

_PEOPLE: Final = table_of(PersonRow)
_KNOWN: Final[Select[Any]] = select(
    _PEOPLE.c.id,
    _PEOPLE.c.organization_id,
    func.nextval(func.pg_get_serial_sequence("tickets", "number")).label("number"),
)
_BY_ID: Final = Statement(_KNOWN.where(_PEOPLE.c.id == bindparam("id")))
_BY_EMAIL: Final = Statement(_KNOWN.where(func.lower(_PEOPLE.c.email) == func.lower(bindparam("email"))))


@dataclass(frozen=True, slots=True)
class Questions:
    """What was asked for a change; each is answered when the round trip is over."""

    requester: Answer | None
    team: Callable[[], UUID | None]
    policies: Callable[[], list[PolicyVersion]]


def ask(asking: Pipeline, change: Change) -> Questions:
    state, wants, opened = change.state, change.wants, change.opened
    looking = bool(wants) and (state.team_id is None or "assignee" in wants)
    return Questions(
        requester=None if opened is None or opened.past else _ask_known(asking, opened.requester),
        team=assignment.ask_team(asking, state.category) if looking else lambda: state.team_id,
        policies=sla.ask_active_policies(asking) if "policy" in wants else list,
    )


async def gather(writer: Writer, change: Change, asked: Questions) -> Facts:
    state, found = change.state.model_copy(update={"team_id": asked.team()}), Facts()
    if change.opened is not None:
        row = None if asked.requester is None else asked.requester.one_or_none()
        found = await _requester(writer, change.opened, row)
        state = state.model_copy(update={"organization_id": found.organization_id})
    if "policy" in change.wants:
        policy = _policy(asked.policies(), state)
        found = found.model_copy(update={"matched": True, "policy": policy})
    if "assignee" in change.wants:
        found = await _assignee(writer, state, change.at, found)
    return found


async def _requester(writer: Writer, opened: OpenTicket, row: Any) -> Facts:
    """Who asks, and the ticket's number. Someone who writes for the first time becomes a person here."""
    if opened.past is not None:
        number = await past.number(writer, opened.past.number)
        return Facts(
            number=number,
            requester_id=opened.requester.person_id,
            organization_id=opened.past.organization_id,
        )
    if row is None:
        asker = opened.requester
        if asker.email is None:
            raise Invalid("unknown_requester", "There is no such requester.", field="requester")
        person_id = await account.ensure_person(writer, asker.email, asker.name, locale=asker.locale)
        async with pipeline(writer) as asking:
            made = _ask_known(asking, Requester(person_id=person_id))
        row = made.one_or_none()
    return Facts(number=row.number, requester_id=row.id, organization_id=row.organization_id)


def _ask_known(asking: Pipeline, requester: Requester) -> Answer:
    if requester.person_id is not None:
        return asking.ask(_BY_ID, id=requester.person_id)
    return asking.ask(_BY_EMAIL, email=requester.email)


def _policy(policies: list[PolicyVersion], state: TicketState) -> PolicyVersion | None:
    facts = TicketFacts(
        priority=state.priority,
        category=state.category,
        team_id=state.team_id,
        organization_id=state.organization_id,
    )
    return choose_policy(policies, facts)


async def _assignee(writer: Writer, state: TicketState, now: datetime, found: Facts) -> Facts:
    """The agent who has it now keeps it, unless they are away, or it was raised above them, or another team
    takes it now."""
    current = state.assignee_id
    async with pipeline(writer) as asking:
        assignment.lock(asking)
        candidates = assignment.ask_candidates(asking, state.team_id, now)
        can_work = assignment.ask_can_work(asking, current, now)
    people, here = candidates(), can_work()
    base = found.model_copy(update={"routed": True, "team_id": state.team_id})
    if here and any(one.id == current for one in people) and (state.assignee_tier or 1) >= state.tier:
        return base
    choice = choose(people, Wanted(state.tier, state.category))
    if choice.agent is None:
        gone = current is not None and not here
        return base.model_copy(update={"waiting_reason": choice.reason, "unassigned": gone})
    return base.model_copy(update={"assignee_id": choice.agent.id, "assignee_tier": choice.agent.tier})
