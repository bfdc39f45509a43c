"""The table of moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalMove
from domain.ticket.fields import Status
from domain.ticket.moves import MOVES, Action, allowed, check_move, target

statuses = st.sampled_from(Status)
moves = st.sampled_from(Action)


@given(statuses, moves)
def test_a_move_is_allowed_or_refused_with_the_choice(status: Status, action: Action) -> None:
    if action in MOVES[status]:
        assert target(status, action) in Status
        return
    with pytest.raises(IllegalMove) as refused:
        check_move(status, action)
    assert refused.value.extra == {"state": status, "action": action, "allowed": allowed(status)}


def test_every_state_can_be_left_and_reached() -> None:
    reached = {to for moves in MOVES.values() for to in moves.values() if to is not None}
    assert reached == set(Status)
    for status in Status:
        assert any(to not in (None, status) for to in MOVES[status].values()), status


@given(statuses)
def test_notes_are_possible_as_long_as_there_is_a_ticket(status: Status) -> None:
    assert (Action.NOTE in allowed(status)) == (status is not Status.MERGED)


@pytest.mark.parametrize(
    ("status", "action", "after"),
    [
        (Status.OPEN, Action.ASSIGN, Status.ASSIGNED),
        (Status.ASSIGNED, Action.START, Status.IN_PROGRESS),
        (Status.ASSIGNED, Action.REPLY, Status.IN_PROGRESS),
        (Status.IN_PROGRESS, Action.WAIT, Status.WAITING),
        (Status.WAITING, Action.COMMENT, Status.IN_PROGRESS),
        (Status.WAITING, Action.HOLD, Status.ON_HOLD),
        (Status.ON_HOLD, Action.RESUME, Status.IN_PROGRESS),
        (Status.IN_PROGRESS, Action.RESOLVE, Status.RESOLVED),
        (Status.RESOLVED, Action.CLOSE, Status.CLOSED),
        (Status.CLOSED, Action.REOPEN, Status.IN_PROGRESS),
    ],
)
def test_the_life_of_a_ticket(status: Status, action: Action, after: Status) -> None:
    assert target(status, action) is after


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.CLOSED, Action.ASSIGN),
        (Status.OPEN, Action.RESUME),
        (Status.OPEN, Action.CLOSE),
        (Status.RESOLVED, Action.WAIT),
        (Status.MERGED, Action.NOTE),
        (Status.CLOSED, Action.REPLY),
    ],
)
def test_what_makes_no_sense_is_refused(status: Status, action: Action) -> None:
    with pytest.raises(IllegalMove):
        check_move(status, action)
