"""Request bodies, and routes of actions: what all of them share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from api.errors import problems
from domain.errors import Invalid

_SKEW: Final = timedelta(minutes=5)


class Form(BaseModel):
    """A request body. A field that it does not name is a 422."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _needs_no_body(form: type[Form]) -> bool:
    """Whether a request says enough without one: every field may be left out."""
    try:
        form()
    except ValidationError:
        return False
    return True


def action_route(
    router: APIRouter,
    action: str,
    form: type[Form],
    act: Any,
    *,
    of: str,
    does: str,
    answer: type[BaseModel],
) -> None:
    """`POST /{action}`, answered by the function `act`. Its parameter `form` is the body; where a request says enough
    without one, it may be None."""
    optional = _needs_no_body(form)
    act.__annotations__["form"] = (form | None) if optional else form
    if not optional:
        act.__defaults__ = None
    act.__doc__ = f"The action `{action}`: {does}"
    router.add_api_route(
        f"/{action}",
        act,
        methods=["POST"],
        name=f"{of}_{action}",
        response_model=answer,
        responses=problems(403, 404, 409, 412),
    )


def unknown_action(names: Iterable[str]) -> Invalid:
    known = sorted(names)
    return Invalid(
        "unknown_action",
        f"There is no such action. Actions: {', '.join(known)}.",
        field="action",
        allowed=known,
    )


def absent() -> Any:
    """Default of a field that may be left out but is never null; look into `model_fields_set`."""
    return None


@contextmanager
def as_request(*place: str) -> Iterator[None]:
    """Answer what a model refuses in this block like a mistake at `place` of the body: for what can only be
    checked together with a stored record."""
    try:
        yield
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        located = [{**mistake, "loc": ("body", *place, *mistake["loc"])} for mistake in mistakes]
        raise RequestValidationError(located) from None


def _written(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError(
            "datetime_type", "Write a time as text with its offset, such as 2026-11-21T09:00:00+08:00."
        )
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_written)]
"""A time with its offset as text; a number is not guessed at."""


def _on_record(value: datetime) -> datetime:
    if not 1970 <= value.year < 9000:
        raise PydanticCustomError("too_long_ago", "This is in 1970 or later.")
    return value.astimezone(UTC)


def _past(value: datetime) -> datetime:
    if value > datetime.now(UTC) + _SKEW:
        raise PydanticCustomError("in_the_future", "This cannot have been in the future.")
    return value


When = Annotated[Instant, AfterValidator(_on_record)]
"""A time that a record may have, in UTC; what is due may be in the future."""

Then = Annotated[When, AfterValidator(_past)]
"""When something happened."""
