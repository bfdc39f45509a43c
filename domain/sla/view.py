"""How the promises of a ticket, or of an item of feedback, stand at a moment, for people and programs to read."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from domain.account import Value
from domain.duration import format_duration
from domain.sla.clock import Clock, next_steps
from domain.sla.ledger import Entry, LedgerEntry
from domain.sla.policy import ClockName, PolicyVersion

Span = Annotated[timedelta, PlainSerializer(format_duration, return_type=str)]
"""A length of time as it is shown; what is left of a broken promise is negative."""


_ENDS: Final = {Entry.SATISFY: "satisfied", Entry.CANCEL: "cancelled"}


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class LedgerRecord(Value):
    """A row of the ledger, in its place; policies are known by their ids. `missed` counts repeats that an outage
    swallowed beside this one."""

    clock: ClockName
    cycle: int
    kind: Entry
    at: AwareDatetime
    cause: str
    step: str | None
    due_at: AwareDatetime | None
    fired_at: AwareDatetime | None
    started_at: AwareDatetime | None
    target: Span | None
    elapsed: Span | None
    missed: int
    policy_id: UUID
    policy_version: int
    calendar_version: int


class NextStep(View):
    step: str
    due_at: AwareDatetime


class OngoingCycle(View):
    """`remaining` is negative once the promise is broken; while paused, `due_at` is null and it stands still."""

    cycle: int
    target: Span
    started_at: AwareDatetime
    due_at: AwareDatetime | None
    elapsed: Span
    remaining: Span
    paused: bool
    breached: bool
    breached_at: AwareDatetime | None
    acknowledged: bool
    next_step: NextStep | None


class CompletedCycle(View):
    """A cycle that ended: satisfied in time, satisfied too late, or cancelled."""

    cycle: int
    outcome: str
    target: Span
    started_at: AwareDatetime
    ended_at: AwareDatetime
    elapsed: Span
    breached: bool


class ClockView(View):
    completed_cycles: list[CompletedCycle] = []
    ongoing_cycle: OngoingCycle | None = None


class Promises(View):
    """`policy` names the policy version in force."""

    policy: dict[str, Any] | None
    clocks: dict[ClockName, ClockView]


def ongoing(clock: Clock, policy: PolicyVersion, now: datetime) -> OngoingCycle:
    steps = next_steps(clock, policy)
    elapsed = clock.elapsed(policy, now)
    return OngoingCycle(
        cycle=clock.cycle,
        target=clock.target,
        started_at=clock.started_at,
        due_at=clock.due_at(policy),
        elapsed=elapsed,
        remaining=clock.target - elapsed,
        paused=clock.paused,
        breached=clock.breached_at is not None or elapsed > clock.target,
        breached_at=clock.breached_at,
        acknowledged=clock.acknowledged,
        next_step=NextStep(step=steps[0].step or "breach", due_at=steps[0].due_at) if steps else None,
    )


def completed(ledger: Iterable[LedgerEntry]) -> list[tuple[ClockName, CompletedCycle]]:
    """The ended cycles. A cycle that a reopened ticket goes on with ended only when it ended last."""
    ended: dict[tuple[ClockName, int], LedgerEntry] = {}
    breached: set[tuple[ClockName, int]] = set()
    for entry in ledger:
        key = (entry.clock, entry.cycle)
        if entry.kind is Entry.BREACH:
            breached.add(key)
        if entry.kind in _ENDS:
            ended[key] = entry
        elif entry.kind is Entry.RESUME:
            ended.pop(key, None)
    return [
        (
            entry.clock,
            CompletedCycle(
                cycle=entry.cycle,
                outcome=_ENDS[entry.kind],
                target=entry.target or timedelta(0),
                started_at=entry.started_at or entry.at,
                ended_at=entry.at,
                elapsed=entry.elapsed or timedelta(0),
                breached=key in breached,
            ),
        )
        for key, entry in ended.items()
    ]


def promises(
    policy: PolicyVersion | None,
    clocks: Iterable[Clock],
    completed: Iterable[tuple[ClockName, CompletedCycle]],
    now: datetime,
) -> Promises:
    """Every clock that the ticket ever had, with its cycles in order."""
    views: dict[ClockName, ClockView] = {}
    for name, cycle in completed:
        before = views.get(name, ClockView())
        views[name] = before.model_copy(update={"completed_cycles": [*before.completed_cycles, cycle]})
    for clock in clocks:
        assert policy is not None
        before = views.get(clock.name, ClockView())
        views[clock.name] = before.model_copy(update={"ongoing_cycle": ongoing(clock, policy, now)})
    named = None
    if policy is not None:
        named = {"id": str(policy.id), "name": policy.policy.name, "version": policy.version}
    return Promises(policy=named, clocks=views)
