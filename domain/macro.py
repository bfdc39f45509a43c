"""Macros: several actions under one name, with words that are filled in for the ticket at hand.

A canned reply is a macro whose one action is a reply. The shapes of the actions are those of `api/ticket`; here
stands what a macro is and how its words are filled in.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime
from pydantic_core import PydanticCustomError

from domain.account import Value
from domain.ticket.moves import Action

ACTIONS: Final = (
    Action.ASSIGN,
    Action.START,
    Action.REPLY,
    Action.NOTE,
    Action.WAIT,
    Action.HOLD,
    Action.RESUME,
    Action.ESCALATE,
    Action.SET_PRIORITY,
    Action.SET_CATEGORY,
    Action.RESOLVE,
    Action.REOPEN,
    Action.CLOSE,
    Action.TAG,
)
"""What a macro may do."""

VARIABLES: Final = (
    "ticket.number",
    "ticket.subject",
    "ticket.category",
    "ticket.priority",
    "requester.name",
    "agent.name",
    "team.name",
)
"""What stands between `{{` and `}}` in the words of a macro."""

ACTIONS_LIMIT: Final = 20

_PLACE = re.compile(r"\{\{\s*([^{}]{0,64}?)\s*\}\}")


class Macro(Value):
    """`owner_id` is set for a personal macro; `team_ids` are the teams that it is for, all if empty."""

    id: UUID
    name: str
    description: str
    owner_id: UUID | None
    team_ids: tuple[UUID, ...]
    actions: tuple[dict[str, Any], ...]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


def filled(action: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The fields of one action for its form, each text with its places filled in; what is filled in is text
    and never a place again."""
    return {name: _fill(value, values) for name, value in action.items() if name != "action"}


def check_places(texts: Iterable[Any]) -> None:
    """Refuses a place that nothing fills."""
    for text in texts:
        for name in _PLACE.findall(text) if isinstance(text, str) else ():
            if name not in VARIABLES:
                raise PydanticCustomError(
                    "unknown_variable",
                    "There is no variable {name}. Variables: {known}.",
                    {"name": name, "known": ", ".join(VARIABLES)},
                )


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), value)
