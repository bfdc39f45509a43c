"""Achievements from a terminal."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from domain.account import Role
from tests.api.work import relaying
from tests.cli.conftest import ListeningDesk, Terminal
from tests.storage.world import person

POSTS = {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 3}
NEW = {"name": "Three posts", "description": "Wrote three posts", "criteria": POSTS}


@asynccontextmanager
async def contributing(listening: ListeningDesk) -> AsyncIterator[UUID]:
    """A member of a desk that works; three posts of theirs are counted."""
    made = await person(listening.desk.database, Role.REQUESTER)
    facts = [{"member": str(made), "fact_id": f"f{number}", "action": "post_created"} for number in range(3)]
    lines = b"".join(json.dumps(fact).encode() + b"\n" for fact in facts)
    async with relaying(listening.desk):
        await listening.terminal("member", "facts", "-", stdin=lines)
        await listening.wait_for("member_points", 3)
        yield made


@pytest.fixture
async def member(listening: ListeningDesk) -> AsyncIterator[UUID]:
    async with contributing(listening) as made:
        yield made


async def drafted(duradesk: Terminal, reward: Any) -> Any:
    written = json.dumps({**NEW, "reward": reward}).encode()
    made = await duradesk("achievement", "create", "-", "--json", stdin=written)
    assert made.code == 0, made.err
    return made.json


async def test_an_achievement_is_drafted_previewed_activated_and_held(
    listening: ListeningDesk, duradesk: Terminal, member: UUID
) -> None:
    draft = await drafted(duradesk, {"type": "points", "value": 50, "expires_after": "P30D"})
    assert "points 50 for 30d" in (await duradesk("achievement", "show", "Three posts")).out
    assert "1 of 1 members meet it." in (await duradesk("achievement", "preview", draft["id"])).out
    counted = await duradesk("achievement", "backfill", "Three posts", "--dry-run")
    assert "done: 1 of 1 members meet it, nobody was asked." in counted.out
    assert await listening.count("awards") == 0
    assert "active" in (await duradesk("achievement", "activate", "Three posts")).out
    await listening.wait_for("awards", 1)
    assert "Three posts" in (await duradesk("achievement", "held", str(member))).out
    listed = (await duradesk("achievement", "list", "--state", "active", "--json")).json["data"]
    assert [(one["name"], one["awarded"]) for one in listed] == [("Three posts", 1)]
    assert (await duradesk("achievement", "retire", "Three posts", "--json")).json["state"] == "retired"


@pytest.mark.parametrize(
    ("text", "said"), [(b"{", "- is not JSON"), (b'{"name": "Half"}', "criteria")], ids=["broken", "half"]
)
async def test_what_is_no_achievement_is_told(
    listening: ListeningDesk, duradesk: Terminal, text: bytes, said: str
) -> None:
    refused = await duradesk("achievement", "create", "-", stdin=text)
    assert (refused.code, said in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("achievement", "create", "/missing.json"), "cannot be read"),
        (("achievement", "show", "Nonsense"), "There is no achievement Nonsense."),
    ],
)
async def test_what_is_not_there_is_told(
    listening: ListeningDesk, duradesk: Terminal, words: tuple[str, ...], said: str
) -> None:
    refused = await duradesk(*words)
    assert (refused.code, said in refused.err) == (1, True)
