"""Bulk actions over HTTP, with a real worker behind it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.desk import Desk
from storage.bulk import Bulks
from tests.api.conftest import Api, MakePerson
from tests.api.test_ticket import act, opened
from tests.api.work import working


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def begun(api: Api, status: int = 202, key: str | None = None, **body: Any) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await api.post("/api/v1/bulk", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    bulk: dict[str, Any] = answer.json()
    return bulk


async def finished(api: Api, bulk: dict[str, Any]) -> dict[str, Any]:
    for _ in range(400):
        now: dict[str, Any] = (await api.get(f"/api/v1/bulk/{bulk['id']}")).json()
        if now["finished_at"] is not None:
            return now
        await asyncio.sleep(0.05)
    raise AssertionError(now)


@pytest.mark.usefixtures("worker")
async def test_one_action_on_many_with_a_result_for_each(admin: Api) -> None:
    tickets = [await opened(admin, subject=f"bulk {number}") for number in range(45)]
    await act(admin, tickets[7], "resolve", resolution="done")
    body = {"action": "set_priority", "fields": {"priority": "high"}, "filter": {"priority": ["normal"]}}
    foreseen = await begun(admin, status=200, dry_run=True, **body)
    assert foreseen == {"total": 45, "refused": {"resolved": 1}}
    bulk = await begun(admin, **body)
    assert (bulk["state"], bulk["total"], bulk["counts"]["pending"]) == ("running", 45, 45)
    done = await finished(admin, bulk)
    assert (done["state"], done["counts"]) == (
        "done",
        {"pending": 0, "begun": 0, "done": 44, "refused": 1, "cancelled": 0},
    )
    (refused,) = (await admin.get(f"/api/v1/bulk/{bulk['id']}/items?state=refused")).json()["data"]
    assert (refused["ticket"]["id"], refused["code"]) == (tickets[7]["id"], "illegal_move")
    listed = (await admin.get("/api/v1/tickets?priority=high&page[size]=100")).json()["data"]
    assert len(listed) == 44
    assert {one["version"] for one in listed} == {2}


@pytest.mark.usefixtures("worker")
async def test_the_same_key_is_the_same_bulk_action(admin: Api) -> None:
    ticket = await opened(admin)
    body = {"action": "note", "fields": {"body": "once"}, "ids": [ticket["id"], ticket["id"]]}
    first, again = await begun(admin, key="k", **body), await begun(admin, key="k", **body)
    assert first["id"] == again["id"]
    assert (await finished(admin, first))["counts"]["done"] == 1
    other = await begun(admin, status=409, key="k", **{**body, "fields": {"body": "other"}})
    assert other["code"] == "idempotency_key_reused"
    comments = (await admin.get(f"/api/v1/tickets/{ticket['id']}/comments")).json()["data"]
    assert [one["body"] for one in comments] == ["once"]


async def test_the_same_key_at_the_same_time_is_the_same_bulk_action(desk: Desk, admin: Api) -> None:
    async with working(desk):
        ticket = await opened(admin)
    body = {"action": "note", "fields": {"body": "once"}, "ids": [ticket["id"]]}
    begun_at_once = await asyncio.gather(*(begun(admin, key="k", **body) for _ in range(8)))
    assert len({one["id"] for one in begun_at_once}) == 1


async def test_what_is_cancelled_before_it_began_is_not_done(desk: Desk, admin: Api) -> None:
    async with working(desk):
        tickets = [await opened(admin) for _ in range(3)]
    bulk = await begun(admin, action="close", ids=[one["id"] for one in tickets])
    cancelled = (await admin.post(f"/api/v1/bulk/{bulk['id']}/cancel")).json()
    assert (cancelled["state"], cancelled["counts"]["cancelled"]) == ("cancelled", 3)
    async with working(desk):
        assert (await finished(admin, bulk))["state"] == "cancelled"
        assert (await admin.get(f"/api/v1/tickets/{tickets[0]['id']}")).json()["version"] == 1


async def test_what_is_begun_when_it_is_cancelled_is_finished(desk: Desk, admin: Api) -> None:
    """As when the worker dies while it works on the first tickets, and the rest is cancelled before it is back."""
    async with working(desk):
        tickets = [await opened(admin) for _ in range(42)]
    bulk = await begun(admin, action="note", fields={"body": "seen"}, ids=[one["id"] for one in tickets])
    _, items = await Bulks(desk.database).next_items(UUID(bulk["id"]))
    cancelled = (await admin.post(f"/api/v1/bulk/{bulk['id']}/cancel")).json()
    assert (cancelled["counts"]["begun"], cancelled["counts"]["cancelled"]) == (len(items), 42 - len(items))
    async with working(desk):
        counts = (await finished(admin, bulk))["counts"]
        assert (counts["done"], counts["cancelled"]) == (len(items), 42 - len(items))
        versions = Counter(
            [(await admin.get(f"/api/v1/tickets/{one['id']}")).json()["version"] for one in tickets]
        )
    assert versions == {2: len(items), 1: 42 - len(items)}


@pytest.mark.usefixtures("worker")
async def test_a_person_acts_only_on_what_is_theirs(admin: Api, make_person: MakePerson) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "storage", "categories": ["storage"]})).json()[
        "id"
    ]
    inside, outside = await make_person("agent", teams=[team]), await make_person("agent")
    ticket, own = await opened(admin, category="storage"), await opened(outside, category="storage")
    nobody = await begun(outside, status=422, action="close", ids=[ticket["id"]])
    assert nobody["code"] == "no_tickets"
    # They asked in the other team's ticket, so they see it and may not work on it.
    bulk = await begun(outside, action="note", fields={"body": "x"}, ids=[own["id"]])
    assert (await finished(outside, bulk))["counts"]["refused"] == 1
    assert (await inside.get(f"/api/v1/bulk/{bulk['id']}")).status_code == 404
    assert (await admin.get(f"/api/v1/bulk/{bulk['id']}")).status_code == 200
    assert [one["id"] for one in (await outside.get("/api/v1/bulk")).json()["data"]] == [bulk["id"]]
    requester = await make_person("requester")
    await begun(requester, status=403, action="close", ids=[ticket["id"]])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "close"}, "one_of"),
        ({"action": "close", "ids": [], "filter": {}}, "too_short"),
        ({"action": "merge", "ids": [str(uuid4())], "fields": {"into": str(uuid4())}}, "not_in_bulk"),
        ({"action": "moon", "ids": [str(uuid4())]}, "enum"),
        ({"action": "set_priority", "ids": [str(uuid4())]}, "required"),
        ({"action": "close", "ids": [str(uuid4())], "fields": {"more": 1}}, "unknown_field"),
        ({"action": "close", "ids": [str(uuid4())] * 10_001}, "too_long"),
        ({"action": "close", "filter": {"moon": 1}}, "unknown_field"),
        ({"action": "close", "ids": [str(uuid4())]}, "no_tickets"),
    ],
)
async def test_what_cannot_be_done_to_many(admin: Api, body: dict[str, Any], code: str) -> None:
    refused = await begun(admin, status=422, **body)
    assert code in [refused["code"], *(one["code"] for one in refused["errors"])]
