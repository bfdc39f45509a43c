"""Exporting tickets over HTTP: the feed and its cursors, files of JSON lines and CSV, and who gets what."""

import csv
import io
import tracemalloc
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Uuid, bindparam, insert, text, update

from api.desk import Desk
from api.ticket.export import ExportQuery, export_tickets
from domain.errors import Unauthorized
from domain.sheet import original
from storage.account import tokens
from storage.tables.ticket import TicketCommentRow, TicketRow
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.rows import insert_ticket

PATH = "/api/v1/tickets/export"
_LARGE = text("""
    INSERT INTO tickets (id, version, fingerprint, subject, description, status, priority, rank,
        requested_priority, channel, tier, requester_id, created_at, updated_at)
    SELECT gen_random_uuid(), 1, '', 's', repeat('磁盘', 50000), 'open', 'normal', 3,
        'normal', 'api', 1, :person_id, now(), now()
    FROM generate_series(1, 200)
""").bindparams(bindparam("person_id", type_=Uuid()))
_LARGE_COMMENTS = text("""
    INSERT INTO ticket_comments (id, ticket_id, visibility, body, at)
    SELECT gen_random_uuid(), id, 'public', description, now() FROM tickets
""")


async def feed(api: Api, cursor: str | None = None, **parameters: Any) -> dict[str, Any]:
    answer = await api.get(PATH, params={**parameters, **({"cursor": cursor} if cursor else {})})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def lines(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    answer = await api.get(PATH, params={"format": "jsonl", **parameters})
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def table(api: Api, **parameters: Any) -> list[dict[str, str]]:
    answer = await api.get(PATH, params={"format": "csv", **parameters})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def commented(desk: Desk, ticket_id: UUID, author_id: UUID, **fields: Any) -> None:
    values = {"body": "Hello.", "visibility": "public", "at": datetime.now(UTC), **fields}
    async with desk.database.writing() as writer:
        await writer.execute(
            insert(TicketCommentRow).values(id=uuid4(), ticket_id=ticket_id, author_id=author_id, **values)
        )


async def test_the_feed_ends_and_tells_from_there_what_changed(desk: Desk, admin: Api) -> None:
    tickets = [await insert_ticket(desk.database, admin.person_id) for _ in range(5)]
    seen: list[str] = []
    page = await feed(admin, **{"page[size]": 2})
    seen += [one["id"] for one in page["data"]]
    while not page["meta"]["end_of_stream"]:
        assert page["meta"]["has_more"]
        page = (await admin.get(page["links"]["next"])).json()
        seen += [one["id"] for one in page["data"]]
    assert sorted(seen) == sorted(map(str, tickets))
    nothing = (await admin.get(page["links"]["next"])).json()
    assert (nothing["data"], nothing["meta"]["end_of_stream"]) == ([], True)
    async with desk.database.writing() as writer:
        await writer.execute(update(TicketRow).where(TicketRow.id == tickets[0]).values(subject="Another"))
    more = await feed(admin, nothing["meta"]["cursor"], **{"page[size]": 2})
    assert [(one["id"], one["subject"]) for one in more["data"]] == [(str(tickets[0]), "Another")]


async def test_what_changes_during_a_pass_is_told_in_the_next(desk: Desk, admin: Api) -> None:
    tickets = [await insert_ticket(desk.database, admin.person_id) for _ in range(4)]
    page = await feed(admin, **{"page[size]": 2})
    for _ in range(3):  # as fast as it is read
        async with desk.database.writing() as writer:
            await writer.execute(update(TicketRow).where(TicketRow.id == tickets[3]).values(subject="Late"))
        page = (await admin.get(page["links"]["next"])).json()
        if page["meta"]["end_of_stream"]:
            break
    assert page["meta"]["end_of_stream"]
    assert [one["id"] for one in page["data"]] == [str(tickets[2])]
    page = (await admin.get(page["links"]["next"])).json()
    assert [one["subject"] for one in page["data"]] == ["Late"]


async def test_a_ticket_leaves_with_all_that_belongs_to_it(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    agent = await make_person("agent", name="Ada", email="ada@desk.example")
    async with working(desk):
        body = {"subject": "磁盘空间不足", "description": "E1024", "custom_fields": {"node": [3]}}
        asker = {"email": "lin@customers.example", "name": "Lin Wei"}
        made, other = [
            (await admin.post("/api/v1/tickets", json={**body, "requester": asker})).json() for _ in range(2)
        ]
        acts = f"/api/v1/tickets/{made['id']}/actions"
        for action, fields in {
            "reply": {"body": "Hello."},
            "note": {"body": "Difficult."},
            "link": {"ticket": other["id"], "relation": "child"},
            "watch": {},
            "share": {"email": "kim@customers.example"},
            "tag": {"add": ["late"]},
        }.items():
            assert (await agent.post(f"{acts}/{action}", json=fields)).status_code == 200
        url = f"/api/v1/tickets/{made['id']}/attachments?name=log.txt"
        headers = {"Content-Type": "application/octet-stream"}
        assert (await agent.post(url, content=b"a file", headers=headers)).status_code == 201
    first, second = await lines(admin)
    assert (first["number"], first["requester"]["email"]) == (made["number"], "lin@customers.example")
    assert first["assignee"] == {"id": str(agent.person_id), "name": "Ada", "email": "ada@desk.example"}
    assert [(one["author"]["email"], one["visibility"], one["body"]) for one in first["comments"]] == [
        ("ada@desk.example", "public", "Hello."),
        ("ada@desk.example", "internal", "Difficult."),
    ]
    assert first["links"] == [{"ticket": other["id"], "number": other["number"], "relation": "child"}]
    assert second["links"] == [{"ticket": made["id"], "number": made["number"], "relation": "parent"}]
    assert [one["email"] for one in first["watchers"]] == ["ada@desk.example"]
    assert [one["email"] for one in first["collaborators"]] == ["kim@customers.example"]
    assert [(one["name"], one["size"]) for one in first["attachments"]] == [("log.txt", 6)]
    assert (first["tags"], first["custom_fields"]) == (["late"], {"node": [3]})


async def test_links_and_files_are_changes_of_their_tickets(desk: Desk, admin: Api) -> None:
    async with working(desk):
        body = {"subject": "A", "description": "B"}
        one, other = [(await admin.post("/api/v1/tickets", json=body)).json()["id"] for _ in range(2)]
        cursor = (await feed(admin))["meta"]["cursor"]
        link = {"ticket": other, "relation": "related"}
        assert (await admin.post(f"/api/v1/tickets/{one}/actions/link", json=link)).status_code == 200
        page = await feed(admin, cursor)
        assert {ticket["id"]: len(ticket["links"]) for ticket in page["data"]} == {one: 1, other: 1}
        url = f"/api/v1/tickets/{other}/attachments?name=log.txt"
        headers = {"Content-Type": "application/octet-stream"}
        assert (await admin.post(url, content=b"a file", headers=headers)).status_code == 201
        page = await feed(admin, page["meta"]["cursor"])
        assert {ticket["id"]: len(ticket["attachments"]) for ticket in page["data"]} == {other: 1}


async def test_a_table_has_a_column_for_each_custom_field_and_no_formulas(desk: Desk, admin: Api) -> None:
    for key in ("node", "sizes"):
        field = {"key": key, "label": key, "type": "text"}
        assert (await admin.post("/api/v1/fields", json=field)).status_code == 201
    evil = '=HYPERLINK("https://evil.example")'
    values = {"node": "-1+1", "sizes": [1, 2], "other": "x"}
    await insert_ticket(
        desk.database, admin.person_id, subject=evil, custom_fields=values, tags=["a", "b"], breached=True
    )
    (row,) = await table(admin)
    assert row["subject"] == f"'{evil}"
    assert original(row["subject"]) == evil
    assert (row["custom_fields.node"], row["custom_fields.sizes"]) == ("'-1+1", "1, 2")
    assert (row["tags"], row["breached"], row["requester_email"]) == ("a, b", "true", "admin@desk.example")
    assert row["created_at"].endswith("Z")
    assert (await admin.get(PATH, params={"format": "csv", "bom": True})).content.startswith(b"\xef\xbb\xbf")


async def test_filters_and_queries_narrow_every_format(desk: Desk, admin: Api) -> None:
    closed = await insert_ticket(desk.database, admin.person_id, status="closed", subject="磁盘空间不足")
    await insert_ticket(desk.database, admin.person_id, status="closed")
    await insert_ticket(desk.database, admin.person_id)
    for asked in ({"status": "closed", "q": "磁盘"}, {"q": "status:closed 空间"}):
        assert [one["id"] for one in (await feed(admin, **asked))["data"]] == [str(closed)]
        assert [one["id"] for one in await lines(admin, **asked)] == [str(closed)]
        assert [one["id"] for one in await table(admin, **asked)] == [str(closed)]


async def test_nobody_gets_more_than_they_may_see(desk: Desk, admin: Api, make_person: MakePerson) -> None:
    for name in ("East", "West"):
        assert (await admin.post("/api/v1/teams", json={"name": name})).status_code == 201
    teams = {one["name"]: UUID(one["id"]) for one in (await admin.get("/api/v1/teams")).json()["data"]}
    agent = await make_person("agent", teams=["East"])
    own = await insert_ticket(desk.database, admin.person_id, team_id=teams["East"], tags=["late"])
    asked = await insert_ticket(desk.database, agent.person_id, team_id=teams["West"], tags=["late"])
    await insert_ticket(desk.database, admin.person_id, team_id=teams["West"])
    for ticket in (own, asked):
        await commented(desk, ticket, admin.person_id)
        await commented(desk, ticket, admin.person_id, visibility="internal")
    for found in (await lines(agent), (await feed(agent))["data"]):
        by_id = {one["id"]: one for one in found}
        assert set(by_id) == {str(own), str(asked)}
        assert len(by_id[str(own)]["comments"]) == 2
        assert by_id[str(own)]["requester"]["email"] == "admin@desk.example"
        assert [one["author"]["email"] for one in by_id[str(asked)]["comments"]] == [None]
        assert (by_id[str(asked)]["tags"], by_id[str(asked)]["requester"]["email"]) == ([], None)
    assert {row["id"]: row["tags"] for row in await table(agent)} == {str(own): "late", str(asked): ""}
    assert (await (await make_person()).get(PATH)).status_code == 403


async def test_a_cursor_is_refused_where_it_would_miss_something(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    await insert_ticket(desk.database, admin.person_id)
    agent = await make_person("agent")
    cursor = (await feed(agent))["meta"]["cursor"]
    for asked in ({"status": "open"}, {"q": "disk"}):
        answer = await agent.get(PATH, params={"cursor": cursor, **asked})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    team = (await admin.post("/api/v1/teams", json={"name": "East"})).json()["id"]
    change = {"teams": [team]}
    assert (await admin.patch(f"/api/v1/people/{agent.person_id}", json=change)).status_code == 200
    answer = await agent.get(PATH, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (409, "export_restarted")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "磁盘",
        "A" * 2000,
        urlsafe_b64encode(b"[]").decode(),
        urlsafe_b64encode(b'["export", 1, 2, 3, 4]').decode(),
        urlsafe_b64encode(b"[" * 900).decode(),
    ],
)
async def test_a_forged_cursor_is_told(admin: Api, cursor: str) -> None:
    answer = await admin.get(PATH, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_cursor_whose_parts_were_changed_reaches_nothing_new(desk: Desk, admin: Api) -> None:
    await insert_ticket(desk.database, admin.person_id)
    whole = (await feed(admin))["meta"]["cursor"]
    label, scope, until, place, ticket_id = orjson.loads(_decoded(whole))
    for parts, status in (
        ([label, scope, 2**62, -1, ticket_id], 200),
        ([label, scope, until, 2**62, ticket_id], 409),
        ([label, scope, until, 2**63, ticket_id], 422),
        ([label, scope, until, None, ticket_id], 422),
        ([label, scope, until, place, "x"], 422),
        ([label, None, until, place, ticket_id], 422),
        ([label, "another", until, place, ticket_id], 409),
    ):
        forged = urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")
        assert (await admin.get(PATH, params={"cursor": forged})).status_code == status, parts


def _decoded(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"format": "xml"}, "invalid"),
        ({"page[size]": 1001}, "invalid"),
        ({"sort": "number"}, "invalid"),
        ({"format": "csv", "cursor": "x"}, "cursor_needs_feed"),
        ({"format": "jsonl", "cursor": "x"}, "cursor_needs_feed"),
        ({"format": "jsonl", "q": "stauts:open"}, "unknown_field"),
        ({"format": "csv", "q": "team:Nowhere"}, "unknown_team"),
        ({"format": "jsonl", "q": "team:Nowhere"}, "unknown_team"),
        ({"q": "a " * 51}, "query_too_many_terms"),
        (
            {"created_after": "2026-02-01T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"},
            "reversed_period",
        ),
    ],
)
async def test_what_cannot_be_exported_is_a_problem_and_no_file(
    admin: Api, parameters: dict[str, Any], code: str
) -> None:
    answer = await admin.get(PATH, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def file_of(desk: Desk, api: Api, **query: Any) -> AsyncIterator[Any]:
    """A file as the server sends it, a piece when it is asked for."""
    authorization = api.headers["Authorization"]
    async with desk.database.reading() as reader:
        caller = await tokens.authenticate_token(reader, authorization.removeprefix("Bearer "))
    assert caller is not None
    request = Request({"type": "http", "headers": [(b"authorization", authorization.encode())]})
    answer = await export_tickets(request, ExportQuery(**query), desk, caller)
    assert isinstance(answer, StreamingResponse)
    return aiter(cast("AsyncIterator[Any]", answer.body_iterator))


async def test_a_file_ends_when_its_reader_may_no_longer_read(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    agent = await make_person("agent")
    for _ in range(3):
        await insert_ticket(desk.database, agent.person_id, description="x" * 3 * 2**20)
    pieces = await file_of(desk, agent, format="jsonl")
    assert (await anext(pieces)).count(b"\n") == 1
    async with desk.database.writing() as writer:
        await tokens.revoke_all(writer, agent.person_id)
    with pytest.raises(Unauthorized):  # the server breaks the connection off
        await anext(pieces)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
async def test_a_large_file_is_never_in_memory_as_a_whole(desk: Desk, admin: Api, kind: str) -> None:
    async with desk.database.writing() as writer:
        await writer.execute(_LARGE, {"person_id": admin.person_id})
        await writer.execute(_LARGE_COMMENTS)
    sent = 0
    tracemalloc.start()
    try:
        async for piece in await file_of(desk, admin, format=kind):
            sent += len(piece.encode() if isinstance(piece, str) else piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 55_000_000
    assert peak < 40_000_000
