"""Saved views over HTTP, with a real worker behind it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_ticket import act, opened
from tests.api.work import working


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def made(api: Api, status: int = 201, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/views", json={"name": "open", "query": "status:active", **fields})
    assert answer.status_code == status, answer.text
    view: dict[str, Any] = answer.json()
    return view


@pytest.mark.usefixtures("worker")
async def test_a_view_holds_what_its_reader_may_see(admin: Api, make_person: MakePerson) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "storage", "categories": ["storage"]})).json()[
        "id"
    ]
    inside, outside = await make_person("agent", teams=[team]), await make_person("agent")
    tickets = [await opened(admin, category="storage", priority="high") for _ in range(3)]
    await act(admin, tickets[0], "resolve", resolution="done")
    await made(admin, query="status:active priority:high")
    await made(admin, name="mine", query="assignee:me", position=1)
    for api, counts in ((admin, [2, 0]), (inside, [2, 3]), (outside, [0, 0])):
        listed = (await api.get("/api/v1/views?counts=true")).json()["data"]
        assert [(one["name"], one["count"]["more"]) for one in listed] == [("open", False), ("mine", False)]
        assert [one["count"]["tickets"] for one in listed] == counts
    listed = (await inside.get("/api/v1/tickets", params={"q": listed[0]["query"]})).json()["data"]
    assert len(listed) == 2


async def test_views_are_personal_for_teams_or_for_all(admin: Api, make_person: MakePerson) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "storage"})).json()["id"]
    inside, outside = await make_person("agent", teams=[team]), await make_person("agent")
    shared, mine = await made(admin, teams=[team]), await made(outside, personal=True)
    for api, wanted in ((inside, shared), (outside, mine)):
        (listed,) = (await api.get("/api/v1/views")).json()["data"]
        assert (listed["id"], listed["count"]) == (wanted["id"], None)
    assert (await outside.get(f"/api/v1/views/{shared['id']}")).status_code == 404
    assert (await inside.patch(f"/api/v1/views/{shared['id']}", json={"name": "x"})).status_code == 403
    await made(outside, status=403)
    changed = await outside.patch(
        f"/api/v1/views/{mine['id']}", json={"query": "tag:late", "sort": "priority"}
    )
    assert (changed.json()["query"], changed.json()["version"]) == ("tag:late", 2)
    assert (await outside.delete(f"/api/v1/views/{mine['id']}")).status_code == 204
    assert (await outside.get(f"/api/v1/views/{mine['id']}")).status_code == 404
    requester = await make_person("requester")
    assert (await requester.get("/api/v1/views")).status_code == 403


async def test_what_a_view_cannot_be(admin: Api) -> None:
    assert (await made(admin, status=422, query="moon:full"))["detail"]
    await made(admin, status=422, query="")
    await made(admin, status=422, sort="moon")
    await made(admin, status=422, personal=True, teams=["0b0f8f5e-0000-4000-8000-000000000000"])
    view = await made(admin)
    assert (await made(admin, status=409))["code"] == "name_taken"
    answer = await admin.patch(f"/api/v1/views/{view['id']}", json={"query": 'assignee:"Nobody Here"'})
    assert answer.status_code == 200
    assert (await admin.get(f"/api/v1/views/{view['id']}")).json()["count"] is None
