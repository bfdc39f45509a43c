"""The table of moves: which action is allowed in which state, and where it leads.

It is data, so that the docs draw it and an illegal move can name what is allowed now. `None` as a target
means that the state stays. Who may take an action is decided by `domain/authorization.py`.
"""

from enum import StrEnum

from domain.errors import IllegalMove
from domain.ticket.fields import Status


class Action(StrEnum):
    ASSIGN = "assign"
    ACCEPT = "accept"
    START = "start"
    REPLY = "reply"
    COMMENT = "comment"
    NOTE = "note"
    WAIT = "wait"
    HOLD = "hold"
    RESUME = "resume"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    SET_PRIORITY = "set_priority"
    SET_CATEGORY = "set_category"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    EDIT = "edit"
    TAG = "tag"
    WATCH = "watch"
    UNWATCH = "unwatch"
    LINK = "link"
    UNLINK = "unlink"
    SHARE = "share"
    UNSHARE = "unshare"
    MERGE = "merge"
    UNMERGE = "unmerge"
    SPLIT = "split"
    APPLY = "apply"


_STAYS: dict[Action, Status | None] = dict.fromkeys(
    (
        Action.NOTE,
        Action.EDIT,
        Action.TAG,
        Action.WATCH,
        Action.UNWATCH,
        Action.LINK,
        Action.UNLINK,
        Action.SHARE,
        Action.UNSHARE,
        Action.SPLIT,
        Action.APPLY,
    )
)
_WORK: dict[Action, Status | None] = {
    Action.ASSIGN: None,
    Action.REPLY: None,
    Action.COMMENT: None,
    Action.ESCALATE: None,
    Action.ACKNOWLEDGE: None,
    Action.SET_PRIORITY: None,
    Action.SET_CATEGORY: None,
    Action.RESOLVE: Status.RESOLVED,
    Action.MERGE: Status.MERGED,
    **_STAYS,
}

MOVES: dict[Status, dict[Action, Status | None]] = {
    Status.OPEN: {**_WORK, Action.ASSIGN: Status.ASSIGNED, Action.ACCEPT: Status.ASSIGNED},
    Status.ASSIGNED: {
        **_WORK,
        Action.ACCEPT: Status.ASSIGNED,
        Action.START: Status.IN_PROGRESS,
        Action.REPLY: Status.IN_PROGRESS,
        Action.WAIT: Status.WAITING,
        Action.HOLD: Status.ON_HOLD,
    },
    Status.IN_PROGRESS: {
        **_WORK,
        Action.ASSIGN: Status.ASSIGNED,
        Action.WAIT: Status.WAITING,
        Action.HOLD: Status.ON_HOLD,
    },
    Status.WAITING: {
        **_WORK,
        Action.COMMENT: Status.IN_PROGRESS,
        Action.HOLD: Status.ON_HOLD,
        Action.RESUME: Status.IN_PROGRESS,
    },
    Status.ON_HOLD: {**_WORK, Action.WAIT: Status.WAITING, Action.RESUME: Status.IN_PROGRESS},
    Status.RESOLVED: {
        **_STAYS,
        Action.REPLY: None,
        Action.COMMENT: Status.IN_PROGRESS,
        Action.REOPEN: Status.IN_PROGRESS,
        Action.CLOSE: Status.CLOSED,
        Action.MERGE: Status.MERGED,
    },
    Status.CLOSED: {**_STAYS, Action.COMMENT: Status.IN_PROGRESS, Action.REOPEN: Status.IN_PROGRESS},
    Status.MERGED: {Action.UNMERGE: Status.OPEN},
}


_NOT_BY_NAME = (Action.COMMENT, Action.EDIT)
"""A requester's `reply` is a comment, and contents are edited by PATCH: nobody asks for these by name."""


def allowed(status: Status) -> list[Action]:
    """What may be asked for now."""
    return sorted(set(MOVES[status]) - set(_NOT_BY_NAME))


def check_move(status: Status, action: Action) -> None:
    """Raises IllegalMove, naming what is allowed now."""
    if action not in MOVES[status]:
        raise IllegalMove(status, action, allowed(status))


def target(status: Status, action: Action) -> Status:
    """The state after `action`; `status` itself where the action does not move the ticket."""
    check_move(status, action)
    return MOVES[status][action] or status
