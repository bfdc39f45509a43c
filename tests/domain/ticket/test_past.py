"""Taking over a ticket from another desk: its promises go on as if it had never moved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.duration import LONGEST
from domain.errors import IllegalMove
from domain.sla.clock import Clock
from domain.sla.ledger import Entry
from domain.sla.policy import ClockName, PolicyVersion, Targets
from domain.ticket import process
from domain.ticket.fields import ACTIVE, Priority, Status
from domain.ticket.messages import Change, Facts, Past
from domain.ticket.moves import Action
from domain.ticket.state import TicketState
from tests.domain.ticket.steps import (
    ADA,
    DEFAULT,
    REQUESTER,
    T0,
    act,
    after,
    command,
    minutes,
    opened,
    policy,
)

ACTIONS = (
    Action.START,
    Action.REPLY,
    Action.WAIT,
    Action.RESUME,
    Action.ACKNOWLEDGE,
    Action.RESOLVE,
    Action.REOPEN,
    Action.CLOSE,
)


def taken_over(
    state: TicketState, at: float, version: PolicyVersion | None = DEFAULT, **changes: Any
) -> Change:
    """The first change on the other desk, so many minutes after the ticket was opened on its own."""
    same = {name: getattr(state, name) for name in Past.model_fields if name in TicketState.model_fields}
    left = state.closed_at or state.resolved_at or T0
    past = Past(**{**same, "updated_at": left, **changes})
    line = command(created_at=state.created_at, past=past)
    facts = Facts(number=7, requester_id=REQUESTER, matched=True, policy=version)
    return process.with_facts(process.opened(line, T0 + minutes(at)), facts)


def fired(change: Change) -> list[tuple[Any, ...]]:
    return [(row.clock, row.step, row.kind, row.due_at) for row in change.ledger if row.fired_at]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(ACTIONS)), max_size=8),
    st.integers(0, 6000),
    st.sampled_from(Priority),
)
def test_clocks_go_on_and_what_is_due_meanwhile_fires_once(
    steps: list[tuple[int, Action]], later: int, priority: Priority
) -> None:
    state, at = opened(priority), 0
    for pause, action in steps:
        at += pause
        state = process.settled(state, T0 + minutes(at)).state
        try:
            state, _ = after(state, (at, act(action, body="…")))
        except IllegalMove:
            continue
    at += later
    there = process.settled(state, T0 + minutes(at))
    moved = taken_over(state, at)
    here = process.settled(moved.state, T0 + minutes(at))
    assert moved.ledger == []
    assert moved.notices == []
    assert fired(here) == fired(there)
    assert [notice.kind for notice in here.notices] == [notice.kind for notice in there.notices]
    assert here.state.clocks == there.state.clocks
    assert process.timers(here.state) == process.timers(there.state)
    assert (here.state.cycles, here.state.ended, here.state.breached) == (
        there.state.cycles,
        there.state.ended,
        there.state.breached,
    )


def test_other_promises_count_what_was_spent_and_say_so() -> None:
    state, _ = after(opened(), (10, act(Action.REPLY, body="…")))
    shorter: Targets = {priority: {ClockName.RESOLUTION: minutes(60)} for priority in Priority}
    moved = taken_over(state, 30, policy(targets=shorter))
    (row,) = moved.ledger
    assert (row.kind, row.cause, row.elapsed) == (Entry.RETARGET, "import", minutes(30))
    assert moved.state.clocks[ClockName.RESOLUTION].due_at(policy(targets=shorter)) == T0 + minutes(60)


def test_a_promise_that_is_not_made_here_ends() -> None:
    first_only: Targets = {priority: {ClockName.FIRST_RESPONSE: minutes(60)} for priority in Priority}
    moved = taken_over(opened(), 30, policy(targets=first_only))
    assert {row.clock: row.kind for row in moved.ledger} == {
        ClockName.FIRST_RESPONSE: Entry.RETARGET,
        ClockName.RESOLUTION: Entry.CANCEL,
    }
    nothing = taken_over(opened(), 30, None)
    assert (nothing.state.clocks, nothing.ledger) == ({}, [])


def test_a_ticket_without_clocks_is_promised_anew() -> None:
    moved = taken_over(opened(), 30, clocks={}, cycles={})
    started = {row.clock: row.at for row in moved.ledger if row.kind is Entry.START}
    assert started == dict.fromkeys((ClockName.FIRST_RESPONSE, ClockName.RESOLUTION), T0 + minutes(30))


def test_a_clock_stands_still_where_this_desk_says_so() -> None:
    state, _ = after(opened(), (5, act(Action.START)), (10, act(Action.HOLD)))
    assert not state.clocks[ClockName.RESOLUTION].paused
    moved = taken_over(state, 30, policy(pause_on=(Status.ON_HOLD,)))
    assert moved.state.clocks[ClockName.RESOLUTION].spent == minutes(30)
    assert moved.state.clocks[ClockName.RESOLUTION].paused


def test_a_desk_whose_time_is_ahead_makes_no_time_before_now() -> None:
    state = opened()
    ahead = {
        name: clock.model_copy(update={"running_since": T0 + minutes(3), "started_at": T0 + minutes(3)})
        for name, clock in state.clocks.items()
    }
    moved = taken_over(state, 0, clocks=ahead)
    assert {clock.running_since for clock in moved.state.clocks.values()} == {T0}


def test_closing_and_the_end_follow_from_when_it_was_resolved_and_closed() -> None:
    resolved, _ = after(opened(), (60, act(Action.RESOLVE, body="Cleaned")))
    moved = taken_over(resolved, 24 * 60)
    assert moved.state.auto_close_at == resolved.auto_close_at == T0 + minutes(60) + timedelta(days=3)
    closed, _ = after(resolved, (120, act(Action.CLOSE)))
    moved = taken_over(closed, 30 * 24 * 60)
    assert moved.state.finish_at == closed.finish_at
    assert process.is_finished(moved.state, T0 + timedelta(days=30))


def test_nobody_is_told_of_it_and_its_history_here_begins_with_its_coming() -> None:
    moved = taken_over(opened(), 30)
    assert [(event.type, event.cause) for event in moved.events] == [("imported", "import")]
    assert (moved.notices, moved.state.event_number, moved.state.number) == ([], 1, 7)
    assert (moved.state.assignee_id, moved.state.status) == (ADA, Status.ASSIGNED)


@st.composite
def clocks(draw: st.DrawFn) -> dict[ClockName, Clock]:
    """Whatever an import lets through."""
    past_times = st.datetimes(datetime(1970, 1, 2), T0.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001  the zone is given
    counts = st.integers(0, 2**31 - 1)
    return {
        name: Clock(
            name=name,
            cycle=draw(counts),
            target=draw(st.timedeltas(timedelta(microseconds=1), LONGEST)),
            started_at=draw(past_times),
            spent=draw(st.timedeltas(timedelta(0), timedelta(days=36_525))),
            running_since=draw(st.none() | past_times),
            breached_at=draw(st.none() | past_times),
            acknowledged=draw(st.booleans()),
            fired=draw(st.dictionaries(st.sampled_from(["75%", "100%", "150%", "x"]), counts)),
        )
        for name in draw(st.lists(st.sampled_from(ClockName), unique=True))
    }


@given(clocks(), st.sampled_from(ACTIVE), st.sampled_from(Priority))
@settings(deadline=None, max_examples=50)
def test_no_clock_that_an_import_lets_through_stops_a_process(
    known: dict[ClockName, Clock], status: Status, priority: Priority
) -> None:
    version = policy(on_reopen="resume", pause_on=(Status.WAITING,))
    came = taken_over(opened(), 1, version, clocks=known, status=status, priority=priority)
    state = process.settled(came.state, T0 + minutes(2)).state
    assert all(timer.due_at > T0 + minutes(2) for timer in process.timers(state))
    state, _ = after(state, (3, act(Action.RESOLVE, body="…")), (4, act(Action.REOPEN, body="…")))
    assert state.active


@pytest.mark.parametrize("time", ["working", "clock"])
def test_a_step_further_away_than_a_time_can_be_is_never_due(time: str) -> None:
    ladder = [{"at": "100%", "do": ["tag:late"], "repeat": "10000%", "time": time}]
    version = PolicyVersion.model_validate(
        {
            **DEFAULT.model_dump(mode="json"),
            "policy": {
                **DEFAULT.policy.model_dump(mode="json"),
                "ladder": ladder,
                "targets": {"high": {"resolution": "P3653D"}},
            },
        }
    )
    state = opened()
    clock = state.clocks[ClockName.RESOLUTION].model_copy(update={"fired": {"100%": 2**31}})
    moved = taken_over(state, 1, version, clocks={ClockName.RESOLUTION: clock})
    assert process.next_deadline(process.settled(moved.state, T0 + minutes(1)).state) is None
