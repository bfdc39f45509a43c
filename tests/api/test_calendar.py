"""Calendars over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.conftest import Api, MakePerson

OFFICE: dict[str, Any] = {
    "name": "Shanghai office",
    "time_zone": "Asia/Shanghai",
    "weekly": {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-10-01"],
    "special_days": {"2026-10-10": [["09:00", "18:00"]]},
}
YEAR = datetime.now(UTC).year
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Company days\r\nX-WR-TIMEZONE:Europe/Berlin\r\n"
    "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:May Day\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


async def create(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/calendars", json={**OFFICE, **changes})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def preview(api: Api, calendar: Any = OFFICE, **question: Any) -> Any:
    answer = await api.post("/api/v1/calendars/preview", json={"calendar": calendar, **question})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_calendar_is_created_and_read_back(admin: Api) -> None:
    answer = await admin.post("/api/v1/calendars", json=OFFICE)
    created = answer.json()
    assert answer.status_code == 201
    assert {name: created[name] for name in OFFICE} == {
        **OFFICE,
        "weekly": {**OFFICE["weekly"], "sat": [], "sun": []},
    }
    assert created["version"] == 1
    assert (await admin.get(answer.headers["Location"])).json() == created
    listed = (await admin.get("/api/v1/calendars?q=shang")).json()["data"]
    assert [one["id"] for one in listed] == [created["id"]]


async def test_calendars_are_listed_by_name_page_by_page(admin: Api) -> None:
    for name in ("C", "A", "B"):
        await create(admin, name=name)
    first = (await admin.get("/api/v1/calendars?page[size]=2")).json()
    rest = (await admin.get(first["links"]["next"])).json()
    assert [one["name"] for one in first["data"] + rest["data"]] == ["A", "B", "C"]
    assert (first["meta"]["has_more"], rest["meta"]["has_more"]) == (True, False)


async def test_agents_read_and_ask_managers_write_requesters_neither(make_person: MakePerson) -> None:
    agent, manager, requester = [await make_person(role) for role in ("agent", "manager", "requester")]
    path = f"/api/v1/calendars/{(await create(manager))['id']}"
    assert (await agent.get(path)).status_code == 200
    assert (await agent.patch(path, json={"name": "Mine"})).status_code == 403
    assert (await agent.delete(path)).status_code == 403
    assert (await agent.post("/api/v1/calendars", json=OFFICE)).status_code == 403
    headers = {"content-type": "text/calendar"}
    assert (await agent.post("/api/v1/calendars/import", content=ICS, headers=headers)).status_code == 403
    question = {"start": "2026-11-20T17:00:00+08:00", "duration": "PT1H"}
    assert (await agent.post(f"{path}/preview", json=question)).status_code == 200
    assert (await requester.get(path)).status_code == 403
    assert (await requester.post(f"{path}/preview", json=question)).status_code == 403


async def test_a_change_makes_a_version_and_the_old_one_stays(admin: Api) -> None:
    path = f"/api/v1/calendars/{(await create(admin))['id']}"
    answer = await admin.patch(path, json={"holidays": ["2026-12-25"]}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.json()["special_days"] == OFFICE["special_days"]
    assert (await admin.get(f"{path}?version=1")).json()["holidays"] == ["2026-10-01"]
    assert (await admin.get(f"{path}?version=3")).status_code == 404
    stale = await admin.patch(path, json={"name": "Late"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")


async def test_a_change_that_leaves_nothing_open_is_refused(admin: Api) -> None:
    created = await create(admin, special_days={})
    answer = await admin.patch(f"/api/v1/calendars/{created['id']}", json={"weekly": {}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "never_open")


async def test_an_archived_calendar_is_gone_from_the_list(admin: Api) -> None:
    path = f"/api/v1/calendars/{(await create(admin))['id']}"
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get("/api/v1/calendars")).json()["data"] == []
    assert (await admin.get(path)).json()["archived_at"] is not None
    assert (await admin.delete(path)).status_code == 404
    assert (await admin.patch(path, json={"name": "Again"})).status_code == 404


async def test_the_built_in_calendar_is_read_and_asked_but_not_changed(admin: Api) -> None:
    path = "/api/v1/calendars/24x7"
    always = (await admin.get(path)).json()
    assert (always["id"], always["weekly"]["sun"]) == ("24x7", [["00:00", "24:00"]])
    asked = await admin.post(f"{path}/preview", json={"start": "2026-11-21T06:00:00Z", "duration": "PT48H"})
    assert asked.json() == {"due": "2026-11-23T06:00:00Z"}
    for refused in (await admin.patch(path, json={"name": "x"}), await admin.delete(path)):
        assert (refused.status_code, refused.json()["code"]) == (409, "built_in_calendar")


async def test_a_country_fills_in_holidays_and_make_up_days(admin: Api) -> None:
    created = await create(admin, country="cn", holidays=[], special_days={})
    assert (created["country"], created["subdivision"]) == ("CN", None)
    for year in range(YEAR, YEAR + 4):
        assert f"{year}-10-01" in created["holidays"]
    german = await create(admin, country="DE", subdivision="BY", time_zone="Europe/Berlin")
    assert f"{YEAR}-01-06" in german["holidays"]


async def test_a_country_may_come_later(admin: Api) -> None:
    path = f"/api/v1/calendars/{(await create(admin))['id']}"
    changed = (await admin.patch(path, json={"country": "CN"})).json()
    assert changed["country"] == "CN"
    assert {"2026-10-01", f"{YEAR + 3}-10-01"} <= set(changed["holidays"])
    renamed = (await admin.patch(path, json={"name": "Renamed"})).json()
    assert (renamed["country"], renamed["holidays"]) == ("CN", changed["holidays"])


async def test_an_inline_calendar_gives_due_times_and_working_time(client: Api, make_person: Any) -> None:
    agent = await make_person("agent")
    friday = {"start": "2026-11-20T17:00:00+08:00"}
    assert await preview(agent, **friday, duration="PT1H") == {"due": "2026-11-20T10:00:00Z"}
    assert await preview(agent, **friday, duration="PT2H") == {"due": "2026-11-23T02:00:00Z"}
    assert await preview(agent, **friday, end="2026-11-23T09:30:00+08:00") == {"working": "PT1H30M"}
    chinese = {**OFFICE, "holidays": [], "special_days": {}, "country": "CN"}
    make_up = {"start": "2026-10-10T00:00:00+08:00", "end": "2026-10-11T00:00:00+08:00"}
    assert await preview(agent, chinese, **make_up) == {"working": "PT8H"}
    assert (await agent.get("/api/v1/calendars")).json()["data"] == []
    assert (await client.post("/api/v1/calendars/preview", json={})).status_code == 401


async def test_a_stored_calendar_is_asked_by_its_id(admin: Api) -> None:
    calendar_id = (await create(admin))["id"]
    question = {"start": "2026-11-20T17:30:00+08:00", "duration": "PT45M"}
    expected = {"due": "2026-11-23T01:15:00Z"}
    assert await preview(admin, calendar_id, **question) == expected
    assert (await admin.post(f"/api/v1/calendars/{calendar_id}/preview", json=question)).json() == expected


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"start": "2026-11-20T17:00:00"}, "start", "timezone_aware"),
        ({"start": 1795165200}, "start", "datetime_type"),
        ({"start": "0001-01-01T00:00:00Z"}, "", "time_out_of_range"),
        ({"start": "9999-12-31T23:59:59-12:00"}, "", "time_out_of_range"),
        ({"duration": "-PT1H"}, "duration", "negative_duration"),
        ({"duration": 3600}, "duration", "invalid_duration"),
        ({"duration": "P100Y"}, "duration", "invalid_duration"),
        ({"duration": "PT999999999H"}, "duration", "duration_too_long"),
        ({"duration": None}, "", "duration_or_end"),
        ({"end": "2026-11-21T00:00:00Z"}, "", "duration_or_end"),
        ({"duration": None, "end": "2026-11-19T00:00:00Z"}, "end", "reversed_period"),
        ({"calendar": "nine to five"}, "calendar", "unknown_calendar"),
        ({"calendar": 7}, "calendar", "unknown_calendar"),
        ({"calendar": "00000000-0000-4000-8000-00000000000f"}, "calendar", "unknown_calendar"),
        ({"calendar": {**OFFICE, "time_zone": "Mars"}}, "calendar.time_zone", "unknown_time_zone"),
        ({"calendar": {**OFFICE, "country": "XX"}}, "country", "unknown_country"),
        ({"calendar": {**OFFICE, "colour": "red"}}, "calendar.colour", "unknown_field"),
        (
            {"calendar": {**OFFICE, "weekly": {"mon": [["09:00", "12:00"], ["11:59", "13:00"]]}}},
            "calendar.weekly.mon",
            "overlapping_intervals",
        ),
        ({"timezone": "UTC"}, "timezone", "unknown_field"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_where_it_is_wrong(
    admin: Api, changes: dict[str, Any], field: str, code: str
) -> None:
    question = {"calendar": OFFICE, "start": "2026-11-20T17:00:00+08:00", "duration": "PT1H", **changes}
    answer = await admin.post("/api/v1/calendars/preview", json=question)
    problem = answer.json()
    mistake = problem["errors"][0] if problem["errors"] else {"field": "", "code": problem["code"]}
    assert (answer.status_code, mistake["field"], mistake["code"]) == (422, field, code)


async def test_bad_text_is_refused_and_never_breaks_anything(admin: Api) -> None:
    for raw in (b'{"name":"\\u0000"}', b'{"name":"\\ud800"}', b"[]", b"null", b"{", b"\xff"):
        answer = await admin.post(
            "/api/v1/calendars", content=raw, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422, answer.text
    for name in (" ", "x" * 201, None, 5):
        assert (await admin.post("/api/v1/calendars", json={**OFFICE, "name": name})).status_code == 422
    assert (await admin.get("/api/v1/calendars/nine-to-five")).status_code == 404


async def test_an_ics_file_makes_a_calendar(admin: Api) -> None:
    headers = {"content-type": "text/calendar; charset=utf-8"}
    answer = await admin.post("/api/v1/calendars/import", content=ICS.encode(), headers=headers)
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert (made["name"], made["time_zone"]) == ("Company days", "Europe/Berlin")
    assert made["holidays"] == [f"{year}-05-01" for year in range(YEAR - 1, YEAR + 4)]
    assert made["weekly"]["mon"] == [["09:00", "18:00"]]
    named = await admin.post(
        "/api/v1/calendars/import?name=Mine&time_zone=UTC", content=ICS.encode(), headers=headers
    )
    assert (named.json()["name"], named.json()["time_zone"]) == ("Mine", "UTC")


async def test_an_ics_file_is_added_to_a_calendar(admin: Api) -> None:
    created = await create(admin)
    path = f"/api/v1/calendars/import?calendar={created['id']}"
    answer = await admin.post(path, content=ICS.encode(), headers={"content-type": "text/calendar"})
    changed = answer.json()
    assert (answer.status_code, changed["version"]) == (200, 2)
    assert {"2026-10-01", f"{YEAR}-05-01"} <= set(changed["holidays"])
    assert changed["weekly"] == created["weekly"]


async def test_a_file_that_is_no_calendar_is_refused(admin: Api) -> None:
    path, headers = "/api/v1/calendars/import", {"content-type": "text/calendar"}
    for content, status in ((b"", 422), (b"hello", 422), (b"\xff", 422), (b"x" * (2**20 + 1), 413)):
        answer = await admin.post(path, content=content, headers=headers)
        assert answer.status_code == status, answer.text
    as_json = await admin.post(path, json={})
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")
    assert (await admin.post(f"{path}?calendar=x", content=ICS, headers=headers)).status_code == 422
