"""Promises: every step of every ladder fired once, at its time or as soon as it could, and no clock is stuck."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from tests.chaos.checker import clocks
from tests.chaos.checker.accepted import value_at
from tests.chaos.checker.case import GRACE, SLACK, Case, Check, Window
from tests.chaos.checker.clocks import STEPS, Clock, Step
from tests.chaos.evidence import Row

_EXACT: Final = timedelta(milliseconds=2)
_PAUSABLE: Final = ("resolution", "next_response")
_AUTO_CLOSE: Final = timedelta(days=3)
_REOPEN_WINDOW: Final = timedelta(days=14)
_ARMED_WITHIN: Final = timedelta(seconds=10)
"""A timer is counted from the end of the workflow task that sets it."""

PATIENCE: Final = timedelta(seconds=60)
"""How late a step may be after everything runs again: a killed worker's task is handed out again after its
timeout (10 s for a workflow task, 30 s for an activity), and what waited is worked off."""


def _played(case: Case) -> Iterator[tuple[str, list[Row], list[Clock]]]:
    for ticket in case.tickets:
        rows = case.ledger[ticket]
        yield ticket, rows, clocks.played(rows, case.specs, case.taken_at)


def every_step_fired_once_at_its_time(case: Case) -> Check:
    """What the ledger holds is exactly what it must hold, with the same due times."""
    check = Check("every ladder step fired exactly once")
    for ticket, rows, cycles in _played(case):
        wanted = {step.key: step for clock in cycles for step in clock.due}
        there: dict[tuple[str, int, str | None], Row] = {}
        for row in _fired(rows):
            key = (row["clock"], row["cycle"], row["step"])
            check.expect(key not in there, f"{ticket}: {key} fired twice")
            there[key] = row
        for key, step in wanted.items():
            if key in there:
                wrong = _differs(step, there[key])
                check.expect(wrong is None, f"{ticket}: {key} {wrong}")
            else:
                check.expect(
                    step.due_at > case.taken_at - GRACE, f"{ticket}: {key} due {step.due_at} is missing"
                )
        for key in there.keys() - wanted.keys():
            check.expect(False, f"{ticket}: {key} fired and was never due")
    return check


def _fired(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if row["kind"] in STEPS)


def _differs(step: Step, row: Row) -> str | None:
    if abs(step.due_at - row["due_at"]) > _EXACT:
        return f"was due at {step.due_at} and the ledger says {row['due_at']}"
    if step.kind != row["kind"]:
        return f"is a {step.kind} and the ledger says {row['kind']}"
    return f"swallowed {row['missed']} repeats" if row["missed"] else None


def no_step_fired_early(case: Case) -> Check:
    """Also against the world outside: nothing fires before the request that opened the ticket, plus its share of
    the shortest target."""
    check = Check("no step fired early")
    asked = {str(one.answer["id"]): one.asked_at for one in case.of("create")}
    for ticket in case.tickets:
        for row in _fired(case.ledger[ticket]):
            key = f"{ticket}: {row['clock']} {row['cycle']} {row['step']}"
            early = row["fired_at"] < row["due_at"] or row["at"] != row["fired_at"]
            check.expect(not early, f"{key} fired at {row['fired_at']}, due at {row['due_at']}")
            if ticket in asked:
                check.expect(row["due_at"] > asked[ticket], f"{key} was due before anybody asked")
    return check


def lateness_is_explained(case: Case) -> Check:
    """The time between due and fired in which nothing was broken is short."""
    check = Check("lateness is explained by the outages")
    for ticket in case.tickets:
        for row in _fired(case.ledger[ticket]):
            late = unexplained(row["due_at"], row["fired_at"], case.outages)
            key = f"{ticket}: {row['clock']} {row['step']} due {row['due_at']}"
            check.expect(late <= PATIENCE, f"{key} was {late.total_seconds():.1f} s late without a reason")
    return check


def unexplained(due_at: datetime, fired_at: datetime, windows: Sequence[Window]) -> timedelta:
    """How much of the time from due to fired lies outside all outages. `windows` are in order."""
    left, at = timedelta(0), due_at
    for window in windows:
        if window.struck >= fired_at:
            break
        left += max(timedelta(0), window.struck - at)
        at = max(at, window.recovered)
    return left + max(timedelta(0), fired_at - at)


def clocks_follow_the_status(case: Case) -> Check:
    """The resolution clock is paused in the states that its policy names, and ends with the resolution."""
    check = Check("clocks pause and end with the status")
    for ticket in case.tickets:
        state: dict[int, str] = {}
        versions = sorted({row["version"] for row in (*case.ledger[ticket], *case.events[ticket])})
        for row in case.ledger[ticket]:
            if row["clock"] == "resolution":
                state[row["version"]] = _after(row, state)
        at, spec = "none", None
        specs = {
            row["version"]: case.specs[str(row["policy_id"]), row["policy_version"]]
            for row in case.ledger[ticket]
        }
        for version in versions:
            at, spec = state.get(version, at), specs.get(version, spec)
            status = value_at(case.events[ticket], "status", version) or "open"
            wanted = _wanted(status, spec)
            check.expect(at == wanted, f"{ticket}: at version {version} {status} and the clock is {at}")
    return check


def _after(row: Row, before: dict[int, str]) -> str:
    told = {"pause": "paused", "resume": "running", "start": "running", "satisfy": "ended", "cancel": "ended"}
    return told.get(row["kind"]) or (before[max(before)] if before else "none")


def _wanted(status: str, spec: object) -> str:
    if status in ("resolved", "closed", "merged"):
        return "ended"
    pause_on = spec["pause_on"] if isinstance(spec, dict) else ()
    return "paused" if status in pause_on else "running"


def clocks_start_with_the_ticket(case: Case) -> Check:
    """Between the request that opened the ticket and its answer."""
    check = Check("clocks start when the ticket is opened")
    for request in case.of("create"):
        ticket = str(request.answer["id"])
        starts = {
            row["clock"]: row for row in case.ledger[ticket] if row["version"] == 1 and row["kind"] == "start"
        }
        for clock in ("first_response", "resolution"):
            row = starts.get(clock)
            assert request.answered_at is not None
            true = row is not None and request.asked_at - SLACK <= row["at"] <= request.answered_at + SLACK
            check.expect(true, f"{ticket}: {clock} started at {row and row['at']}")
    return check


def no_clock_is_stuck(case: Case) -> Check:
    """The one timer that Temporal holds for a ticket is set to what is due next, and the list of tickets says so."""
    check = Check("no clock is stuck")
    for ticket, rows, cycles in _played(case):
        process = case.processes.get(f"ticket:{ticket}")
        row = case.tickets[ticket]
        if (
            process is None
            or process.described is None
            or process.described["event_number"] != row["version"]
        ):
            continue  # it went on after the snapshot, or another check tells that it is gone
        fired = {(one["clock"], one["cycle"], one["step"]) for one in _fired(rows)}
        wanted = _next(row, case.events[ticket], fired, cycles)
        timers = process.timers
        if wanted is None:
            check.expect(not timers, f"{ticket}: a timer is set to {timers} and nothing is due")
            continue
        armed = len(timers) == 1 and -_EXACT <= timers[0] - wanted <= _ARMED_WITHIN
        check.expect(armed, f"{ticket}: due next at {wanted}, timers at {timers}")
        if row["status"] not in ("closed", "merged"):
            listed = row["next_step_at"]
            true = listed is not None and abs(listed - wanted) <= _EXACT
            check.expect(true, f"{ticket}: due next at {wanted}, the list says {listed}")
    return check


def _next(
    row: Row, events: Sequence[Row], fired: set[tuple[str, int, str | None]], cycles: Sequence[Clock]
) -> datetime | None:
    """What happens next by itself."""
    if row["status"] == "resolved":
        return _plus(row["resolved_at"], _AUTO_CLOSE)
    if row["status"] == "closed":
        return _plus(row["closed_at"], _REOPEN_WINDOW)
    if row["status"] == "merged":
        merged_at = max(event["at"] for event in events if event["type"] == "merged")
        return _plus(merged_at, _REOPEN_WINDOW)
    late = [step.due_at for clock in cycles for step in clock.due if step.key not in fired]
    ahead = [step.due_at for clock in cycles for _, step in clock.ahead()]
    return min([*late, *ahead], default=None)


def _plus(at: datetime | None, length: timedelta) -> datetime | None:
    return None if at is None else at + length
