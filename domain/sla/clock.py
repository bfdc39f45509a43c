"""One promise of one ticket: a clock that runs in the working time of its policy's calendar.

A clock is a value: each function returns a new one. It knows how much of its target is spent and since when it
runs; the instants at which something is due follow from that and are never stored, so a pause, a new target
or a new calendar cannot leave a stale deadline behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.calendar import add_working, working
from domain.errors import Invalid
from domain.sla.policy import ClockName, LadderStep, PolicyVersion

ZERO = timedelta(0)
MISSED_LIMIT = 100
"""At most so many missed repeats of one step are written down one by one; the rest is counted."""


class StepKind(StrEnum):
    WARN = "warn"
    BREACH = "breach"
    ESCALATE = "escalate"


class Clock(BaseModel):
    """`spent` is working time of earlier spans; `running_since` is None while the clock is paused.

    `fired` counts how many occurrences of each step have fired in this cycle. Steps are named by their time
    (`75%`), not by their place, so a new version of the ladder does not fire them again; `breach` names a
    breach without a step of its own. `given` is a target of this cycle alone, which no policy changes.
    """

    model_config = ConfigDict(frozen=True)

    name: ClockName
    cycle: int
    target: timedelta
    started_at: datetime
    spent: timedelta = ZERO
    running_since: datetime | None = None
    breached_at: datetime | None = None
    acknowledged: bool = False
    given: bool = False
    fired: dict[str, int] = {}

    @property
    def paused(self) -> bool:
        return self.running_since is None

    def elapsed(self, policy: PolicyVersion, now: datetime) -> timedelta:
        """Working time spent until `now`."""
        if self.running_since is None:
            return self.spent
        return self.spent + working(policy.calendar, self.running_since, now)

    def due_at(self, policy: PolicyVersion) -> datetime | None:
        """When the promise breaks if nothing happens; None while the clock is paused, or if it never does."""
        return self.reaches(policy, self.target)

    def reaches(self, policy: PolicyVersion, amount: timedelta) -> datetime | None:
        """When `amount` of working time will be spent. An amount that was already spent when this span began
        is due at its beginning: the target was shortened then. None while paused, and when the calendar
        runs out of working time before: an hour that never comes breaks no promise."""
        if self.running_since is None:
            return None
        left = amount - self.spent
        if left <= ZERO:
            return self.running_since
        try:
            return add_working(policy.calendar, self.running_since, left)
        except Invalid:
            return None

    def folded(self, policy: PolicyVersion, now: datetime) -> Self:
        """The same clock with everything until `now` in `spent`."""
        if self.running_since is None:
            return self
        return self.model_copy(update={"spent": self.elapsed(policy, now), "running_since": now})

    def pause(self, policy: PolicyVersion, now: datetime) -> Self:
        return self.model_copy(update={"spent": self.elapsed(policy, now), "running_since": None})

    def resume(self, now: datetime) -> Self:
        return self.model_copy(update={"running_since": now})

    def retarget(self, before: PolicyVersion, target: timedelta, now: datetime, *, restart: bool) -> Self:
        """Keeps the working time spent under the old policy and takes the new target, or starts from zero.

        Steps that have not fired are measured against the new target; what has fired stays fired, and a
        breach stays a breach.
        """
        spent = ZERO if restart else self.elapsed(before, now)
        running_since = None if self.paused else now
        return self.model_copy(update={"target": target, "spent": spent, "running_since": running_since})


@dataclass(frozen=True, slots=True)
class Due:
    """One occurrence of one step: what is due, when, and what it does.

    `amount` is where the step stands on the clock; it orders steps that a shortened target made due at the same
    moment. `missed` counts the repeats that were passed over because they were more than MISSED_LIMIT.
    """

    clock: ClockName
    key: str
    step: str | None
    kind: StepKind
    due_at: datetime
    amount: timedelta
    occurrence: int = 0
    effects: tuple[str, ...] = ()
    missed: int = 0

    @property
    def order(self) -> tuple[datetime, timedelta, str]:
        return (self.due_at, self.amount, self.key)


def next_steps(clock: Clock, policy: PolicyVersion) -> list[Due]:
    """The next occurrence of each step of the clock's ladder, the earliest first; empty while paused."""
    return sorted(_next_of_each(clock, policy), key=lambda due: due.order)


def _ladder(clock: Clock, policy: PolicyVersion) -> dict[str, LadderStep]:
    """The steps of this clock by their names; a second step at the same time is `100% #2`."""
    steps: dict[str, LadderStep] = {}
    for step in policy.policy.ladder:
        if step.applies_to(clock.name):
            name, copies = step.label(0), 1
            while name in steps:
                copies += 1
                name = f"{step.label(0)} #{copies}"
            steps[name] = step
    return steps


def _next_of_each(clock: Clock, policy: PolicyVersion) -> Iterator[Due]:
    if clock.paused:
        return
    ladder = _ladder(clock, policy)
    on_time = next((key for key, step in ladder.items() if step.offset(clock.target) == clock.target), None)
    if clock.breached_at is None and on_time is None:
        due_at = clock.due_at(policy)
        if due_at is not None:
            yield Due(clock.name, "breach", None, StepKind.BREACH, due_at, clock.target)
    for key, step in ladder.items():
        occurrence = clock.fired.get(key, 0)
        if occurrence and (step.repeat is None or clock.acknowledged):
            continue
        due_at = _occurs_at(clock, policy, step, occurrence)
        if due_at is not None:
            kind = _kind(clock, step, occurrence, breaks=key == on_time)
            amount = _amount(clock, step, occurrence)
            yield Due(clock.name, key, step.label(occurrence), kind, due_at, amount, occurrence, step.do)


def _kind(clock: Clock, step: LadderStep, occurrence: int, *, breaks: bool) -> StepKind:
    if step.offset(clock.target) < clock.target and occurrence == 0:
        return StepKind.WARN
    if breaks and occurrence == 0 and clock.breached_at is None:
        return StepKind.BREACH
    return StepKind.ESCALATE


def _occurs_at(clock: Clock, policy: PolicyVersion, step: LadderStep, occurrence: int) -> datetime | None:
    """When an occurrence is due, in working time, or in clock time measured from the due time; None if that is
    further away than a time can be."""
    try:
        amount = _amount(clock, step, occurrence)
        if step.time == "working":
            return clock.reaches(policy, max(amount, ZERO))
        due_at = clock.due_at(policy)
        if due_at is None or clock.running_since is None:
            return None
        return max(due_at + (amount - clock.target), clock.running_since)
    except OverflowError:
        return None


def _amount(clock: Clock, step: LadderStep, occurrence: int) -> timedelta:
    """Where an occurrence stands on the clock."""
    return step.offset(clock.target) + occurrence * step.period(clock.target)


def take_due(clock: Clock, policy: PolicyVersion, now: datetime) -> tuple[Clock, list[Due]]:
    """All occurrences that are due by `now`, in order, and the clock that remembers them.

    After an outage each missed occurrence is given with its own due time, up to MISSED_LIMIT a step; a longer
    row of repeats is passed over in one go and counted in the last one's `missed`.
    """
    taken: list[Due] = []
    while (steps := next_steps(clock, policy)) and steps[0].due_at <= now:
        due = steps[0]
        if due.occurrence >= _first_taken(taken, due.key) + MISSED_LIMIT:
            due = _skip_to_last(clock, policy, due, now)
        taken.append(due)
        clock = _remember(clock, due)
    return clock, taken


def _first_taken(taken: list[Due], key: str) -> int:
    """The first occurrence of a step among those taken in one go."""
    return next((due.occurrence for due in taken if due.key == key), 2**62)


def _remember(clock: Clock, due: Due) -> Clock:
    update: dict[str, object] = {"fired": {**clock.fired, due.key: due.occurrence + 1}}
    if due.kind is StepKind.BREACH:
        update["breached_at"] = due.due_at
    return clock.model_copy(update=update)


def _skip_to_last(clock: Clock, policy: PolicyVersion, due: Due, now: datetime) -> Due:
    """The last occurrence that is due by `now`, found by halving: repeats are due in increasing order."""
    step = _ladder(clock, policy)[due.key]
    low, high = due.occurrence, due.occurrence + 1
    while _is_due(clock, policy, step, high, now):
        low, high = high, high + (high - due.occurrence) * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_due(clock, policy, step, middle, now) else (low, middle)
    due_at = _occurs_at(clock, policy, step, low)
    assert due_at is not None
    return replace(
        due,
        step=step.label(low),
        due_at=due_at,
        amount=_amount(clock, step, low),
        occurrence=low,
        missed=low - due.occurrence,
    )


def _is_due(clock: Clock, policy: PolicyVersion, step: LadderStep, occurrence: int, now: datetime) -> bool:
    due_at = _occurs_at(clock, policy, step, occurrence)
    return due_at is not None and due_at <= now
