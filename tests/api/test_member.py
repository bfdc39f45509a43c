"""Members over HTTP: facts in, points out, with a real worker behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.desk import Desk
from domain import ids
from domain.ticket.fields import Priority
from tests.api.conftest import Api, MakePerson
from tests.api.work import working


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def tell(api: Api, member: UUID, status: int = 202, **fact: Any) -> dict[str, Any]:
    body = {"fact_id": uuid4().hex, "action": "post_created", **fact}
    answer = await api.post(f"/api/v1/members/{member}/facts", json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def counted(api: Api, member: UUID) -> dict[str, Any]:
    """The member, when everything that was told is counted."""
    for _ in range(400):
        now: dict[str, Any] = (await api.get(f"/api/v1/members/{member}")).json()
        if not now["pending"]:
            return now
        await asyncio.sleep(0.05)
    raise AssertionError(now)


@pytest.mark.usefixtures("worker")
async def test_facts_become_points_a_level_and_a_rank(admin: Api, make_person: MakePerson) -> None:
    person = await make_person()
    member = person.person_id
    first = await tell(admin, member, fact_id="p1", at="2026-11-20T23:59:59Z")
    again = await tell(admin, member, fact_id="p1", at="2026-11-21T07:59:59+08:00")
    assert (first, again) == ({"new": 1, "known": 0}, {"new": 0, "known": 1})
    for number in range(6):
        await tell(admin, member, action="accepted_answer", fact_id=f"a{number}", by=str(admin.person_id))
    await tell(admin, member, action="post_liked", fact_id="own", by=str(member))
    await tell(admin, member, action="comment_added", fact_id="gone", reverses="a0")
    found = await counted(person, member)
    assert (found["points"], found["rank"]) == (85, 1)
    assert found["level"] == {"name": "newbie", "threshold": 0}
    assert found["next_level"] == {"name": "beginner", "threshold": 100, "missing": 15}
    await tell(admin, member, action="accepted_answer", fact_id="last")
    found = await counted(person, member)
    assert (found["level"]["name"], [one["name"] for one in found["levels"]]) == ("beginner", ["beginner"])
    rows = (await person.get(f"/api/v1/members/{member}/points?page[size]=100")).json()["data"]
    assert sum(row["points"] for row in rows) == 100
    assert {row["fact_id"]: row["reason"] for row in rows if row["reason"]} == {"own": "own"}
    (undone,) = [row for row in rows if row["kind"] == "reversal"]
    assert (undone["points"], undone["about"], undone["fact_id"]) == (-15, "a0", "gone")
    notices = (await person.get("/api/v1/notifications")).json()["data"]
    assert [one["kind"] for one in notices] == ["level_reached"]


@pytest.mark.usefixtures("worker")
async def test_the_process_of_a_member_stands_behind_those_of_tickets(admin: Api, desk: Desk) -> None:
    await tell(admin, admin.person_id)
    await counted(admin, admin.person_id)
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("member", admin.person_id))
    described = (await handle.describe()).raw_description.workflow_execution_info
    assert described.priority.priority_key == 5 > max(priority.key for priority in Priority)


@pytest.mark.usefixtures("worker")
async def test_many_facts_of_many_members_in_one_request(admin: Api, make_person: MakePerson) -> None:
    people = [await make_person() for _ in range(3)]
    facts = [
        {"member": str(person.person_id), "fact_id": f"f{number}", "action": "comment_added"}
        for number in range(100)
        for person in people
    ]
    answer = await admin.post("/api/v1/facts", json={"facts": [*facts, facts[0]]})
    assert answer.json() == {"new": 300, "known": 1}
    for person in people:
        assert (await counted(person, person.person_id))["points"] == 200
    board = (await admin.get("/api/v1/leaderboard?window=day&limit=2")).json()
    assert [(one["rank"], one["points"]) for one in board["data"]] == [(1, 200), (1, 200)]
    rest = (await admin.get(board["links"]["next"])).json()
    assert [(one["rank"], one["points"]) for one in rest["data"]] == [(1, 200)]
    assert rest["links"]["next"] is None


async def test_lines_of_facts_are_taken_all_or_none(admin: Api) -> None:
    member = str(admin.person_id)

    async def bring(*lines: str | dict[str, Any], kind: str = "application/jsonl") -> Any:
        body = "\r\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        headers = {"content-type": kind}
        return (await admin.post("/api/v1/facts/import", content=body.encode(), headers=headers)).json()

    first, second = [{"member": member, "fact_id": one, "action": "post_created"} for one in "ab"]
    for wrong, field, code in (
        ("{", "lines.3", "invalid_json"),
        ('"fact"', "lines.3", "model_type"),
        ({**second, "action": "moon_walked"}, "lines.3.action", "unknown_action"),
        ({**second, "amount": -1}, "lines.3.amount", "greater_than_equal"),
        ({**second, "points": 5}, "lines.3.points", "unknown_field"),
    ):
        (error,) = (await bring(first, "", wrong))["errors"]
        assert (error["field"], error["code"]) == (field, code)
    assert (await bring(first, {**first, "action": "comment_added"}))["code"] == "fact_id_reused"
    assert (await bring(*["{}"] * 10_001))["code"] == "too_many_lines"
    assert (await bring(first, kind="text/plain"))["code"] == "unsupported_media_type"
    assert await bring() == {"new": 0, "known": 0}
    assert await bring(first, "", second, first) == {"new": 2, "known": 1}


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ({"action": "moon_walked"}, "unknown_action"),
        ({"at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "from_the_future"),
        ({"at": "1969-12-31T23:59:59Z"}, "too_long_ago"),
        ({"amount": -1}, "greater_than_equal"),
        ({"points": 5}, "unknown_field"),
        ({"action": "contest_participation"}, "subject_required"),
        ({"fact_id": "a", "reverses": "a"}, "reverses_itself"),
        ({"fact_id": ""}, "string_too_short"),
    ],
)
async def test_what_can_never_count_is_refused(admin: Api, fact: dict[str, Any], code: str) -> None:
    refused = await tell(admin, admin.person_id, status=422, **fact)
    assert code in [refused["code"], *(one["code"] for one in refused["errors"])], refused
    many = {"facts": [{"member": str(admin.person_id), "fact_id": "f", "action": "post_created", **fact}]}
    assert (await admin.post("/api/v1/facts", json=many)).status_code == 422
    assert (await admin.get(f"/api/v1/members/{admin.person_id}")).json()["pending"] is False


async def test_the_same_id_for_another_fact_is_a_conflict(admin: Api) -> None:
    await tell(admin, admin.person_id, fact_id="a")
    refused = await tell(admin, admin.person_id, status=409, fact_id="a", action="comment_added")
    assert (refused["code"], refused["fact_id"]) == ("fact_id_reused", "a")
    await tell(admin, uuid4(), status=404)


async def test_a_program_needs_a_token_for_facts_and_may_do_nothing_else(admin: Api) -> None:
    made = await admin.post("/api/v1/tokens", json={"name": "forum", "scopes": ["facts:write"]})
    program = {"Authorization": f"Bearer {made.json()['token']}"}
    fact = {"fact_id": "a", "action": "post_created"}
    url = f"/api/v1/members/{admin.person_id}"
    assert (await admin.post(f"{url}/facts", json=fact, headers=program)).status_code == 202
    assert (await admin.get(url, headers=program)).status_code == 403
    other = await admin.post("/api/v1/tokens", json={"name": "other", "scopes": ["tickets:write"]})
    tickets = {"Authorization": f"Bearer {other.json()['token']}"}
    assert (await admin.post(f"{url}/facts", json=fact, headers=tickets)).status_code == 403


@pytest.mark.usefixtures("worker")
async def test_who_is_not_listed_is_seen_by_themselves_and_managers_only(
    admin: Api, make_person: MakePerson
) -> None:
    shy, other, manager = await make_person(), await make_person(), await make_person("manager")
    await tell(admin, shy.person_id)
    await counted(admin, shy.person_id)
    url = f"/api/v1/members/{shy.person_id}"
    assert (await other.get(url)).json()["points"] == 10
    assert (await other.get(f"{url}/points")).status_code == 403
    assert (await shy.patch(url, json={"listed": False})).json()["listed"] is False
    assert (await other.get(url)).status_code == 404
    assert (await other.get(f"{url}/points")).status_code == 404
    assert (await shy.get(url)).json()["rank"] is None
    assert (await manager.get(f"{url}/points")).json()["data"][0]["points"] == 10
    assert (await admin.get("/api/v1/leaderboard")).json()["data"] == []


@pytest.mark.usefixtures("worker")
async def test_new_rules_are_for_facts_that_come_from_then_on(admin: Api, make_person: MakePerson) -> None:
    member = (await make_person()).person_id
    await tell(admin, member)
    rules = (await admin.get("/api/v1/members/rules")).json()
    assert rules["version"] == 0
    wanted = {
        "daily_cap": None,
        "actions": {"post_created": {"points": 500}},
        "levels": [{"name": "novice", "threshold": 0}, {"name": "wizard", "threshold": 501}],
    }
    made = await admin.put("/api/v1/members/rules", json=wanted, headers={"If-Match": '"0"'})
    assert made.json()["version"] == 1
    stale = await admin.put("/api/v1/members/rules", json=wanted, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    await tell(admin, member)
    found = await counted(admin, member)
    assert (found["points"], found["level"]["name"]) == (510, "wizard")
    gone = await tell(admin, member, status=422, action="comment_added")
    assert gone["code"] == "unknown_action"


@pytest.mark.parametrize(
    "levels",
    [[], [("a", 1)], [("a", 0), ("b", 0)], [("a", 0), ("b", 5), ("c", 4)], [("a", 0), ("a", 5)]],
)
async def test_levels_begin_at_nothing_and_rise(admin: Api, levels: list[tuple[str, int]]) -> None:
    body = {
        "daily_cap": 1,
        "actions": {"post_created": {"points": 1}},
        "levels": [{"name": name, "threshold": threshold} for name, threshold in levels],
    }
    assert (await admin.put("/api/v1/members/rules", json=body)).status_code == 422


async def test_no_action_is_worth_less_than_nothing(admin: Api) -> None:
    rules = (await admin.get("/api/v1/members/rules")).json()
    rules["actions"]["post_created"]["points"] = -1
    wanted = {name: rules[name] for name in ("daily_cap", "actions", "levels")}
    refused = await admin.put("/api/v1/members/rules", json=wanted)
    assert refused.json()["errors"][0]["field"] == "actions.post_created.points"


@pytest.mark.parametrize("query", ["window=year", "limit=0", "limit=101", "page[size]=0", "page[after]=x"])
async def test_a_leaderboard_is_asked_for_rightly(admin: Api, query: str) -> None:
    assert (await admin.get(f"/api/v1/leaderboard?{query}")).status_code == 422
