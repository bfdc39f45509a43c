"""The table of moves: which action is allowed in which state, and where it leads.

It is data, so that the docs draw it and an illegal move can name what is allowed now. `None` as a target means that
the state stays. Who may take an action is decided by `domain/authorization.py`, what else it needs (a reason, an
answer to a complaint, all assessments) by `domain/feedback/process.py`.
"""

from enum import StrEnum
from typing import Final

from domain.errors import IllegalMove
from domain.feedback.fields import Status


class Action(StrEnum):
    TRIAGE = "triage"
    ASSIGN = "assign"
    DELEGATE = "delegate"
    ASSESS = "assess"
    PLAN = "plan"
    DECLINE = "decline"
    START = "start"
    SHIP = "ship"
    CONFIRM = "confirm"
    VERIFY = "verify"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ANSWER = "answer"
    NOTE = "note"
    EDIT = "edit"
    TAG = "tag"
    LINK = "link"
    UNLINK = "unlink"
    ACKNOWLEDGE = "acknowledge"


_STAYS: Final[dict[Action, Status | None]] = dict.fromkeys(
    (Action.ANSWER, Action.NOTE, Action.EDIT, Action.TAG, Action.LINK, Action.UNLINK)
)
_WORK: Final[dict[Action, Status | None]] = {
    **_STAYS,
    Action.ASSIGN: None,
    Action.ACKNOWLEDGE: None,
    Action.DECLINE: Status.DECLINED,
    Action.MERGE: Status.MERGED,
}

MOVES: Final[dict[Status, dict[Action, Status | None]]] = {
    Status.SUBMITTED: {**_WORK, Action.TRIAGE: Status.TRIAGED},
    Status.TRIAGED: {**_WORK, Action.TRIAGE: None, Action.DELEGATE: None, Action.ASSESS: None},
    Status.ASSESSED: {**_WORK, Action.TRIAGE: None, Action.ASSESS: None, Action.PLAN: Status.PLANNED},
    Status.PLANNED: {
        **_WORK,
        Action.TRIAGE: None,
        Action.START: Status.IN_PROGRESS,
        Action.SHIP: Status.SHIPPED,
    },
    Status.IN_PROGRESS: {**_WORK, Action.TRIAGE: None, Action.SHIP: Status.SHIPPED},
    Status.SHIPPED: {
        **_STAYS,
        Action.ASSIGN: None,
        Action.ACKNOWLEDGE: None,
        Action.CONFIRM: Status.VERIFIED,
        Action.VERIFY: Status.VERIFIED,
        Action.REOPEN: Status.IN_PROGRESS,
    },
    Status.VERIFIED: {
        **_STAYS,
        Action.ASSIGN: None,
        Action.CONFIRM: None,
        Action.CLOSE: Status.CLOSED,
        Action.REOPEN: Status.IN_PROGRESS,
    },
    Status.DECLINED: {**_STAYS, Action.REOPEN: Status.TRIAGED},
    Status.CLOSED: {**_STAYS, Action.REOPEN: Status.IN_PROGRESS},
    Status.MERGED: {Action.UNMERGE: Status.TRIAGED},
}
"""`assess` leads to `assessed` when it is the last of the four; `confirm` with a no leads back to `in_progress`;
`unmerge` to where the item was before the merge."""


def allowed(status: Status) -> list[Action]:
    """What may be asked for now."""
    return sorted(MOVES[status])


def check_move(status: Status, action: Action) -> None:
    """Raises IllegalMove, naming what is allowed now."""
    if action not in MOVES[status]:
        raise IllegalMove(status, action, allowed(status), of="Feedback")


def target(status: Status, action: Action) -> Status:
    """The state after `action`; `status` itself where the action does not move the item."""
    check_move(status, action)
    return MOVES[status][action] or status
