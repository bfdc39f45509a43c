"""Contests over HTTP: who sees and does what, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.replay.stage import until

CONTESTS = "/api/v1/contests"
pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
async def work(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


@pytest.fixture
async def judges(make_person: MakePerson) -> list[Api]:
    return [await make_person("agent") for _ in range(2)]


@pytest.fixture
async def manager(make_person: MakePerson) -> Api:
    return await make_person("manager")


def body(judges: list[Api], /, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "name": "Winter pictures",
        "description": "冬季摄影",
        "opens_at": now.isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "judging_until": (now + timedelta(days=8)).isoformat(),
        "criteria": [{"key": "idea", "name": "Idea"}],
        "judges_per_entry": 1,
        "judges": [str(one.person_id) for one in judges],
        **fields,
    }


async def opened(manager: Api, judges: list[Api], **fields: Any) -> str:
    """The address of a contest that is active."""
    made = await manager.post(CONTESTS, json=body(judges, **fields))
    assert made.status_code == 201, made.text
    url = f"{CONTESTS}/{made.json()['id']}"
    assert (await manager.post(f"{url}/actions/schedule")).status_code == 200

    async def active() -> bool:
        return bool((await manager.get(url)).json()["status"] != "scheduled")

    await until(active)
    return url


async def test_a_draft_is_seen_by_managers_only(
    manager: Api, judges: list[Api], make_person: MakePerson
) -> None:
    person = await make_person()
    made = (await manager.post(CONTESTS, json=body(judges))).json()
    url = f"{CONTESTS}/{made['id']}"
    assert (made["status"], made["version"], made["rules"]["per_person"]) == ("draft", 1, 1)
    assert (await person.get(url)).status_code == 404
    assert (await person.get(CONTESTS)).json()["data"] == []
    assert [one["id"] for one in (await manager.get(CONTESTS)).json()["data"]] == [made["id"]]
    refused = await person.post(f"{url}/entries", json={"text": "Mine"})
    assert refused.status_code == 404
    changed = await manager.patch(url, json={"name": "Summer pictures", "per_person": 3})
    assert (changed.json()["name"], changed.json()["rules"]["per_person"]) == ("Summer pictures", 3)
    wrong = await manager.patch(url, json={"closes_at": made["rules"]["opens_at"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "ends_before_it_starts")


async def test_a_repeated_creation_makes_one_contest(manager: Api, judges: list[Api]) -> None:
    wanted, headers = body(judges), {"Idempotency-Key": "winter"}
    first = await manager.post(CONTESTS, json=wanted, headers=headers)
    again = await manager.post(CONTESTS, json=wanted, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    soon = body(judges, closes_at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    brief = await manager.post(CONTESTS, json=soon, headers={"Idempotency-Key": "brief"})

    async def over() -> bool:
        return datetime.now(UTC) > datetime.fromisoformat(soon["closes_at"])

    await until(over)
    late = await manager.post(CONTESTS, json=soon, headers={"Idempotency-Key": "brief"})
    assert (late.status_code, late.json()["id"]) == (201, brief.json()["id"])
    other = await manager.post(CONTESTS, json={**wanted, "name": "Another"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"closes_at": "2026-01-01T00:00:00Z"}, "ends_before_it_starts"),
        ({"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2020-01-02T00:00:00Z"}, "closes_in_the_past"),
        ({"judging_until": "2150-01-01T00:00:00Z"}, "too_far_ahead"),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone"),
        ({"criteria": []}, "too_short"),
        ({"judges": ["00000000-0000-4000-8000-000000000000"]}, "unknown_person"),
        ({"opens_at": 1700000000}, "datetime_type"),
        ({"per_person": 0}, "greater_than_equal"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_made(
    manager: Api, judges: list[Api], fields: dict[str, Any], code: str
) -> None:
    refused = await manager.post(CONTESTS, json=body(judges, **fields))
    assert refused.status_code == 422, refused.text
    assert code in {refused.json()["code"], *(one["code"] for one in refused.json()["errors"])}
    assert (await manager.get(CONTESTS)).json()["data"] == []


async def test_fewer_judges_than_needed_is_a_422_of_the_scheduling(manager: Api, judges: list[Api]) -> None:
    made = (await manager.post(CONTESTS, json=body(judges, judges_per_entry=3))).json()
    refused = await manager.post(f"{CONTESTS}/{made['id']}/actions/schedule")
    assert (refused.status_code, refused.json()["code"]) == (422, "too_few_judges")
    assert (await manager.get(f"{CONTESTS}/{made['id']}")).json()["status"] == "draft"


async def test_entries_are_taken_once_limited_and_seen_by_their_person(
    manager: Api, judges: list[Api], make_person: MakePerson
) -> None:
    person, other = await make_person(), await make_person()
    url = await opened(manager, judges, text_max=20)
    key = {"Idempotency-Key": "mine"}
    wanted = {"text": "A picture of snow", "links": ["https://pictures.example/1"]}
    first = await person.post(f"{url}/entries", json=wanted, headers=key)
    again = await person.post(f"{url}/entries", json=wanted, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    second = await person.post(f"{url}/entries", json=wanted)
    assert (second.status_code, second.json()["code"]) == (409, "too_many_entries")
    long = await other.post(f"{url}/entries", json={"text": "x" * 21})
    assert (long.status_code, long.json()["code"]) == (422, "entry_too_long")
    bad = await other.post(f"{url}/entries", json={"text": "x", "links": ["javascript:alert(1)"]})
    assert (bad.status_code, bad.json()["errors"][0]["code"]) == (422, "invalid_link")
    mine = f"{url}/entries/{first.json()['id']}"
    assert (await person.get(mine)).status_code == 200
    assert (await manager.get(mine)).status_code == 200
    assert (await other.get(mine)).status_code == 404
    assert (await other.post(f"{mine}/withdraw")).status_code == 404
    assert (await other.get(f"{url}/entries")).json()["data"] == []
    assert (await manager.get(url)).json()["entries"] == 1
    withdrawn = await person.post(f"{mine}/withdraw")
    assert withdrawn.json()["state"] == "withdrawn"
    assert (await person.post(f"{url}/entries", json=wanted)).status_code == 201
    assert (await manager.get(url)).json()["participants"] == 1


async def test_a_crowd_at_the_bell(manager: Api, judges: list[Api], make_person: MakePerson) -> None:
    """By the real clock: whatever came in says that it arrived in time, and the first refusal came after the bell."""
    bell = datetime.now(UTC) + timedelta(seconds=4)
    later = (bell + timedelta(days=1)).isoformat()
    fields = {"closes_at": bell.isoformat(), "judging_until": later, "per_person": 1000}
    url = await opened(manager, judges, **fields)
    people = [await make_person() for _ in range(4)]

    async def enter(person: Api) -> Any:
        while True:
            answer = await person.post(f"{url}/entries", json={"text": "Again"})
            if answer.status_code != 201:
                return answer

    refused = await asyncio.gather(*(enter(person) for person in people))
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(409, "contest_closed")}
    assert all(datetime.fromisoformat(one.json()["arrived_at"]) > bell for one in refused)
    rows: list[dict[str, Any]] = []
    link: str | None = f"{url}/entries?page[size]=100"
    while link:
        page = (await manager.get(link)).json()
        rows, link = rows + page["data"], page["links"]["next"]
    assert rows
    assert all(datetime.fromisoformat(one["arrived_at"]) <= bell for one in rows)
    assert len(rows) == (await manager.get(url)).json()["entries"]


async def test_judges_have_a_queue_and_the_standing_is_published(
    manager: Api, judges: list[Api], make_person: MakePerson
) -> None:
    person, other = await make_person(), await make_person()
    now = datetime.now(UTC)
    fields = {
        "closes_at": (now + timedelta(seconds=4)).isoformat(),
        "judging_until": (now + timedelta(days=1)).isoformat(),
        "prizes": [{"rank": 1, "name": "A camera"}],
    }
    url = await opened(manager, judges, **fields)
    mine = (await person.post(f"{url}/entries", json={"text": "Snow"})).json()
    await other.post(f"{url}/entries", json={"text": "Ice"})
    early = await person.get(f"{url}/standings")
    assert (early.status_code, early.json()["code"]) == (409, "no_standing_yet")
    assert (await person.get(f"{url}/queue")).json()["code"] == "not_a_judge"

    async def judging() -> bool:
        found = [(await judge.get(f"{url}/queue")).json()["data"] for judge in judges]
        return sum(map(len, found)) == 2

    await until(judging)
    for judge in judges:
        for one in (await judge.get(f"{url}/queue?state=pending")).json()["data"]:
            entry = f"{url}/entries/{one['entry_id']}/score"
            wrong = await judge.put(entry, json={"scores": {"form": 1}})
            assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_criteria")
            scores = {"idea": 9 if one["entry_id"] == mine["id"] else 4}
            scored = await judge.put(entry, json={"scores": scores, "comment": "Well"})
            assert (scored.status_code, scored.json()["state"]) == (200, "scored")

    async def provisional() -> bool:
        return bool((await manager.get(url)).json()["status"] == "provisional")

    await until(provisional)
    standing = (await other.get(f"{url}/standings")).json()["data"]
    assert [(one["rank"], one["total"]) for one in standing] == [(1, 9.0), (2, 4.0)]
    assert (await other.get(f"{url}/entries/{mine['id']}")).status_code == 200
    foreign = await other.post(f"{url}/entries/{mine['id']}/appeals", json={"reason": "Too good"})
    assert foreign.status_code == 403
    second = standing[1]["entry_id"]
    appealed = await other.post(f"{url}/entries/{second}/appeals", json={"reason": "Mine is better"})
    assert appealed.status_code == 201, appealed.text
    appeal = f"{url}/appeals/{appealed.json()['id']}"
    assert (await person.get(appeal)).status_code == 404
    decided = await manager.post(f"{appeal}/decide", json={"upheld": False, "answer": "No"})
    assert decided.json()["state"] == "rejected"
    assert [one["type"] for one in (await manager.get(f"{url}/events")).json()["data"]][:2] == [
        "created",
        "status_changed",
    ]
    view = (await manager.get(f"{url}/process")).json()
    assert [one["name"] for one in view["timers"]] == ["appeals"]


async def test_a_cancelled_contest_says_what_is_no_longer_possible(manager: Api, judges: list[Api]) -> None:
    url = await opened(manager, judges)
    assert (await manager.post(f"{url}/actions/cancel", json={})).status_code == 422
    assert (await manager.post(f"{url}/actions/cancel", json={"reason": "Snow"})).status_code == 200
    refused = await manager.post(f"{url}/actions/extend", json={"by": "P1D"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
    assert refused.json()["allowed"] == []
    unknown = await manager.post(f"{url}/actions/destroy")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_action")
