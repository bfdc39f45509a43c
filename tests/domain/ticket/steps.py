"""Tickets for tests of decisions: opened at T0, and carried on step by step."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.sla.policy import DEFAULT_POLICY, PolicyVersion
from domain.ticket import process
from domain.ticket.fields import Priority
from domain.ticket.messages import Act, Change, Facts, OpenTicket, Requester
from domain.ticket.moves import Action
from domain.ticket.state import TicketState

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
REQUESTER, ADA, DEE = uuid4(), uuid4(), uuid4()
DEFAULT = PolicyVersion(id=uuid4(), version=1, policy=DEFAULT_POLICY)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def policy(**changes: Any) -> PolicyVersion:
    return DEFAULT.model_copy(update={"policy": DEFAULT_POLICY.model_copy(update=changes)})


def command(**fields: Any) -> OpenTicket:
    """What opens a ticket; `fields` are those that matter."""
    plain = {"subject": "Disk full", "description": "On node 3", "priority": Priority.LOW}
    asker = Requester(person_id=REQUESTER)
    return OpenTicket(ticket_id=uuid4(), fingerprint="f", requester=asker, **plain | fields)


def opened(
    priority: Priority = Priority.HIGH, version: PolicyVersion | None = DEFAULT, assignee: UUID | None = ADA
) -> TicketState:
    facts = Facts(
        number=1,
        requester_id=REQUESTER,
        routed=True,
        assignee_id=assignee,
        assignee_tier=None if assignee is None else 1,
        waiting_reason=None if assignee else "all_full",
        matched=True,
        policy=version,
    )
    return process.with_facts(process.opened(command(priority=priority), T0), facts).state


def act(action: Action, actor: UUID = ADA, **fields: Any) -> Act:
    return Act(action=action, actor_id=actor, request_id=str(uuid4()), body_id=uuid4(), **fields)


def after(state: TicketState, *steps: tuple[float, Act]) -> tuple[TicketState, list[Change]]:
    """Carries out actions, each at so many minutes after opening; wanted facts are found unchanged."""
    changes = []
    for at, message in steps:
        process.check(state, message)
        change = process.acted(state, message, T0 + minutes(at))
        if change.wants:
            facts = Facts(
                matched="policy" in change.wants, policy=state.policy, routed="assignee" in change.wants
            )
            change = process.with_facts(change, facts)
        changes.append(change)
        state = change.state
    return state, changes
