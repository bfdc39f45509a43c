"""Macros over HTTP, with a real worker behind it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_merge import comments, events
from tests.api.test_ticket import act, opened
from tests.api.work import working

SOLVE = [
    {"action": "reply", "body": "Dear {{requester.name}}, {{ ticket.number }} is yours. {{agent.name}}"},
    {"action": "note", "body": "usual"},
    {"action": "tag", "add": ["disk"]},
    {"action": "set_priority", "priority": "low"},
    {"action": "resolve", "resolution": "Clean /var"},
]


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def macro(api: Api, status: int = 201, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/macros", json={"name": "solve", "actions": SOLVE, **fields})
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_macro_does_all_its_actions_in_one_commit(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester", name="{{agent.name}}")
    ticket = await opened(asker)
    made = await macro(admin)
    done = await act(admin, ticket, "apply", macro=made["id"])
    assert (done["status"], done["priority"], done["tags"]) == ("resolved", "low", ["disk"])
    assert done["version"] == ticket["version"] + 1
    said = [one["body"] for one in await comments(admin, ticket)]
    assert said == [f"Dear {{{{agent.name}}}}, {ticket['number']} is yours. Admin", "usual", "Clean /var"]
    assert "resolved" in await events(admin, ticket)


async def test_a_macro_does_nothing_where_one_action_is_not_allowed(admin: Api) -> None:
    ticket = await opened(admin)
    made = await macro(admin, actions=[{"action": "note", "body": "x"}, {"action": "close"}])
    refused = await act(admin, ticket, "apply", status=409, macro=made["id"])
    assert (refused["code"], refused["action"]) == ("illegal_move", "close")
    assert await comments(admin, ticket) == []
    await act(admin, ticket, "resolve", resolution="done")
    await act(admin, ticket, "apply", macro=made["id"])
    refused = await act(admin, ticket, "apply", status=409, macro=(await macro(admin, name="again"))["id"])
    assert (refused["state"], refused["action"]) == ("closed", "reply")


async def test_a_canned_reply_can_be_read_before_it_is_sent(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester", name="林薇")
    ticket = await opened(asker)
    made = await macro(admin, actions=[{"action": "reply", "body": "{{requester.name}}，您好"}])
    answer = await admin.post(f"/api/v1/macros/{made['id']}/preview", json={"ticket": ticket["id"]})
    assert answer.json() == {"actions": [{"action": "reply", "body": "林薇，您好"}]}
    assert await comments(admin, ticket) == []


async def test_macros_are_personal_for_teams_or_for_all(admin: Api, make_person: MakePerson) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "storage"})).json()["id"]
    inside, outside = await make_person("agent", teams=["storage"]), await make_person("agent")
    shared, mine = await macro(admin, teams=[team]), await macro(outside, personal=True)
    for api, names in ((inside, [shared["id"]]), (outside, [mine["id"]])):
        listed = (await api.get("/api/v1/macros")).json()["data"]
        assert [one["id"] for one in listed] == names
    assert (await outside.get(f"/api/v1/macros/{shared['id']}")).status_code == 404
    assert (await inside.patch(f"/api/v1/macros/{shared['id']}", json={"name": "x"})).status_code == 403
    await macro(outside, status=403)
    renamed = await outside.patch(f"/api/v1/macros/{mine['id']}", json={"name": "mine"})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("mine", 2)
    assert (await outside.delete(f"/api/v1/macros/{mine['id']}")).status_code == 204
    assert (await outside.get(f"/api/v1/macros/{mine['id']}")).status_code == 404
    requester = await make_person("requester")
    assert (await requester.get("/api/v1/macros")).status_code == 403


@pytest.mark.parametrize(
    ("actions", "field", "code"),
    [
        ([], "actions", "too_short"),
        ([{"action": "merge"}], "actions.0", "unknown_action"),
        ([{"action": "reply"}], "actions.0", "required"),
        ([{"action": "note", "body": "x"}, {"action": "set_priority", "priority": "x"}], "actions.1", "enum"),
        ([{"action": "reply", "body": "{{secret}}"}], "actions.0", "unknown_variable"),
        ([{"action": "reply", "body": "x", "more": 1}], "actions.0", "unknown_field"),
    ],
)
async def test_what_a_macro_cannot_be(admin: Api, actions: Any, field: str, code: str) -> None:
    refused = await macro(admin, status=422, actions=actions)
    assert refused["errors"][0]["field"].startswith(field)
    assert refused["errors"][0]["code"] == code
    await macro(admin)
    assert (await macro(admin, status=409))["code"] == "name_taken"
