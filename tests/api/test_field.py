"""Custom fields and viewers over HTTP, with a real worker behind it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_ticket import act, opened
from tests.api.work import working

ENVIRONMENT = {"key": "environment", "label": "Environment", "type": "choice", "options": ["prod", "test"]}


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def made(api: Api, status: int = 201, **values: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/fields", json={**ENVIRONMENT, **values})
    assert answer.status_code == status, answer.text
    field: dict[str, Any] = answer.json()
    return field


async def test_values_are_checked_when_a_ticket_is_opened_edited_and_resolved(admin: Api) -> None:
    field = await made(admin, required=True, categories=["storage"])
    body = {
        "subject": "x",
        "description": "y",
        "category": "storage",
        "custom_fields": {"environment": "moon"},
    }
    refused = (await admin.post("/api/v1/tickets", json=body)).json()
    assert (refused["status"], refused["errors"][0]["field"]) == (422, "custom_fields.environment")
    assert "prod, test" in refused["detail"]
    ticket = await opened(admin, category="storage", custom_fields={"free": [1]})
    incomplete = await act(admin, ticket, "resolve", status=422, resolution="done")
    assert incomplete["code"] == "required"
    path = f"/api/v1/tickets/{ticket['id']}"
    assert (await admin.patch(path, json={"custom_fields": {"environment": 1}})).status_code == 422
    edited = await admin.patch(path, json={"custom_fields": {"environment": "prod"}})
    assert edited.json()["custom_fields"] == {"environment": "prod"}
    assert (await act(admin, ticket, "resolve", resolution="done"))["status"] == "resolved"
    retired = await admin.patch(f"/api/v1/fields/{field['id']}", json={"active": False})
    assert retired.json()["version"] == 2
    await opened(admin, category="storage", custom_fields={"environment": "moon"})


async def test_definitions_are_for_managers_and_make_sense(admin: Api, make_person: MakePerson) -> None:
    field = await made(admin)
    assert (await made(admin, status=409))["code"] == "key_taken"
    for wrong in ({"key": "Not A Key"}, {"type": "moon"}, {"options": []}, {"type": "text"}):
        await made(admin, status=422, **{"key": "other", **wrong})
    path = f"/api/v1/fields/{field['id']}"
    assert (await admin.patch(path, json={"options": []})).status_code == 422
    assert (await admin.patch(path, json={"key": "new"})).status_code == 422
    agent, requester = await make_person("agent"), await make_person("requester")
    assert [one["key"] for one in (await agent.get("/api/v1/fields")).json()["data"]] == ["environment"]
    await made(agent, status=403, key="mine")
    assert (await agent.patch(path, json={"label": "x"})).status_code == 403
    assert (await requester.get("/api/v1/fields")).status_code == 403


async def test_agents_see_who_else_looks_at_a_ticket(admin: Api, make_person: MakePerson) -> None:
    asker, agent = await make_person("requester"), await make_person("agent", name="Ada")
    ticket = await opened(asker)
    path = f"/api/v1/tickets/{ticket['id']}/viewers"
    assert (await admin.put(f"{path}/me")).status_code == 200
    seen = (await agent.put(f"{path}/me", json={"typing": True})).json()["data"]
    assert [(one["person"]["name"], one["typing"]) for one in seen] == [("Ada", True), ("Admin", False)]
    assert (await admin.delete(f"{path}/me")).status_code == 204
    assert [one["person"]["name"] for one in (await admin.get(path)).json()["data"]] == ["Ada"]
    assert (await asker.get(path)).status_code == 403
    assert (await asker.put(f"{path}/me")).status_code == 403


async def test_tickets_are_found_and_sorted_by_what_is_in_their_fields(admin: Api) -> None:
    await made(admin)
    await made(admin, key="seats", type="number", options=[])
    tickets = [
        (await opened(admin, custom_fields={"environment": environment, "seats": seats}))["id"]
        for environment, seats in (("prod", 12), ("test", 2.5), ("prod", -1))
    ]

    async def found(**parameters: Any) -> list[int]:
        answer = await admin.get("/api/v1/tickets", params={"sort": "created_at", **parameters})
        assert answer.status_code == 200, answer.text
        return [tickets.index(one["id"]) for one in answer.json()["data"]]

    assert await found(q="field.environment:prod") == [0, 2]
    assert await found(field=["environment:PROD", "seats:>0"]) == [0]
    edit = {"custom_fields": {"environment": "prod", "seats": 5}}
    assert (await admin.patch(f"/api/v1/tickets/{tickets[1]}", json=edit)).status_code == 200
    assert await found(q="field.environment:prod") == [0, 1, 2]
    assert await found(q="field.seats:2.5") == []
    page: Any = {"links": {"next": "/api/v1/tickets?sort=-field.seats&page[size]=1"}}
    seen: list[int] = []
    while link := page["links"]["next"]:
        page = (await admin.get(link)).json()
        seen += [tickets.index(one["id"]) for one in page["data"]]
    assert seen == [0, 1, 2]
    view = {"name": "big", "query": "field.seats:>=5", "sort": "-field.seats"}
    kept = (await admin.post("/api/v1/views", json=view)).json()
    counted = (await admin.get(f"/api/v1/views/{kept['id']}")).json()
    assert (counted["sort"], counted["count"]["tickets"]) == ("-field.seats", 2)


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"q": "field.moon:1"}, "unknown_field", "q"),
        ({"q": "field.seats:many"}, "unknown_value", "q"),
        ({"field": "seats:many"}, "unknown_value", "field"),
        ({"field": "seats"}, "one_field", "field"),
        ({"field": "seats:"}, "one_field", "field"),
        ({"field": "seats:1 more"}, "one_field", "field"),
        ({"field": 'seats:"1'}, "quote_open", "field"),
        ({"sort": "field.moon"}, "unknown_field", "sort"),
        ({"sort": "field.tools"}, "no_order", "sort"),
        ({"sort": "field.x;--"}, "string_pattern_mismatch", "sort"),
        (
            {"sort": "field.seats", "page[after]": "WyJmaWVsZC5zZWF0cyIsIjFlOTk5OTk5Il0"},
            "invalid_cursor",
            None,
        ),
    ],
)
async def test_what_cannot_be_asked_of_a_field(
    admin: Api, parameters: dict[str, str], code: str, field: str | None
) -> None:
    await made(admin, key="seats", type="number", options=[])
    await made(admin, key="tools", type="choices")
    answer = await admin.get("/api/v1/tickets", params=parameters)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert code in (body["code"], body["errors"][0]["code"])
    assert field in (None, body["errors"][0]["field"])
    if {"q", "sort"} & parameters.keys() and len(parameters) == 1:
        view = {
            "name": "x",
            "query": parameters.get("q", "status:open"),
            "sort": parameters.get("sort", "number"),
        }
        assert (await admin.post("/api/v1/views", json=view)).status_code == 422
