"""Taking over tickets from another desk: what was exported gives the same ticket, once, or is refused as a whole."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text

from api.desk import Desk
from api.ticket.imports import IMPORT_LIMIT
from tests.api.conftest import Api, MakePerson
from tests.api.lines import JSON, NUMBERS, PATH, exported, imported, left, line
from tests.api.work import working


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def test_a_ticket_comes_with_all_that_it_was(admin: Api) -> None:
    given_line = line()
    made = await imported(admin, given_line)
    assert (made["id"], made["number"], made["status"]) == (
        given_line["id"],
        given_line["number"],
        "resolved",
    )
    once = await exported(admin, made["id"])
    assert (once["priority"], once["requested_priority"], once["tier"]) == ("high", "normal", 2)
    assert [one["body"] for one in once["comments"]] == ["Hello."]
    assert [one["type"] for one in once["events"]] == ["resolved"]
    known = {name: value for name, value in left(once).items() if name in given_line}
    wanted = left(given_line)
    for name in ("collaborators", "watchers", "requester", "assignee", "comments", "events", "tags"):
        assert len(known[name]) == len(wanted[name])
    assert known["updated_at"] == wanted["updated_at"]
    found = await admin.get("/api/v1/tickets", params={"q": "hello"})
    assert [one["id"] for one in found.json()["data"]] == [made["id"]]


async def test_the_same_again_changes_nothing(desk: Desk, admin: Api) -> None:
    given_line = line()
    await imported(admin, given_line)
    before = await exported(admin, given_line["id"])
    again = await admin.post(PATH, json={**given_line, "subject": "Another"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert await exported(admin, given_line["id"]) == before
    async with desk.database.reading() as reader:
        assert await reader.scalar(text("SELECT count(*) FROM notifications")) == 0
        assert await reader.scalar(text("SELECT count(*) FROM ticket_imports")) == 0


async def test_an_active_ticket_is_promised_anew_and_stays_with_its_agent(
    admin: Api, make_person: MakePerson
) -> None:
    agent = await make_person("agent", email="ada@acme.example", name="Ada", capacity=0)
    long_ago = (datetime.now(UTC) - timedelta(days=90)).isoformat()
    made = await imported(
        admin,
        line(status="in_progress", resolved_at=None, created_at=long_ago, first_responded_at=long_ago),
    )
    assert (made["status"], made["assignee"]["id"]) == ("in_progress", str(agent.person_id))
    clocks = (await admin.get(f"/api/v1/tickets/{made['id']}/sla")).json()["clocks"]
    ongoing = {name: clock["ongoing_cycle"] for name, clock in clocks.items() if clock["ongoing_cycle"]}
    assert set(ongoing) == {"resolution"}
    assert not ongoing["resolution"]["breached"]
    act = await agent.post(f"/api/v1/tickets/{made['id']}/actions/reply", json={"body": "Still here."})
    assert (act.status_code, act.json()["version"]) == (200, 2)


async def lived(admin: Api, agent: Api) -> list[str]:
    """Two tickets of which much has happened."""
    body = {
        "subject": "磁盘空间不足",
        "description": "E1024",
        "custom_fields": {"node": [3]},
        "requester": {"email": "lin@customers.example", "name": "Lin Wei"},
        "priority": "high",
    }
    made, other = [(await admin.post("/api/v1/tickets", json=body)).json()["id"] for _ in range(2)]
    for action, fields in (
        ("reply", {"body": "Hello."}),
        ("note", {"body": "Difficult."}),
        ("link", {"ticket": other, "relation": "child"}),
        ("watch", {}),
        ("share", {"email": "kim@customers.example"}),
        ("tag", {"add": ["late"]}),
        ("resolve", {"resolution": "Cleaned."}),
        ("reopen", {"reason": "Full again."}),
        ("wait", {}),
    ):
        answer = await agent.post(f"/api/v1/tickets/{made}/actions/{action}", json=fields)
        assert answer.status_code == 200, answer.text
    return [made, other]


def moved(tickets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same tickets as those of another desk: with ids and numbers that nothing has here."""
    ids = [one["id"] for ticket in tickets for one in (ticket, *ticket["comments"])]
    written = orjson.dumps(tickets).decode()
    for one in ids:
        written = written.replace(one, str(uuid4()))
    found: list[dict[str, Any]] = orjson.loads(written)
    numbers = {ticket["number"]: next(NUMBERS) for ticket in found}
    for ticket in found:
        ticket["number"] = numbers[ticket["number"]]
        for link in ticket["links"]:
            link["number"] = numbers[link["number"]]
    return found


async def test_two_tickets_come_as_they_went_with_their_promises(admin: Api, make_person: MakePerson) -> None:
    agent = await make_person("agent", email="ada@acme.example", name="Ada")
    for ticket in moved([await exported(admin, one) for one in await lived(admin, agent)]):
        await imported(admin, ticket)
        known = await exported(admin, ticket["id"])
        links = [one for one in ticket["links"] if one in known["links"]]
        new = {"version": 1, "classification": None}
        assert known == {**ticket, "links": links, **new}
        promises = (await admin.get(f"/api/v1/tickets/{ticket['id']}/sla")).json()["clocks"]
        running = {name for name, clock in promises.items() if clock["ongoing_cycle"]}
        assert running == set(ticket["process"]["clocks"])
    assert known["links"]


async def test_what_fired_on_the_other_desk_does_not_fire_again(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    await make_person("agent", email="ada@acme.example", name="Ada")
    late = datetime.now(UTC) - timedelta(hours=3)
    clock = {
        "cycle": 1,
        "target": "PT2H",
        "started_at": late.isoformat(),
        "spent": "PT0S",
        "running_since": late.isoformat(),
        "breached_at": (late + timedelta(hours=2)).isoformat(),
        "acknowledged": False,
        "fired": {"75%": 1, "100%": 1},
    }
    known = {"accepted": True, "assignee_tier": 2, "clocks": {"first_response": clock}, "cycles": {}}
    made = await imported(
        admin,
        line(status="assigned", resolved_at=None, first_responded_at=None, events=[], process=known),
    )
    assert made["breached"]
    url = f"/api/v1/tickets/{made['id']}/sla/ledger"
    async with asyncio.timeout(20):
        fired = []
        while not fired:  # the process fires it by itself
            fired = [one for one in (await admin.get(url)).json()["data"] if one["fired_at"]]
    assert [(one["clock"], one["step"]) for one in fired] == [("first_response", "150%")]
    assert datetime.fromisoformat(fired[0]["due_at"]) == late + timedelta(hours=3)


async def test_people_in_the_history_are_those_of_this_desk(admin: Api, make_person: MakePerson) -> None:
    ada = await make_person("agent", email="ada@acme.example", name="Ada")
    there = str(uuid4())
    assigned = {
        "type": "assigned",
        "at": "2026-01-01T09:30:00Z",
        "actor": None,
        "cause": "routed",
        "data": {"assignee_id": [None, there]},
    }
    known = {"email": "ada@acme.example", "name": "Ada", "id": there}
    made = await imported(admin, line(events=[assigned], assignee=known))
    (event,) = (await exported(admin, made["id"]))["events"]
    assert event["data"] == {"assignee_id": [None, str(ada.person_id)]}


async def test_a_body_is_not_read_for_who_may_not_import(client: Api, make_person: MakePerson) -> None:
    agent = await make_person("agent")
    for caller, status in ((client, 401), (agent, 403)):
        read = 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(8):
                read += 1
                yield b" " * 2**20

        answer = await caller.post(PATH, content=body(), headers=JSON)
        assert answer.status_code == status
        assert read <= 1


async def test_a_file_is_refused_where_a_ticket_is_taken(admin: Api) -> None:
    large = orjson.dumps(line()) + b" " * IMPORT_LIMIT
    answer = await admin.post(PATH, content=large, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert str(IMPORT_LIMIT) in answer.json()["detail"]


async def test_a_ticket_that_nobody_has_goes_to_whoever_is_free(admin: Api, make_person: MakePerson) -> None:
    made = await imported(admin, line(status="open", resolved_at=None, assignee=None, tier=1))
    assert (made["status"], made["waiting_reason"]) == ("open", "no_agent")
    agent = await make_person("agent")
    other = await imported(admin, line(status="open", resolved_at=None, assignee=None, tier=1))
    assert (other["status"], other["assignee"]["id"]) == ("assigned", str(agent.person_id))


async def test_a_resolved_ticket_closes_three_days_after_it_was_resolved(admin: Api) -> None:
    resolved = datetime.now(UTC) - timedelta(days=1)
    made = await imported(admin, line(resolved_at=resolved.isoformat()))
    assert made["next_step"] == "auto_close"
    assert datetime.fromisoformat(made["next_step_at"]) == resolved + timedelta(days=3)


async def test_a_ticket_closed_long_ago_has_no_process_any_more(admin: Api) -> None:
    closed = line(status="closed", closed_at="2026-01-06T09:00:00Z")
    assert (await imported(admin, closed))["status"] == "closed"
    answer = await admin.post(f"/api/v1/tickets/{closed['id']}/actions/reopen", json={"reason": "Again."})
    assert answer.status_code != 500
    assert (await admin.get(f"/api/v1/tickets/{closed['id']}")).json()["closed_at"] == closed["closed_at"]


async def test_a_number_that_is_taken_is_replaced_and_new_tickets_go_on_behind_it(admin: Api) -> None:
    number = next(NUMBERS)
    first = await imported(admin, line(number=number))
    second = await imported(admin, line(number=number))
    opened = await admin.post("/api/v1/tickets", json={"subject": "A", "description": "B"})
    assert first["number"] == number
    assert number < second["number"] < opened.json()["number"]


async def test_links_are_there_whichever_ticket_comes_first_and_at_once(admin: Api) -> None:
    for _ in range(5):
        parent, child = line(), line()
        for one, other, relation in ((parent, child, "parent"), (child, parent, "child")):
            one["links"] = [{"ticket": other["id"], "number": other["number"], "relation": relation}]
        await asyncio.gather(imported(admin, parent), imported(admin, child))
        assert (await exported(admin, parent["id"]))["links"] == parent["links"]
        assert (await exported(admin, child["id"]))["links"] == child["links"]


async def test_a_merged_ticket_comes_after_the_one_that_goes_on(admin: Api) -> None:
    goes_on = line()
    merged = line(status="merged", merged_into=goes_on["id"], closed_at=None)
    answer = await admin.post(PATH, json=merged)
    assert (answer.status_code, answer.json()["code"]) == (409, "survivor_missing")
    await imported(admin, goes_on)
    assert (await imported(admin, merged))["merged_into"] == goes_on["id"]
    url = f"/api/v1/tickets/{goes_on['id']}/comments"
    bodies = {one["body"] for one in (await admin.get(url)).json()["data"]}
    assert merged["description"] in bodies


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"status": "closed"}, "required", "closed_at"),
        ({"status": "assigned", "resolved_at": None, "assignee": None}, "required", "assignee"),
        ({"status": "open"}, "contradiction", "resolved_at"),
        ({"closed_at": "2026-01-06T09:00:00Z"}, "contradiction", "closed_at"),
        ({"status": "in_progress", "resolved_at": None}, "unknown_assignee", "assignee"),
        ({"team": {"name": "Nobody's"}}, "unknown_team", "team"),
        ({"organization": {"name": "Nobody's"}}, "unknown_organization", "organization"),
        ({"external_id": "X-1"}, "wrong_id", "id"),
        ({"created_at": "2999-01-01T00:00:00Z"}, "invalid", "created_at"),
        ({"created_at": 1767258000}, "invalid", "created_at"),
        ({"number": 10**12}, "invalid", "number"),
        ({"requester": {"name": "Somebody", "email": None}}, "invalid", "requester.email"),
        ({"custom_fields": {"rack": "seven"}}, "wrong_type", "custom_fields.rack"),
        ({"colour": "red"}, "invalid", "colour"),
        ({"status": None}, "invalid", "status"),
    ],
)
async def test_what_cannot_be_is_refused_as_a_whole(
    desk: Desk, admin: Api, fields: dict[str, Any], code: str, field: str
) -> None:
    rack = {"key": "rack", "label": "Rack", "type": "number"}
    assert (await admin.post("/api/v1/fields", json=rack)).status_code == 201
    answer = await admin.post(PATH, content=orjson.dumps(line(**fields)), headers=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert code in (answer.json()["code"], answer.json()["errors"][0]["code"])
    async with desk.database.reading() as reader:
        for table in ("tickets", "ticket_imports", "ticket_comments"):
            assert await reader.scalar(text(f"SELECT count(*) FROM {table}")) == 0
        assert await reader.scalar(text("SELECT count(*) FROM people")) == 1


async def test_a_comment_whose_id_stands_on_another_ticket_gets_another(admin: Api) -> None:
    first = line()
    second = line(comments=[*first["comments"], *line()["comments"]])
    await imported(admin, first)
    await imported(admin, second)
    (said,) = (await exported(admin, first["id"]))["comments"]
    others = (await exported(admin, second["id"]))["comments"]
    assert [one["body"] for one in others] == ["Hello.", "Hello."]
    assert second["comments"][1]["id"] in [one["id"] for one in others]
    assert said["id"] == first["comments"][0]["id"]
    assert said["id"] not in [one["id"] for one in others]
    twice = line(comments=first["comments"] * 2)
    assert (await admin.post(PATH, json=twice)).json()["code"] == "repeated"


async def test_a_ticket_of_many_megabytes_comes_whole(admin: Api) -> None:
    said = line()["comments"][0]
    long = "磁盘" * 45_000
    comments = [{**said, "id": str(uuid4()), "body": long} for _ in range(30)]
    given_line = line(comments=comments)
    assert len(orjson.dumps(given_line)) > 8_000_000
    await imported(admin, given_line)
    assert len((await exported(admin, given_line["id"]))["comments"]) == 30


async def test_a_ticket_that_is_done_before_it_was_created_is_counted(admin: Api) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    body = {"subject": "A", "description": "B", "created_at": ahead}
    made = (await admin.post("/api/v1/tickets", json=body)).json()["id"]
    done = await admin.post(f"/api/v1/tickets/{made}/actions/resolve", json={"resolution": "Cleaned."})
    assert (done.status_code, done.json()["status"]) == (200, "resolved")


async def test_an_imported_ticket_is_counted_by_what_its_history_says(desk: Desk, admin: Api) -> None:
    made = await imported(admin, line())
    async with desk.database.reading() as reader:
        row = (
            await reader.execute(
                text("SELECT response_working, resolution_working FROM tickets WHERE id = :id"),
                {"id": UUID(made["id"])},
            )
        ).one()
    assert row == (3600, 2 * 86_400)
