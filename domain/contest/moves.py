"""The table of moves: which action is allowed in which state of a contest, and where it leads.

It is data, so that the docs draw it and an illegal move can name what is allowed now. `None` as a target means that
the state stays. An entry is also allowed in `judging`, for the moment after the bell in which one that arrived in
time is still on its way (`domain/contest/process.py`).
"""

from enum import StrEnum

from domain.contest.fields import Status
from domain.errors import IllegalMove


class Action(StrEnum):
    EDIT = "edit"
    SCHEDULE = "schedule"
    ENTER = "enter"
    WITHDRAW = "withdraw"
    EXTEND = "extend"
    APPOINT = "appoint"
    DISMISS = "dismiss"
    RECUSE = "recuse"
    SCORE = "score"
    PUBLISH = "publish"
    APPEAL = "appeal"
    DECIDE = "decide"
    AWARD = "award"
    CANCEL = "cancel"


_JUDGES: dict[Action, Status | None] = {Action.APPOINT: None, Action.DISMISS: None, Action.RECUSE: None}
_CANCEL: dict[Action, Status | None] = {Action.CANCEL: Status.CANCELLED}

MOVES: dict[Status, dict[Action, Status | None]] = {
    Status.DRAFT: {Action.EDIT: None, Action.SCHEDULE: Status.SCHEDULED, **_JUDGES, **_CANCEL},
    Status.SCHEDULED: {Action.EXTEND: None, **_JUDGES, **_CANCEL},
    Status.ACTIVE: {
        Action.ENTER: None,
        Action.WITHDRAW: None,
        Action.EXTEND: None,
        **_JUDGES,
        **_CANCEL,
    },
    Status.JUDGING: {
        Action.ENTER: None,
        Action.EXTEND: None,
        Action.SCORE: None,
        Action.PUBLISH: None,
        **_JUDGES,
        **_CANCEL,
    },
    Status.PROVISIONAL: {Action.EXTEND: None, Action.APPEAL: None, Action.DECIDE: None, **_CANCEL},
    Status.FINAL: {Action.AWARD: Status.AWARDED, **_CANCEL},
    Status.AWARDED: {},
    Status.CANCELLED: {},
}


def allowed(status: Status) -> list[Action]:
    return sorted(MOVES[status])


def check_move(status: Status, action: Action) -> None:
    """Raises IllegalMove, naming what is allowed now."""
    if action not in MOVES[status]:
        raise IllegalMove(status, action, allowed(status), of="A contest")
