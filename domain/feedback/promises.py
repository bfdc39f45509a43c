"""What feedback is promised where nobody said otherwise: a time for each stage, and the ladder when it passes.

A desk replaces them by policies that are `about` feedback, like those of tickets (`domain/sla/policy.py`).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.feedback.fields import Assessment, Kind, Status
from domain.sla.policy import ClockName, LadderStep, Policy, PolicyVersion, TicketFacts, choose_policy
from domain.ticket.fields import Priority

STAGES: Final = {
    Status.SUBMITTED: ClockName.TRIAGE,
    Status.TRIAGED: ClockName.ASSESSMENT,
    Status.ASSESSED: ClockName.DECISION,
    Status.PLANNED: ClockName.BEGINNING,
    Status.IN_PROGRESS: ClockName.DELIVERY,
    Status.SHIPPED: ClockName.VERIFICATION,
}
"""The clock that runs in each state."""

ASSESSING: Final = {one: ClockName(one.value) for one in Assessment}

DAY: Final = timedelta(days=1)
SILENT_AFTER: Final = 30 * DAY

_TARGETS: Final = {
    ClockName.ASSESSMENT: 14 * DAY,
    ClockName.DECISION: 7 * DAY,
    ClockName.BEGINNING: 90 * DAY,
    ClockName.DELIVERY: 90 * DAY,
    ClockName.VERIFICATION: 14 * DAY,
    **dict.fromkeys(ASSESSING.values(), 7 * DAY),
    ClockName.SILENCE: SILENT_AFTER,
}
_TRIAGE: Final = {
    Priority.CRITICAL: timedelta(hours=8),
    Priority.HIGH: DAY,
    Priority.NORMAL: 2 * DAY,
    Priority.LOW: 3 * DAY,
}
_COMPLAINT: Final = timedelta(hours=4)

LADDER: Final = (
    LadderStep(at="75%", do=("notify:assignee",)),
    LadderStep(at="100%", do=("notify:assignee", "notify:lead")),
    LadderStep(at="150%", do=("notify:manager",), repeat="100%"),
    LadderStep(clock=ClockName.SILENCE, at="100%", do=("notify:assignee",)),
    LadderStep(clock=ClockName.SILENCE, at="150%", do=("notify:manager",), repeat="100%"),
)


def _version(number: int, policy: Policy) -> PolicyVersion:
    return PolicyVersion(id=UUID(int=0xFEEDBAC0 + number), version=1, policy=policy)


DEFAULT: Final = _version(
    0,
    Policy(
        name="Default promises for feedback",
        about="feedback",
        targets={level: {ClockName.TRIAGE: triage, **_TARGETS} for level, triage in _TRIAGE.items()},
        ladder=LADDER,
    ),
)
COMPLAINTS: Final = _version(
    1,
    Policy(
        name="Default promises for complaints",
        about="feedback",
        targets={
            level: {ClockName.TRIAGE: min(_COMPLAINT, triage), **_TARGETS}
            for level, triage in _TRIAGE.items()
        },
        ladder=LADDER,
    ),
)


def policy_for(
    policies: Iterable[PolicyVersion], kind: Kind, category: str | None, priority: Priority
) -> PolicyVersion:
    """The first of the desk's own that matches, else the default."""
    facts = TicketFacts(priority=priority, category=category, about="feedback", kind=kind)
    chosen = choose_policy(policies, facts)
    if chosen is not None:
        return chosen
    return COMPLAINTS if kind is Kind.COMPLAINT else DEFAULT
