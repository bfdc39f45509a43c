"""Achievements over HTTP: drafted, previewed, activated, awarded by the members' processes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_member import counted, tell
from tests.api.work import working

POSTS = {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 2}
NEW = {
    "name": "Two posts",
    "description": "Wrote two posts",
    "criteria": POSTS,
    "reward": {"type": "points", "value": 50},
}


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def made(api: Api, status: int = 201, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/achievements", json={**NEW, **fields})
    assert answer.status_code == status, answer.text
    achievement: dict[str, Any] = answer.json()
    return achievement


async def held(api: Api, member: Any, count: int) -> list[dict[str, Any]]:
    for _ in range(400):
        found: list[dict[str, Any]] = (await api.get(f"/api/v1/members/{member}/achievements")).json()["data"]
        if len(found) == count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


@pytest.mark.usefixtures("worker")
async def test_from_a_draft_to_an_award_and_back(admin: Api, make_person: MakePerson) -> None:
    early, late = await make_person(), await make_person()
    for number in range(2):
        await tell(admin, early.person_id, fact_id=f"f{number}")
    await counted(admin, early.person_id)
    draft = await made(admin)
    url = f"/api/v1/achievements/{draft['id']}"
    assert (draft["state"], draft["version"], draft["repeat"], draft["awarded"]) == ("draft", 1, "once", 0)
    assert (await late.get(url)).status_code == 404
    preview = await admin.post(f"{url}/preview")
    lines = [json.loads(line) for line in preview.text.splitlines()]
    assert lines[-1] == {"checked": 1, "met": 1}
    assert lines[0]["member"]["id"] == str(early.person_id)
    assert (await admin.patch(url, json={"state": "active"}, headers={"If-Match": '"7"'})).status_code == 412
    active = (await admin.patch(url, json={"state": "active"}, headers={"If-Match": '"1"'})).json()
    assert (active["state"], active["version"]) == ("active", 2)
    (award,) = await held(late, early.person_id, 1)
    assert (award["achievement"]["name"], award["occurrence"], award["state"]) == ("Two posts", 1, "held")
    for number in range(2):
        await tell(admin, late.person_id, fact_id=f"f{number}")
    await held(admin, late.person_id, 1)
    assert (await counted(admin, late.person_id))["points"] == 70
    await tell(admin, late.person_id, fact_id="undo", reverses="f1")
    assert (await counted(admin, late.person_id))["points"] == 10
    await held(early, late.person_id, 0)
    (revoked,) = await held(late, late.person_id, 1)
    assert revoked["state"] == "revoked"
    assert (await late.get(url)).json()["awarded"] == 1
    told = [one["kind"] for one in (await late.get("/api/v1/notifications")).json()["data"]]
    assert sorted(told) == ["achievement_awarded", "achievement_revoked"]
    (backfill,) = (await admin.get(f"{url}/backfills")).json()["data"]
    assert (backfill["state"], backfill["checked"], backfill["met"], backfill["asked"]) == ("done", 1, 1, 1)


@pytest.mark.usefixtures("worker")
async def test_fifty_facts_at_once_make_one_award(admin: Api, make_person: MakePerson) -> None:
    member = (await make_person()).person_id
    one = await made(admin)
    await admin.patch(f"/api/v1/achievements/{one['id']}", json={"state": "active"})
    await asyncio.gather(*(tell(admin, member, fact_id=f"f{number}") for number in range(50)))
    assert (await counted(admin, member))["points"] == 250
    await held(admin, member, 1)


async def test_a_dry_run_is_cancelled(admin: Api) -> None:
    draft = await made(admin)
    url = f"/api/v1/achievements/{draft['id']}/backfills"
    assert (await admin.post(url, json={})).json()["code"] == "not_active"
    begun = (await admin.post(url, json={"dry_run": True})).json()
    cancelled = (await admin.post(f"{url}/{begun['id']}/cancel")).json()
    assert (cancelled["state"], (await admin.get(f"{url}/{begun['id']}")).json()["state"]) == (
        "cancelled",
    ) * 2
    other = await made(admin, name="Another")
    assert (await admin.get(f"/api/v1/achievements/{other['id']}/backfills/{begun['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"criteria": {"all": []}}, "empty_criteria", "criteria.all"),
        ({"criteria": {}}, "required", "criteria.metric"),
        ({"criteria": {**POSTS, "action": "moon_walked"}}, "unknown_action", "criteria.action"),
        ({"criteria": {"any": [{**POSTS, "metric": "karma"}]}}, "unknown_metric", "criteria.any.0.metric"),
        ({"criteria": {**POSTS, "threshold": 0}, "repeat": "each"}, "cannot_repeat", "repeat"),
        ({"reward": {"type": "points", "value": 0}}, "invalid", "reward.points.value"),
        ({"reward": {"type": "badge", "value": 5}}, "invalid", "reward.badge.value"),
        ({"reward": {"type": "gold"}}, "invalid", "reward"),
    ],
)
async def test_what_can_never_be_met_or_given_is_refused(
    admin: Api, fields: dict[str, Any], code: str, field: str
) -> None:
    refused = await made(admin, status=422, **fields)
    assert (refused["code"], refused["errors"][0]["field"]) == (code, field)


async def test_two_achievements_have_two_names(admin: Api) -> None:
    await made(admin)
    assert (await made(admin, status=409))["code"] == "name_taken"
