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
