"""All clocks of one ticket, and what happens to them: the working copy that a decision changes.

A `Board` lives inside one decision. It starts from the clocks of the process's state, writes a ledger row for
everything it does, and is read back into the state at the end. Which fact of a ticket starts or stops which
clock is decided in `domain/ticket/process.py`; here stands what starting and stopping means.
"""

from datetime import datetime, timedelta

from domain.sla.clock import Clock, Due, take_due
from domain.sla.ledger import Entry, LedgerEntry
from domain.sla.policy import ClockName, PolicyVersion
from domain.ticket.fields import Priority


class Board:
    """`ended` keeps the resolution clock of the last cycle, for policies that resume it on reopening."""

    def __init__(
        self,
        policy: PolicyVersion | None,
        clocks: dict[ClockName, Clock],
        cycles: dict[ClockName, int],
        ended: Clock | None,
    ) -> None:
        self.policy = policy
        self.clocks = dict(clocks)
        self.cycles = dict(cycles)
        self.ended = ended
        self.ledger: list[LedgerEntry] = []

    def start(
        self, name: ClockName, priority: Priority, now: datetime, cause: str, given: timedelta | None = None
    ) -> None:
        """Begins a new cycle if the policy promises one, or a target is `given`, and none is running."""
        target = self._target(name, priority) if given is None else given
        if self.policy is None or target is None or name in self.clocks:
            return
        cycle = self.cycles[name] = self.cycles.get(name, 0) + 1
        clock = Clock(
            name=name, cycle=cycle, target=target, started_at=now, running_since=now, given=given is not None
        )
        self.clocks[name] = clock
        self._write(clock, Entry.START, now, cause, due_at=self._due(clock))

    def pause(self, name: ClockName, now: datetime, cause: str) -> None:
        clock = self.clocks.get(name)
        if clock is not None and not clock.paused and self.policy is not None:
            clock = self.clocks[name] = clock.pause(self.policy, now)
            self._write(clock, Entry.PAUSE, now, cause)

    def resume(self, name: ClockName, now: datetime, cause: str) -> None:
        clock = self.clocks.get(name)
        if clock is not None and clock.paused:
            clock = self.clocks[name] = clock.resume(now)
            self._write(clock, Entry.RESUME, now, cause, due_at=self._due(clock))

    def satisfy(self, name: ClockName, now: datetime, cause: str) -> None:
        """The promise is kept, or cured: steps due by `now` have been taken before."""
        self._end(name, Entry.SATISFY, now, cause)

    def cancel(self, name: ClockName, now: datetime, cause: str) -> None:
        """The promise no longer applies."""
        self._end(name, Entry.CANCEL, now, cause)

    def reopen(self, priority: Priority, now: datetime, cause: str) -> None:
        """A new resolution cycle, or the old one going on, as the policy says."""
        before = self.ended
        if self.policy is None or self.policy.policy.on_reopen != "resume" or before is None:
            self.start(ClockName.RESOLUTION, priority, now, cause)
            return
        if (
            self._target(ClockName.RESOLUTION, priority) is not None
            and ClockName.RESOLUTION not in self.clocks
        ):
            clock = self.clocks[ClockName.RESOLUTION] = before.resume(now)
            self._write(clock, Entry.RESUME, now, cause, due_at=self._due(clock))

    def acknowledge(self, now: datetime, cause: str) -> bool:
        """Stops the repeats of every clock that has fired; False if there was nothing to acknowledge."""
        fired = [clock for clock in self.clocks.values() if clock.fired and not clock.acknowledged]
        for clock in fired:
            self.clocks[clock.name] = clock.model_copy(update={"acknowledged": True})
            self._write(clock, Entry.ACKNOWLEDGE, now, cause)
        return bool(fired)

    def adopt(self, policy: PolicyVersion | None, priority: Priority, now: datetime, cause: str) -> None:
        """Puts running clocks under `policy` and the target of `priority`, keeping what is spent.

        A clock that the new policy does not promise is cancelled. Nothing happens where neither the policy
        nor the target changes. Clocks without a policy came with a ticket from another desk: they are counted in
        the calendar of `policy` from where they stood.
        """
        before, self.policy = self.policy, policy
        for name, running in list(self.clocks.items()):
            target = running.target if running.given else self._target(name, priority)
            if policy is None or target is None:
                self.policy = before or policy
                self.cancel(name, now, cause)
                self.policy = policy
            elif target != running.target or not _same_rules(before or policy, policy):
                restart = before is not None and policy.policy.on_priority_change == "restart"
                clock = self.clocks[name] = running.retarget(before or policy, target, now, restart=restart)
                self._write(clock, Entry.RETARGET, now, cause, due_at=self._due(clock))

    def take_due(self, now: datetime) -> list[Due]:
        """Takes every step of every clock that is due by `now`, the earliest first, each with its row."""
        if self.policy is None:
            return []
        taken: list[Due] = []
        for name, clock in list(self.clocks.items()):
            self.clocks[name], found = take_due(clock, self.policy, now)
            taken += found
        taken.sort(key=lambda due: (due.due_at, due.clock, due.amount))
        for due in taken:
            row = {"step": due.step, "due_at": due.due_at, "fired_at": now, "missed": due.missed}
            self._write(self.clocks[due.clock], Entry(due.kind), now, "timer", **row)
        return taken

    def _end(self, name: ClockName, entry: Entry, now: datetime, cause: str) -> None:
        clock = self.clocks.pop(name, None)
        if clock is None or self.policy is None:
            return
        clock = clock.pause(self.policy, now)
        if name is ClockName.RESOLUTION:
            self.ended = clock
        self._write(clock, entry, now, cause)

    def _target(self, name: ClockName, priority: Priority) -> timedelta | None:
        return None if self.policy is None else self.policy.policy.target(priority, name)

    def _due(self, clock: Clock) -> datetime | None:
        return None if self.policy is None else clock.due_at(self.policy)

    def _write(self, clock: Clock, entry: Entry, now: datetime, cause: str, **row: object) -> None:
        assert self.policy is not None
        self.ledger.append(
            LedgerEntry.model_validate(
                {
                    "clock": clock.name,
                    "cycle": clock.cycle,
                    "kind": entry,
                    "at": now,
                    "cause": cause,
                    "started_at": clock.started_at,
                    "target": clock.target,
                    "elapsed": clock.elapsed(self.policy, now),
                    "policy_id": self.policy.id,
                    "policy_version": self.policy.version,
                    "calendar_version": self.policy.calendar_version,
                    **row,
                }
            )
        )


def _same_rules(before: PolicyVersion, after: PolicyVersion) -> bool:
    return (before.id, before.version, before.calendar_version) == (
        after.id,
        after.version,
        after.calendar_version,
    )
