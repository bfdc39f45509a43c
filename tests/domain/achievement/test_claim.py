"""The way of a prize: what is allowed when, and a budget that every way back restores."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.achievement.claim import (
    MOVES,
    OVER,
    Action,
    Holding,
    State,
    by_itself,
    check_budget,
    due_after,
    holds,
    moved,
)
from domain.errors import Conflict

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_what_is_not_allowed_is_refused_with_what_is() -> None:
    with pytest.raises(Conflict) as refused:
        moved(State.ASKED, Action.FULFIL)
    assert refused.value.code == "illegal_move"
    assert refused.value.extra == {
        "state": "asked",
        "action": "fulfil",
        "allowed": ["approve", "decline"],
    }


def test_nothing_leads_out_of_the_end_and_everything_else_is_waited_for() -> None:
    assert set(State) == {*MOVES, *OVER}
    assert {state for state in State if due_after(state, NOW) is None} == set(OVER)


@pytest.mark.parametrize(
    ("state", "held", "due", "becomes"),
    [
        (None, True, False, State.ASKED),
        (None, False, False, None),
        (State.WITHDRAWN, True, False, State.ASKED),
        (State.DECLINED, True, False, None),
        (State.ASKED, True, True, None),
        (State.ASKED, False, False, State.WITHDRAWN),
        (State.APPROVED, False, False, State.WITHDRAWN),
        (State.FULFILLED, False, False, None),
        (State.FULFILLED, True, False, None),
        (State.FULFILLED, True, True, State.CONFIRMED),
    ],
)
def test_what_becomes_of_it_by_itself(
    state: State | None, held: bool, due: bool, becomes: State | None
) -> None:
    assert by_itself(state, held=held, is_due=due) is becomes


COSTS = (5, 7, 11)
BUDGET = 15
STEPS = st.tuples(st.integers(0, len(COSTS) - 1), st.sampled_from([*Action, "lost", "won again", "due"]))


@given(st.lists(STEPS, max_size=40))
def test_the_budget_is_what_the_claims_hold_and_never_overdrawn(steps: list[tuple[int, str]]) -> None:
    states = [State.ASKED] * len(COSTS)
    prize = {"reserved": 0, "spent": 0, "budget": BUDGET}
    for number, step in steps:
        was, cost = states[number], COSTS[number]
        try:
            if step in list(Action):
                becomes = moved(was, Action(step))
            else:
                becomes = by_itself(was, held=step != "lost", is_due=step == "due") or was
            before, after = holds(was, cost), holds(becomes, cost)
            more = Holding(after.reserved - before.reserved, after.spent - before.spent)
            if more.reserved + more.spent > 0:
                check_budget(prize, more)
        except Conflict:
            continue
        states[number] = becomes
        prize["reserved"] += more.reserved
        prize["spent"] += more.spent
        assert prize["reserved"] + prize["spent"] <= BUDGET
        held = [holds(state, one) for state, one in zip(states, COSTS, strict=True)]
        assert prize["reserved"] == sum(one.reserved for one in held)
        assert prize["spent"] == sum(one.spent for one in held)


def test_what_waits_is_due_later() -> None:
    assert due_after(State.ASKED, NOW) == NOW + timedelta(days=3)
