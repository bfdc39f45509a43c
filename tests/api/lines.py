"""Tickets as lines of an export: made up, taken in, and given out again."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

import orjson

from tests.api.conftest import Api
from tests.requests import BODIES

PATH: Final = "/api/v1/tickets/import"
NUMBERS: Final = count(1000)
JSON: Final = {"Content-Type": "application/json"}
REMADE: Final = {"version", "waiting_reason", "breached", "next_step", "next_step_at", "process", "ledger"}
"""What another desk makes of a ticket that came without its promises."""


def line(**fields: Any) -> dict[str, Any]:
    """A ticket that was resolved yesterday, as another desk exported it."""
    made = deepcopy(BODIES["POST /tickets/import"])
    made["comments"][0]["id"] = str(uuid4())
    resolved = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    known = {"id": str(uuid4()), "number": next(NUMBERS), "resolved_at": resolved, "links": []}
    return {**made, **known, **fields}


def left(ticket: dict[str, Any]) -> dict[str, Any]:
    """What is the same there: everything but that, and the ids of people."""
    return {name: _without_ids(value) for name, value in ticket.items() if name not in REMADE}


def _without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ids(one) for one in value]
    if isinstance(value, dict) and {"id", "name"} <= set(value) <= {"id", "name", "email"}:
        return {name: one for name, one in value.items() if name != "id"}
    return {name: _without_ids(one) for name, one in value.items()} if isinstance(value, dict) else value


async def exported(api: Api, ticket_id: str) -> dict[str, Any]:
    answer = await api.get("/api/v1/tickets/export", params={"format": "jsonl", "q": f"id:{ticket_id}"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = orjson.loads(answer.content)
    return found


async def imported(api: Api, ticket: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(PATH, content=orjson.dumps(ticket), headers=JSON)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
