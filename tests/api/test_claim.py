"""Prizes over HTTP: won by facts, approved and fulfilled by managers, confirmed by who has won them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_achievement import made
from tests.api.test_member import tell
from tests.api.work import working
from tests.contributions import PRIZE


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def prized(admin: Api, **fields: Any) -> dict[str, Any]:
    answer = await admin.post("/api/v1/prizes", json={**PRIZE, **fields})
    assert answer.status_code == 201, answer.text
    prize: dict[str, Any] = answer.json()
    return prize


async def claimed(api: Api, state: str) -> dict[str, Any]:
    """The only claim that `api` sees, when it has come so far."""
    found: list[dict[str, Any]] = []
    for _ in range(400):
        found = (await api.get(f"/api/v1/claims?state={state}")).json()["data"]
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError(found)


@pytest.mark.usefixtures("worker")
async def test_from_facts_to_a_mug(admin: Api, make_person: MakePerson) -> None:
    manager, winner, other = await make_person("manager"), await make_person(), await make_person()
    prize = await prized(admin)
    one = await made(admin, reward={"type": "prize", "prize": prize["id"]})
    await admin.patch(f"/api/v1/achievements/{one['id']}", json={"state": "active"})
    for number in range(2):
        await tell(admin, winner.person_id, fact_id=f"f{number}")
    claim = await claimed(winner, "asked")
    assert (claim["prize"]["name"], claim["cost"], claim["currency"]) == ("Mug", 900, "EUR")
    url = f"/api/v1/claims/{claim['id']}"
    assert (await other.get(url)).status_code == 404
    assert (await other.get("/api/v1/claims")).json()["data"] == []
    early = await manager.post(f"{url}/actions/fulfil")
    assert (early.status_code, early.json()["code"]) == (409, "illegal_move")
    assert early.json()["allowed"] == ["approve", "decline"]
    for action in ("approve", "fulfil"):
        headers = {"Idempotency-Key": action}
        for _ in range(2):
            answer = await manager.post(
                f"{url}/actions/{action}", json={"note": "By parcel"}, headers=headers
            )
            assert answer.status_code == 200, answer.text
    assert (await manager.post(f"{url}/actions/juggle")).json()["code"] == "unknown_action"
    stale = await winner.post(f"{url}/actions/confirm", headers={"If-Match": '"2"'})
    assert stale.status_code == 412
    spent = (await manager.get(f"/api/v1/prizes/{prize['id']}")).json()
    assert (spent["reserved"], spent["spent"]) == (0, 900)
    assert (await manager.post(f"{url}/actions/confirm")).status_code == 403
    done = (await winner.post(f"{url}/actions/confirm")).json()
    assert [step["state"] for step in done["steps"]] == ["asked", "approved", "fulfilled", "confirmed"]
    kinds = [row["kind"] for row in (await winner.get("/api/v1/notifications")).json()["data"]]
    assert sorted(kinds) == ["achievement_awarded", "prize_moved", "prize_moved"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cost": -1}, "cost"),
        ({"budget": 1.5}, "budget"),
        ({"currency": "euro"}, "currency"),
        ({"name": " "}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_prize_has_a_cost_and_a_budget(admin: Api, fields: dict[str, Any], field: str) -> None:
    refused = await admin.post("/api/v1/prizes", json={**PRIZE, **fields})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_prizes_are_changed_by_whoever_read_them_last(admin: Api) -> None:
    prize = await prized(admin)
    url = f"/api/v1/prizes/{prize['id']}"
    changed = await admin.patch(url, json={"budget": 1800}, headers={"If-Match": '"1"'})
    assert (changed.json()["budget"], changed.json()["version"]) == (1800, 2)
    stale = await admin.patch(url, json={"budget": 1}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await admin.get("/api/v1/prizes")).json()["data"] == [changed.json()]
    assert (await admin.post("/api/v1/prizes", json=PRIZE)).json()["code"] == "name_taken"
