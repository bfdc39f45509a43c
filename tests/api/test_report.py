"""Reports over HTTP: the same numbers as JSON, as CSV and as counted by hand, of whatever period, for management."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, get_args

import pytest

from api.desk import Desk
from api.report.answer import REFERENCES
from domain.report.asked import PARTS, ROWS_LIMIT, Asked, Grouping, Span, buckets
from domain.report.figures import BACKLOG, ENDS, SLA, TICKETS, Unit
from domain.survey.definition import AFTER_RESOLUTION
from storage.survey.definition import ensure_default_survey
from tests.api.conftest import Api, MakePerson
from tests.rows import insert_ticket
from tests.storage.figures import Reference
from tests.storage.play import T0, Play, play
from tests.storage.play import TICKETS as LIVES
from tests.storage.recount import recount
from tests.storage.test_report import ZONE, same

Grouped = tuple[Grouping, ...]

PATH: Final = "/api/v1/reports"
PERIOD: Final = {"from": T0.isoformat(), "to": (T0 + timedelta(days=60)).isoformat(), "time_zone": str(ZONE)}
NOTHING: Final = {"mean": None, "p50": None, "p90": None}
FIGURES: Final = {"tickets": TICKETS, "sla": SLA, "backlog": BACKLOG}
INTERVALS: Final = {one.name for one in TICKETS if one.shape == "interval"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def lived(desk: Desk, seed: int = 5) -> Play:
    """A desk of some tickets that lived for a month and a half."""
    random = Random(seed)
    world = await play(desk.database)
    for number in range(LIVES):
        await world.turn((number, 0, 10, number))
    for _ in range(60):
        minutes = random.choice((1, 25, 90, 700, 2000))
        await world.turn((random.randrange(LIVES), random.randrange(17), minutes, random.randrange(6)))
    await world.end()
    return world


async def get(api: Api, path: str, **parameters: Any) -> dict[str, Any]:
    answer = await api.get(f"{PATH}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def table(api: Api, path: str, **parameters: Any) -> list[dict[str, str]]:
    answer = await api.get(f"{PATH}/{path}", params={"format": "csv", **parameters})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def said(row: Mapping[str, Any], groups: Grouped) -> tuple[str, ...]:
    """The values of its groups: names of parts, ids, words."""
    values = [row["period" if name in PARTS else name] for name in groups]
    return tuple(str(one.get("id", one["name"]) if isinstance(one, dict) else one) for one in values)


def cut(groups: Grouped, start: datetime, end: datetime) -> Asked:
    part = next((name for name in PARTS if name in groups), None)
    span = Span(start, end)
    return Asked(span, groups, buckets(span, part, ZONE) if part else ())


@pytest.mark.parametrize(
    "groups",
    [(), ("week",), ("team", "month"), ("category", "priority"), ("agent",), ("organization", "kind", "day")],
)
async def test_a_report_says_what_a_person_would_count(desk: Desk, admin: Api, groups: Grouped) -> None:
    world = await lived(desk)
    reference = Reference(await recount(desk.database, world.hand), datetime.now(UTC))
    asked = cut(groups, T0, T0 + timedelta(days=60))
    for name, (rows, total) in {
        "tickets": reference.tickets(asked),
        "sla": reference.sla(asked),
    }.items():
        found = await get(admin, name, group_by=list(groups), **PERIOD)
        expected = {tuple(map(str, key)): figures for key, figures in rows.items()}
        assert len(found["data"]) == len(expected)
        for row in found["data"]:
            same({one.name: row[one.name] for one in FIGURES[name]}, expected[said(row, groups)])
        same(found["total"], total)
        assert found["total"]["promises_broken"] > 0


async def test_a_backlog_says_what_was_open_then(desk: Desk, admin: Api) -> None:
    world = await lived(desk)
    reference = Reference(await recount(desk.database, world.hand), T0 + timedelta(days=400))
    at = T0 + timedelta(days=3)
    rows, total = reference.backlog(Asked(Span(at, at), ("category", "team")), at)
    found = await get(admin, "backlog", at=at.isoformat(), group_by=["category", "team"])
    same(found["total"], total)
    assert found["total"]["backlog"] > 1
    assert {said(row, ("category", "team")): row["backlog"] for row in found["data"]} == {
        tuple(map(str, key)): figures["backlog"] for key, figures in rows.items()
    }
    assert (await get(admin, "backlog", at="2001-01-01"))["total"] == {
        "backlog": 0,
        "backlog_age": NOTHING,
        "oldest_age": None,
    }


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("tickets", ("team", "week")),
        ("tickets", ()),
        ("sla", ("clock", "policy", "day")),
        ("backlog", ("agent", "priority")),
    ],
)
async def test_a_table_holds_the_numbers_of_the_document(
    desk: Desk, admin: Api, name: str, groups: Grouped
) -> None:
    await lived(desk)
    parameters: dict[str, Any] = {"group_by": list(groups), "at": (T0 + timedelta(days=3)).isoformat()}
    if name != "backlog":
        parameters = {"group_by": list(groups), **PERIOD}
    document = await get(admin, name, **parameters)
    rows = await table(admin, name, **parameters)
    assert len(rows) == len(document["data"]) > 0
    for cells, row in zip(rows, document["data"], strict=True):
        assert cells == {column: str(value) if value is not None else "" for column, value in flat(row, name)}


def flat(row: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """The columns of a row: what has parts has a column for each."""
    figures = {one.name for one in FIGURES[name]}
    for key, value in row.items():
        if key in figures and isinstance(value, dict):
            yield from ((f"{key}_{part}", seconds) for part, seconds in value.items())
        elif key in INTERVALS and value is None:
            yield from ((f"{key}_{end}", None) for end in ENDS)
        elif key == "period":
            yield from ((key, value["name"]), ("period_from", value["from"]), ("period_to", value["to"]))
        elif key in REFERENCES:
            yield from ((key, value and value["name"]), (f"{key}_id", value and value["id"]))
        else:
            yield key, value


async def test_breaches_come_page_by_page_and_whole_as_a_table(desk: Desk, admin: Api) -> None:
    await lived(desk)
    counted = (await get(admin, "sla", **PERIOD))["total"]["promises_broken"]
    page = await get(admin, "breaches", **{**PERIOD, "page[size]": 2})
    found = page["data"]
    while page["meta"]["has_more"]:
        page = (await admin.get(page["links"]["next"])).json()
        found += page["data"]
    assert len(found) == counted > 2
    assert [one["broken_at"] for one in found] == sorted((one["broken_at"] for one in found), reverse=True)
    rows = await table(admin, "breaches", **PERIOD)
    assert [(row["ticket_id"], row["clock"], row["cycle"], row["broken_at"]) for row in rows] == [
        (one["ticket_id"], one["clock"], str(one["cycle"]), one["broken_at"]) for one in found
    ]
    for row, one in zip(rows, found, strict=True):
        assert row["overrun_seconds"] == ("" if one["ended_at"] is None else str(one["overrun_seconds"]))
        assert (row["team_id"] or None) == (one["team"] and one["team"]["id"])
    some = await get(admin, "breaches", **PERIOD, clock="resolution", category="net")
    assert {(one["clock"], one["category"]) for one in some["data"]} == {("resolution", "net")}


async def test_periods_are_those_of_whoever_asks(desk: Desk, make_person: MakePerson) -> None:
    chief = await make_person("manager", time_zone="America/New_York")
    await insert_ticket(desk.database, chief.person_id, created_at=at("2026-03-08T04:30Z"))
    await insert_ticket(desk.database, chief.person_id, created_at=at("2026-03-09T03:30Z"))

    async def days(**more: str) -> dict[str, int]:
        rows = (await get(chief, "tickets", period="2026-03", group_by="day", **more))["data"]
        return {row["period"]["name"]: row["created"] for row in rows if row["created"]}

    assert await days() == {"2026-03-07": 1, "2026-03-08": 1}  # the clock goes forward on the 8th
    assert await days(time_zone="Asia/Shanghai") == {"2026-03-08": 1, "2026-03-09": 1}
    found = await get(chief, "tickets", period="2026-03-08")
    assert found["period"] == {
        "from": "2026-03-08T05:00:00Z",
        "to": "2026-03-09T04:00:00Z",
        "time_zone": "America/New_York",
    }


async def test_a_period_in_which_nothing_happened_has_zeros_and_nulls(admin: Api) -> None:
    for period in ({"period": "2001"}, {"from": "2001-01-01", "to": "2001-01-01"}):
        found = await get(admin, "tickets", **period)
        assert found["data"] == [found["total"]]
        assert found["total"]["created"] == found["total"]["backlog"] == 0
        for name in ("first_contact_rate", "reopen_rate", "sla_met_rate"):
            assert found["total"][name] is None
        assert found["total"]["resolution_time"] == NOTHING
    months = await get(admin, "tickets", period="2001", group_by="month")
    assert [row["period"]["name"] for row in months["data"]] == [f"2001-{month:02}" for month in range(1, 13)]
    assert (await get(admin, "tickets", **{"from": "2001-01-01", "to": "2001-01-01", "group_by": "day"}))[
        "data"
    ] == []
    ahead = await get(admin, "tickets", period="8999")
    assert ahead["total"]["backlog"] is None


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("tickets?period=2026-11-08..2026-11-01", "invalid_period", "period"),
        ("tickets?from=2026-11-08&to=2026-11-01", "reversed_period", "to"),
        ("tickets?period=1990..2026", "period_too_long", "period"),
        ("tickets?period=0000", "invalid_period", "period"),
        ("tickets?period=99999999999", "invalid_period", "period"),
        ("tickets?to=2026-11-01", "period_open", "from"),
        ("tickets?period=2026&from=2026", "period_twice", "period"),
        ("tickets?period=2017..2026&group_by=day", "too_many_parts", "group_by"),
        ("tickets?group_by=day&group_by=month", "parts_twice", "group_by"),
        ("tickets?group_by=team&group_by=team", "group_twice", "group_by"),
        ("tickets?group_by=clock", "invalid", "group_by"),
        ("tickets?group_by=password", "invalid", "group_by"),
        ("tickets?team=Storage", "invalid", "team"),
        ("tickets?time_zone=Mars/Olympus", "invalid", "time_zone"),
        ("tickets?q=status:open", "invalid", "q"),
        ("sla?clock=lunch", "invalid", "clock"),
        ("backlog?at=2999-01-01", "future_instant", "at"),
        ("backlog?at=then", "invalid_time", "at"),
        ("backlog?group_by=month", "invalid", "group_by"),
        ("breaches?page[after]=x", "invalid_cursor", "page[after]"),
        ("breaches?format=csv&page[after]=x", "file_has_no_pages", "page[after]"),
    ],
)
async def test_what_cannot_be_asked_is_refused(admin: Api, path: str, code: str, field: str) -> None:
    answer = await admin.get(f"{PATH}/{path}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert problem["errors"][0]["field"].startswith(field)


async def test_a_report_is_no_bigger_than_its_limit(desk: Desk, admin: Api) -> None:
    for number in range(ROWS_LIMIT // 365 + 1):
        fields = {"category": f"category{number}", "created_at": at("2026-03-08T04:30Z")}
        await insert_ticket(desk.database, admin.person_id, **fields)
    parameters = {"period": "2026", "group_by": ["category", "day"]}
    answer = await admin.get(f"{PATH}/tickets", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (422, "report_too_large")
    assert len((await get(admin, "tickets", **{**parameters, "period": "2026-03"}))["data"]) > 800


async def test_reports_are_for_management_and_for_tokens_that_read_tickets(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    agent, chief = await make_person("agent"), await make_person("manager")
    for name in ("", "/tickets", "/sla", "/backlog", "/breaches"):
        assert (await agent.get(f"{PATH}{name}")).status_code == 403
        assert (await chief.get(f"{PATH}{name}")).status_code == 200
    made = {"name": "robot", "scopes": ["people:read"], "expires_at": None}
    token = (await admin.post("/api/v1/tokens", json=made)).json()["token"]
    refused = await admin.get(f"{PATH}/tickets", headers={"Authorization": f"Bearer {token}"})
    assert refused.json()["code"] == "scope_missing"


async def test_every_figure_is_defined(desk: Desk, admin: Api) -> None:
    async with desk.database.writing() as writer:
        await ensure_default_survey(writer)
    defined = {one["name"]: one for one in (await admin.get(PATH)).json()["data"]}
    defined["survey"]["path"] = defined["survey"]["path"].format(survey_id=AFTER_RESOLUTION)
    for name, one in defined.items():
        answer = (await admin.get(one["path"])).json()
        assert list(answer if name == "statistics" else answer["total"]) == [
            figure["name"] for figure in one["figures"]
        ]
        if name != "statistics":
            header = (await admin.get(one["path"], params={"format": "csv"})).text.split("\r\n")[0]
            assert header.split(",") == [column for figure in one["figures"] for column in figure["columns"]]
        for group in one["group_by"]:
            assert (await admin.get(one["path"], params={"group_by": group})).status_code == 200
    units = {figure["unit"] for one in defined.values() for figure in one["figures"]}
    assert units == set(get_args(Unit))
