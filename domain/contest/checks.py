"""Whether an action may happen now, by what the process itself remembers. Refusals are errors of the domain.

The window of entries is here: `opens_at` ≤ arrival ≤ `closes_at`, by the time at which the request reached the API.
What passes between the arrival and the decision counts against nobody, up to `GRACE` after the bell.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from domain.contest.fields import (
    ENTRIES_MAX,
    FAR,
    GRACE,
    HIGHEST_SCORE,
    JUDGES_MAX,
    Status,
    check_timetable,
)
from domain.contest.messages import Act
from domain.contest.moves import Action, check_move
from domain.contest.state import ContestState
from domain.errors import Conflict, Invalid


def status_at(state: ContestState, now: datetime) -> Status:
    """The state in which a contest is once everything is done that is due by `now`."""
    status, rules = state.status, state.rules
    if status is Status.SCHEDULED and rules.opens_at <= now:
        status = Status.ACTIVE
    if status is Status.ACTIVE and rules.closes_at <= now:
        status = Status.JUDGING
    if status is Status.PROVISIONAL and is_beyond_appeal(state, now):
        status = Status.FINAL
    return status


def is_beyond_appeal(state: ContestState, now: datetime) -> bool:
    """Whether the time is over, and everything is decided and reckoned."""
    until = state.appeals_until
    return until is not None and until <= now and not state.open_appeals and not state.restanding


def check_act(state: ContestState, act: Act, now: datetime) -> None:
    """Raises IllegalMove, Conflict, or Invalid for what never fits this contest."""
    if act.action is Action.ENTER:
        _check_window(state, act, now)
    else:
        check_move(status_at(state, now), act.action)
    if act.action in _CHECKS:
        _CHECKS[act.action](state, act, now)


def _check_window(state: ContestState, act: Act, now: datetime) -> None:
    assert act.arrived_at is not None
    status, rules = status_at(state, now), state.rules
    if status is not Status.SCHEDULED:
        check_move(status, act.action)
    if status is Status.SCHEDULED or act.arrived_at < rules.opens_at:
        raise Conflict(
            "contest_not_open",
            f"The contest takes entries from {rules.opens_at.isoformat()} on.",
            opens_at=rules.opens_at.isoformat(),
        )
    late = act.arrived_at > rules.closes_at
    if late or state.assigned or now >= rules.closes_at + GRACE:
        reason = "arrived" if late else f"could not be committed within {GRACE.total_seconds():.0f} s"
        raise Conflict(
            "contest_closed",
            f"The contest closed at {rules.closes_at.isoformat()}; this entry {reason} after that.",
            closes_at=rules.closes_at.isoformat(),
            arrived_at=act.arrived_at.isoformat(),
        )


def _check_entry(state: ContestState, act: Act, now: datetime) -> None:
    if act.text is not None and len(act.text) > state.rules.text_max:
        raise Invalid(
            "entry_too_long", f"An entry has at most {state.rules.text_max} characters.", field="text"
        )
    if state.entries >= ENTRIES_MAX:
        raise Conflict("contest_full", f"A contest takes at most {ENTRIES_MAX} entries.")


def _check_schedule(state: ContestState, act: Act, now: datetime) -> None:
    check_timetable(state.rules, now)
    _check_judges(state, len(state.judges))


def _check_judges(state: ContestState, judges: int) -> None:
    needed = state.rules.judges_per_entry
    if judges < needed:
        raise Invalid(
            "too_few_judges",
            f"Each entry is scored by {needed} judges, and there would be {judges}.",
            field="judges",
        )


def _check_edit(state: ContestState, act: Act, now: datetime) -> None:
    if act.edit is not None and act.edit.rules is not None:
        check_timetable(act.edit.rules, now)


def _check_extend(state: ContestState, act: Act, now: datetime) -> None:
    assert act.by is not None
    if act.by <= timedelta(0):
        raise Invalid("not_longer", "An extension has a length.", field="by")
    end = max(state.rules.judging_until, state.appeals_until or state.rules.judging_until)
    if end + act.by > now + FAR:
        raise Invalid("too_far_ahead", "A contest ends within five years.", field="by")


def _check_appoint(state: ContestState, act: Act, now: datetime) -> None:
    if len({*state.judges, *act.people}) > JUDGES_MAX:
        raise Invalid("too_many_judges", f"A contest has at most {JUDGES_MAX} judges.", field="people")


def _check_dismiss(state: ContestState, act: Act, now: datetime) -> None:
    if act.person_id not in state.judges:
        raise Conflict("not_a_judge", "This person is not a judge of the contest.", field="person")
    if status_at(state, now) in (Status.SCHEDULED, Status.ACTIVE):
        _check_judges(state, len(state.judges) - 1)


def _check_recuse(state: ContestState, act: Act, now: datetime) -> None:
    if act.people[0] not in state.judges:
        raise Conflict("not_a_judge", "This person is not a judge of the contest.", field="judge")


def _check_score(state: ContestState, act: Act, now: datetime) -> None:
    wanted = {one.key for one in state.rules.criteria}
    if set(act.scores) != wanted:
        names = ", ".join(one.key for one in state.rules.criteria)
        raise Invalid("wrong_criteria", f"Score each of these, and nothing else: {names}.", field="scores")
    if not all(0 <= score <= HIGHEST_SCORE for score in act.scores.values()):
        raise Invalid("wrong_score", f"A score is 0 to {HIGHEST_SCORE}.", field="scores")


def _check_publish(state: ContestState, act: Act, now: datetime) -> None:
    if not state.assigned or state.fill is not None:
        raise Conflict("not_assigned_yet", "The entries have not all got their judges yet.")


def _check_appeal(state: ContestState, act: Act, now: datetime) -> None:
    if state.appeals_until is not None and now >= state.appeals_until:
        raise Conflict(
            "appeals_closed",
            f"Appeals were taken until {state.appeals_until.isoformat()}.",
            appeals_until=state.appeals_until.isoformat(),
        )


_CHECKS: Final[dict[Action, Callable[[ContestState, Act, datetime], None]]] = {
    Action.ENTER: _check_entry,
    Action.EDIT: _check_edit,
    Action.SCHEDULE: _check_schedule,
    Action.EXTEND: _check_extend,
    Action.APPOINT: _check_appoint,
    Action.DISMISS: _check_dismiss,
    Action.RECUSE: _check_recuse,
    Action.SCORE: _check_score,
    Action.PUBLISH: _check_publish,
    Action.APPEAL: _check_appeal,
}
