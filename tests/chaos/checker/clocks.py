"""What a ledger must hold: the clocks of a ticket played through anew, in plain arithmetic.

Of the ledger only the rows that tell what happened to a clock are read (start, pause, resume, retarget, acknowledge,
end); which steps were due, and when, follows from the policies. Chaos runs promise around the clock, so working time
is time.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.chaos.evidence import Row

STEPS: Final = frozenset({"warn", "breach", "escalate"})
_ENDS: Final = frozenset({"satisfy", "cancel"})
_LENGTH: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_BREACH: Final = "breach"

Specs = dict[tuple[str, int], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is due at `due_at`; `label` is None for a breach that no step of the ladder stands for."""

    clock: str
    cycle: int
    label: str | None
    kind: str
    due_at: datetime
    effects: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int, str | None]:
        return (self.clock, self.cycle, self.label)


@dataclass
class Clock:
    """One cycle of one clock on its way through the ledger."""

    name: str
    cycle: int
    target: timedelta
    spec: Any
    since: datetime | None
    spent: timedelta = timedelta(0)
    breached: bool = False
    acknowledged: bool = False
    ended: bool = False
    fired: dict[str, int] = field(default_factory=dict)
    due: list[Step] = field(default_factory=list)

    def advance(self, to: datetime) -> None:
        """Takes everything that is due by `to`."""
        while not self.ended and (steps := sorted(self.ahead(), key=lambda one: one[1].due_at)):
            key, step = steps[0]
            if step.due_at > to:
                return
            self.due.append(step)
            self.fired[key] = self.fired.get(key, 0) + 1
            self.breached = self.breached or step.kind == "breach"

    def fold(self, now: datetime) -> None:
        if self.since is not None:
            self.spent, self.since = self.spent + (now - self.since), now

    def ahead(self) -> Iterator[tuple[str, Step]]:
        """The next occurrence of each step."""
        if self.since is None or self.ended:
            return
        ladder = [one for one in self.spec["ladder"] if one["clock"] in ("*", self.name)]
        on_time = any(_offset(one, self.target) == self.target for one in ladder)
        if not on_time and not self.breached:
            yield _BREACH, self._step(None, "breach", self.target, ())
        for one in ladder:
            times, period = self.fired.get(one["at"], 0), _period(one, self.target)
            if times and (period is None or self.acknowledged):
                continue
            offset = _offset(one, self.target)
            amount = offset + times * (period or timedelta(0))
            yield (
                one["at"],
                self._step(_label(one, times), self._kind(offset, times), amount, tuple(one["do"])),
            )

    def _step(self, label: str | None, kind: str, amount: timedelta, effects: tuple[str, ...]) -> Step:
        assert self.since is not None
        due_at = self.since + max(timedelta(0), amount - self.spent)
        return Step(self.name, self.cycle, label, kind, due_at, effects)

    def _kind(self, offset: timedelta, times: int) -> str:
        if offset < self.target and not times:
            return "warn"
        return "breach" if offset == self.target and not times and not self.breached else "escalate"


def played(rows: Sequence[Row], specs: Specs, until: datetime) -> list[Clock]:
    """Every cycle of every clock of one ticket, as its ledger must have gone until `until`."""
    clocks: dict[tuple[str, int], Clock] = {}
    for row in rows:
        if row["kind"] in STEPS:
            continue
        key = (row["clock"], row["cycle"])
        spec = specs[str(row["policy_id"]), row["policy_version"]]
        if row["kind"] == "start":
            clocks[key] = Clock(*key, timedelta(seconds=row["target"]), spec, since=row["at"])
        elif key in clocks:
            _happened(clocks[key], row, spec)
    for clock in clocks.values():
        clock.advance(until)
    return list(clocks.values())


def _happened(clock: Clock, row: Row, spec: Any) -> None:
    at = row["at"]
    clock.advance(at)
    clock.fold(at)
    match row["kind"]:
        case "pause":
            clock.since = None
        case "resume":
            clock.since, clock.ended = at, False
        case "retarget":
            clock.target = timedelta(seconds=row["target"])
            clock.spent = timedelta(0) if spec["on_priority_change"] == "restart" else clock.spent
        case "acknowledge":
            clock.acknowledged = True
        case kind if kind in _ENDS:
            clock.since, clock.ended = None, True
    clock.spec = spec


def length(text: str) -> timedelta:
    """An ISO 8601 duration; raises ValueError for another text."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _offset(step: Any, target: timedelta) -> timedelta:
    at = step["at"]
    if at.endswith("%"):
        return target * int(at[:-1]) / 100
    return target + length(at[1:]) if at[0] == "+" else target - length(at[1:])


def _period(step: Any, target: timedelta) -> timedelta | None:
    repeat = step.get("repeat")
    return None if repeat is None else target * int(repeat.removesuffix("%")) / 100


def _label(step: Any, times: int) -> str:
    if not times:
        return str(step["at"])
    return f"{int(step['at'][:-1]) + times * int(step['repeat'][:-1])}%"
