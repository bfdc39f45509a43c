"""SLA policies over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Api, MakePerson

GOLD: dict[str, Any] = {
    "name": "Gold",
    "position": 10,
    "match": {"priority": ["critical", "high"], "category": ["storage"]},
    "calendar": "24x7",
    "targets": {
        "critical": {"first_response": "PT30M", "resolution": "PT4H"},
        "high": {"assignment": "PT5S", "resolution": "P1D"},
    },
    "pause_on": ["waiting"],
    "on_priority_change": "keep",
    "on_reopen": "new_cycle",
    "ladder": [
        {"clock": "resolution", "at": "75%", "do": ["notify:assignee"]},
        {"clock": "*", "at": "-PT15M", "do": ["notify:lead", "tag:late"]},
        {"clock": "resolution", "at": "+PT30M", "do": ["tier:2", "priority:critical"], "repeat": "100%"},
    ],
}


async def create(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/sla-policies", json={**GOLD, **changes})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_policy_is_created_and_read_back(admin: Api) -> None:
    answer = await admin.post("/api/v1/sla-policies", json=GOLD)
    created = answer.json()
    assert answer.status_code == 201, answer.text
    assert created["targets"]["high"] == {"assignment": "PT5S", "resolution": "PT24H"}
    assert created["match"] == {**GOLD["match"], "team": [], "organization": [], "kind": []}
    assert [step["at"] for step in created["ladder"]] == ["75%", "-PT15M", "+PT30M"]
    assert (await admin.get(answer.headers["Location"])).json() == created


async def test_a_policy_needs_only_a_name_and_targets(admin: Api) -> None:
    answer = await admin.post("/api/v1/sla-policies", json={"name": "Plain", "targets": GOLD["targets"]})
    created = answer.json()
    assert (created["calendar"], created["pause_on"]) == ("24x7", ["waiting"])
    assert [step["at"] for step in created["ladder"]] == ["75%", "100%", "150%"]


async def test_policies_are_listed_by_position(admin: Api) -> None:
    for name, position in (("third", 30), ("first", 10), ("second", 20)):
        await create(admin, name=name, position=position)
    first = (await admin.get("/api/v1/sla-policies?page[size]=2")).json()
    rest = (await admin.get(first["links"]["next"])).json()
    assert [one["name"] for one in first["data"] + rest["data"]] == ["first", "second", "third"]


async def test_a_change_makes_a_version_and_a_stale_one_is_refused(admin: Api) -> None:
    path = f"/api/v1/sla-policies/{(await create(admin))['id']}"
    answer = await admin.patch(path, json={"position": 3}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"], answer.json()["position"]) == (200, 2, 3)
    assert answer.json()["ladder"] == (await admin.get(f"{path}?version=1")).json()["ladder"]
    stale = await admin.patch(path, json={"position": 4}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await admin.patch(path, json={"calendar": None})).status_code == 422
    assert (await admin.patch(path, json={"positon": 1})).json()["errors"][0]["code"] == "unknown_field"


async def test_an_archived_policy_promises_nothing_more(admin: Api) -> None:
    path = f"/api/v1/sla-policies/{(await create(admin))['id']}"
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get("/api/v1/sla-policies")).json()["data"] == []
    assert (await admin.get(path)).json()["archived_at"] is not None
    assert (await admin.delete(path)).status_code == 404


async def test_agents_read_managers_write_requesters_neither(make_person: MakePerson) -> None:
    agent, manager, requester = [await make_person(role) for role in ("agent", "manager", "requester")]
    path = f"/api/v1/sla-policies/{(await create(manager))['id']}"
    assert (await agent.get(path)).status_code == 200
    assert (await agent.patch(path, json={"name": "Mine"})).status_code == 403
    assert (await agent.delete(path)).status_code == 403
    assert (await agent.post("/api/v1/sla-policies", json=GOLD)).status_code == 403
    assert (await requester.get("/api/v1/sla-policies")).status_code == 403


async def test_a_calendar_in_use_stays(admin: Api) -> None:
    office = {"name": "Office", "weekly": {"mon": [["09:00", "17:00"]]}}
    calendar = (await admin.post("/api/v1/calendars", json=office)).json()
    await create(admin, calendar=calendar["id"])
    answer = await admin.delete(f"/api/v1/calendars/{calendar['id']}")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["policies"]) == (409, "calendar_in_use", ["Gold"])


async def test_a_preview_names_the_first_policy_that_matches_and_its_times(admin: Api) -> None:
    gold = await create(admin)
    await create(admin, name="Rest", position=99, match={}, targets={"low": {"resolution": "PT10H"}})
    ticket = {"priority": "critical", "category": "Storage", "start": "2026-11-21T06:00:00Z"}
    answer = await admin.post("/api/v1/sla-policies/preview", json=ticket)
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["policy"] == {"id": gold["id"], "name": "Gold", "version": 1}
    resolution = found["clocks"]["resolution"]
    assert (resolution["target"], resolution["due_at"]) == ("PT4H", "2026-11-21T10:00:00Z")
    times = {step["step"]: step["due_at"] for step in resolution["steps"]}
    assert times["75%"] == "2026-11-21T09:00:00Z"
    assert times["-PT15M"] == "2026-11-21T09:45:00Z"
    assert times["+PT30M"] == "2026-11-21T10:30:00Z"


async def test_no_policy_promises_nothing(admin: Api) -> None:
    await create(admin)
    for ticket in ({"priority": "low"}, {"priority": "high", "category": "network"}):
        start = {"start": "2026-11-21T06:00:00Z"}
        answer = await admin.post("/api/v1/sla-policies/preview", json={**ticket, **start})
        assert answer.json() == {"policy": None, "clocks": {}}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"targets": {}}, "targets", "too_short"),
        ({"targets": {"critical": {}}}, "", "empty_targets"),
        ({"targets": {"urgent": {"resolution": "PT1H"}}}, "targets.urgent.[key]", "enum"),
        ({"targets": {"high": {"repair": "PT1H"}}}, "targets.high.repair.[key]", "enum"),
        ({"targets": {"high": {"resolution": "PT0S"}}}, "targets.high.resolution", "duration_not_positive"),
        ({"targets": {"high": {"resolution": 240}}}, "targets.high.resolution", "invalid_duration"),
        ({"targets": {"high": {"resolution": "-PT1H"}}}, "targets.high.resolution", "negative_duration"),
        ({"targets": {"high": {"resolution": "P11Y"}}}, "targets.high.resolution", "invalid_duration"),
        ({"targets": {"high": {"resolution": "P9999D"}}}, "targets.high.resolution", "duration_too_long"),
        ({"calendar": "office"}, "calendar", "unknown_calendar"),
        ({"calendar": str(uuid4())}, "calendar", "unknown_calendar"),
        ({"match": {"team": [str(uuid4())]}}, "match.team", "unknown_team"),
        ({"match": {"organization": [str(uuid4())]}}, "match.organization", "unknown_organization"),
        ({"match": {"colour": ["red"]}}, "match.colour", "unknown_field"),
        ({"position": -1}, "position", "greater_than_equal"),
        ({"name": " "}, "name", "string_too_short"),
        ({"pause_on": ["open"]}, "pause_on.0", "literal_error"),
        ({"ladder": [{"at": "75%", "do": ["shout"]}]}, "ladder.0.do.0", "unknown_effect"),
        ({"ladder": [{"at": "75%", "do": ["notify:everyone"]}]}, "ladder.0.do.0", "unknown_effect"),
        ({"ladder": [{"at": "75%", "do": ["tier:4"]}]}, "ladder.0.do.0", "unknown_effect"),
        ({"ladder": [{"at": "75%", "do": []}]}, "ladder.0.do", "too_short"),
        ({"ladder": [{"at": "soon", "do": ["tier:2"]}]}, "ladder.0.at", "invalid_step"),
        ({"ladder": [{"at": "PT5M", "do": ["tier:2"]}]}, "ladder.0.at", "invalid_step"),
        ({"ladder": [{"at": "+5", "do": ["tier:2"]}]}, "ladder.0.at", "invalid_duration"),
        ({"ladder": [{"at": "9%", "do": ["tier:2"], "repeat": "0%"}]}, "ladder.0.repeat", "invalid_repeat"),
        ({"ladder": [{"at": "9%", "do": ["tier:2"], "repeat": "PT0.1S"}]}, "", "repeat_too_short"),
        ({"ladder": [{"clock": "repair", "at": "9%", "do": ["tier:2"]}]}, "ladder.0.clock", "unknown_clock"),
        ({"sla": 1}, "sla", "unknown_field"),
    ],
)
async def test_a_wrong_policy_is_refused_where_it_is_wrong(
    admin: Api, changes: dict[str, Any], field: str, code: str
) -> None:
    answer = await admin.post("/api/v1/sla-policies", json={**GOLD, **changes})
    mistake = answer.json()["errors"][0]
    assert (answer.status_code, mistake["field"], mistake["code"]) == (422, field, code)
    assert (await admin.get("/api/v1/sla-policies")).json()["data"] == []


async def test_what_a_step_can_do_is_listed_in_the_refusal(admin: Api) -> None:
    ladder = [{"at": "75%", "do": ["page:everyone"]}]
    answer = await admin.post("/api/v1/sla-policies", json={**GOLD, "ladder": ladder})
    message = answer.json()["errors"][0]["message"]
    for allowed in ("assignee", "lead", "manager", "watchers", "tier:1|2|3", "priority:critical", "tag:"):
        assert allowed in message
