"""A ticket that is opened: what its caller left open is guessed, and no failure keeps it from being opened."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.labelled import a_model, put_to_use

FAULT = {"subject": "磁盘挂载失败，服务不可用", "description": "The disk crashed with an exception"}


async def opened(api: Api, **fields: Any) -> Any:
    answer = await api.post("/api/v1/tickets", json={**FAULT, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def events(api: Api, ticket: Any) -> list[Any]:
    answer = await api.get(f"/api/v1/tickets/{ticket['id']}/events")
    return [one for one in answer.json()["data"] if one["type"] == "classified"]


async def test_what_the_caller_leaves_open_is_guessed_and_the_history_says_so(admin: Api, desk: Desk) -> None:
    async with working(desk):
        ticket = await opened(admin)
        (event,) = await events(admin, ticket)
    assert (ticket["kind"], ticket["category"]) == ("fault", "storage")
    assert ticket["priority"] == "normal", "a priority is only proposed"
    found = ticket["classification"]
    assert found["version"] == 0
    assert found["priority"]["value"] == "critical"
    assert found["kind"]["sure"] is True
    assert event["actor"] is None
    assert event["data"] == {name: value for name, value in found.items() if value is not None}


async def test_what_the_caller_gives_stays(admin: Api, desk: Desk) -> None:
    async with working(desk):
        ticket = await opened(admin, category="printing", kind="suggestion", priority="low")
    assert (ticket["category"], ticket["kind"], ticket["priority"]) == ("printing", "suggestion", "low")
    assert ticket["classification"] == {"version": 0, "category": None, "kind": None, "priority": None}


async def test_below_the_threshold_a_human_decides(admin: Api, app: FastAPI, desk: Desk) -> None:
    strict = replace(desk, settings=desk.settings.model_copy(update={"classifier_threshold": 1.0}))
    app.state.desk = strict
    async with working(desk):
        ticket = await opened(admin)
        undecided = await admin.get("/api/v1/tickets?kind=none&category=none")
    assert (ticket["category"], ticket["kind"]) == (None, None)
    assert ticket["classification"]["kind"]["value"] == "fault"
    assert ticket["classification"]["kind"]["sure"] is False
    assert [one["id"] for one in undecided.json()["data"]] == [ticket["id"]]


async def test_who_asks_does_not_see_what_was_guessed(make_person: MakePerson, desk: Desk) -> None:
    customer = await make_person()
    async with working(desk):
        ticket = await opened(customer)
        assert ticket["kind"] == "fault"
        assert ticket["classification"] is None
        assert await events(customer, ticket) == []


async def test_what_has_a_past_is_not_guessed(admin: Api, desk: Desk) -> None:
    async with working(desk):
        ticket = await opened(admin, created_at="2026-01-01T09:00:00Z")
    assert (ticket["category"], ticket["kind"], ticket["classification"]) == (None, None, None)


async def test_only_categories_of_the_desk_are_set(admin: Api, desk: Desk) -> None:
    await admin.post("/api/v1/teams", json={"name": "Cars", "categories": ["cars"]})
    async with working(desk):
        assert (await opened(admin))["category"] is None


@pytest.mark.parametrize("content", [b"", b"no model", b'{"format":1}\n'])
async def test_a_broken_model_keeps_no_ticket_from_being_opened(
    admin: Api, desk: Desk, content: bytes
) -> None:
    await put_to_use(desk.database, content)
    await desk.guesser.look(desk.database)
    async with working(desk):
        ticket = await opened(admin)
    assert (ticket["kind"], ticket["classification"]["version"]) == ("fault", 0)


async def test_a_repeated_request_finds_the_ticket_whatever_would_be_guessed_now(
    admin: Api, desk: Desk
) -> None:
    headers = {"Idempotency-Key": "once"}
    async with working(desk):
        first = await admin.post("/api/v1/tickets", json=FAULT, headers=headers)
        await put_to_use(desk.database, await a_model())
        await desk.guesser.look(desk.database)
        again = await admin.post("/api/v1/tickets", json=FAULT, headers=headers)
    assert again.json()["classification"] == first.json()["classification"]
    assert again.headers["Idempotent-Replayed"] == "true"
