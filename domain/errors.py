"""Every error that Duradesk raises on purpose, in one tree.

    DeskError
    ├── NotFound       it is not there, or you may not know that it is
    ├── Gone           it was there for a while, and that is over
    ├── Forbidden      you are known, and you may not
    ├── Unauthorized   you are not known
    ├── Invalid        the message can never be right as it is
    ├── Conflict       the message is right, the state is not
    │   ├── IllegalMove
    │   └── StaleVersion
    ├── TooLarge
    ├── Throttled      later
    └── Unavailable    a part is away; the same call works later

`api/errors.py` maps a kind to an HTTP status, `activities/failure.py` to a retry. Nobody else maps.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class DeskError(Exception):
    """A refusal with a stable `code`, a `detail` that says what to do, and the `field` it is about.

    `retryable` is the thrower's knowledge: whether the very same call may succeed later.
    `extra` holds further members of the problem document; its values must be JSON.
    """

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, detail: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field
        self.extra = extra


class NotFound(DeskError):
    kind = "not_found"


class Gone(DeskError):
    kind = "gone"


class Forbidden(DeskError):
    kind = "forbidden"


class Unauthorized(DeskError):
    kind = "unauthorized"


class Invalid(DeskError):
    kind = "invalid"


class Conflict(DeskError):
    kind = "conflict"


class IllegalMove(Conflict):
    """The action is not one of the moves that the state allows now."""

    def __init__(self, state: str, action: str, allowed: Sequence[str], *, of: str = "A ticket") -> None:
        choice = ", ".join(allowed) or "nothing"
        super().__init__(
            "illegal_move",
            f"{of} that is {state} cannot {action}. Allowed now: {choice}.",
            state=state,
            action=action,
            allowed=list(allowed),
        )


class StaleVersion(Conflict):
    """Someone changed the record since the caller read it; mapped to 412."""

    kind = "stale"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            "stale_version",
            f"You changed version {expected}, but the record is at version {current}. Read it again.",
            expected=expected,
            current=current,
        )


class TooLarge(DeskError):
    kind = "too_large"


class Throttled(DeskError):
    """Too many tries; `retry_after` is in whole seconds."""

    kind = "throttled"
    retryable = True

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Unavailable(DeskError):
    """A part of the desk is away; `retry_after` is in whole seconds."""

    kind = "unavailable"
    retryable = True

    def __init__(self, code: str, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after
