"""Tickets out of one desk and into another by the command: whole, once, and each line's mistake told."""

import asyncio
import json
import signal
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from domain import ids
from tests.cli.conftest import ListeningDesk, Terminal, finished, write_lines
from tests.requests import BODIES

NUMBERS: Final = count(5000)


def counts(done: Any) -> tuple[int, ...]:
    """Created, already there, rejected."""
    return (done.json["created"], done.json["existing"], done.json["rejected"])


def exported_line(**fields: Any) -> dict[str, Any]:
    """A ticket of another desk."""
    made = {**BODIES["POST /tickets/import"], "id": str(uuid4()), "number": next(NUMBERS), "links": []}
    return {**made, "comments": [{**made["comments"][0], "id": str(uuid4())}], **fields}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def moved(path: Path, to: Path) -> list[dict[str, Any]]:
    """The same tickets as those of another desk: with ids and numbers that nothing has here."""
    written = path.read_text()
    tickets = lines_of(path)
    for ticket in tickets:
        name = uuid4().hex
        written = written.replace(ticket["external_id"], name)
        written = written.replace(ticket["id"], str(ids.ticket_id("external", name)))
        for one in (*ticket["comments"], *ticket["attachments"]):
            written = written.replace(one["id"], str(uuid4()))
    found = [json.loads(line) for line in written.splitlines()]
    numbers = {ticket["number"]: next(NUMBERS) for ticket in found}
    for ticket in found:
        ticket["number"] = numbers[ticket["number"]]
        for link in ticket["links"]:
            link["number"] = numbers[link["number"]]
    write_lines(to, *found)
    return found


@pytest.fixture
async def person(listening: ListeningDesk, duradesk: Terminal) -> str:
    """The token of an agent."""
    line = b'{"email": "ada@acme.example", "name": "Ada", "roles": ["agent"]}\n'
    assert (await duradesk("import", "people", "-", stdin=line)).code == 0
    issued = await duradesk("token", "create", "--name", "ada", "--person", "ada@acme.example", "--json")
    return str(issued.json["token"])


async def lived(listening: ListeningDesk, duradesk: Terminal, token: str) -> list[str]:
    """Three tickets of which much has happened; the first was merged into the second."""
    asked = {"description": "E1024", "requester": {"email": "lin@customers.example", "name": "Lin Wei"}}
    new = [{"subject": f"磁盘空间不足 {uuid4()}", "priority": "high", **asked} for _ in range(3)]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in new)
    assert (await duradesk("import", "-", "--concurrency", "1", stdin=lines)).code == 0
    tickets = (await duradesk("ticket", "list", "--sort", "number", "--json")).json["data"]
    first, second, third = (one["id"] for one in tickets)
    url = f"http://127.0.0.1:{listening.port}/api/v1/tickets"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as agent:
        for ticket, action, fields in (
            (first, "reply", {"body": "Hello."}),
            (first, "note", {"body": "The same as the other."}),
            (first, "merge", {"into": second}),
            (second, "tag", {"add": ["late"]}),
            (second, "link", {"ticket": third, "relation": "child"}),
            (second, "resolve", {"resolution": "Cleaned."}),
            (third, "reply", {"body": "=1+1"}),
            (third, "wait", {}),
        ):
            answer = await agent.post(f"{url}/{ticket}/actions/{action}", json=fields)
            assert answer.status_code == 200, answer.text
        for name, data, visibility in (("log.txt", b"full", "public"), ("core.bin", b"\x00\x01", "internal")):
            answer = await agent.post(
                f"{url}/{third}/attachments",
                params={"name": name, "visibility": visibility},
                content=data,
                headers={"Content-Type": "application/octet-stream"},
            )
            assert answer.status_code == 201, answer.text
    return [first, second, third]


async def test_what_was_exported_comes_back_the_same_and_once(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, person: str
) -> None:
    await lived(listening, duradesk, person)
    file, copy, folder = tmp_path / "out.jsonl", tmp_path / "in.jsonl", tmp_path / "files"
    done = await duradesk("export", str(file), "--attachments", str(folder), "--json")
    assert (done.code, done.json["lines"], done.json["attachments_fetched"]) == (0, 3, 2), done.err
    assert {path.name for path in folder.iterdir()} == {
        sha256(data).hexdigest() for data in (b"full", b"\x00\x01")
    }
    again = await duradesk("export", str(file), "--attachments", str(folder), "--json")
    assert (again.json["attachments_fetched"], again.json["attachments_there"]) == (0, 2)
    wanted = moved(file, copy)
    arguments = ("import", str(copy), "--attachments", str(folder), "--json")
    taken = await duradesk(*arguments)
    assert (taken.code, *counts(taken), taken.json["attachments"]) == (0, 3, 0, 0, 2), taken.err
    numbers = ",".join(str(one["number"]) for one in wanted)
    assert (await duradesk("export", str(file), "--query", f"number:{numbers}")).code == 0
    new = {"version": 1, "classification": None}
    assert lines_of(file) == [{**one, **new} for one in wanted]
    repeated = await duradesk(*arguments)
    assert (*counts(repeated), repeated.json["attachments"]) == (0, 3, 0, 0)
    for one in wanted:
        view = (await duradesk("process", "show", str(one["number"]), "--json")).json
        assert (view["state"], view["event_number"]) == (one["status"], 1)


async def test_tables_go_to_stdout_without_formulas(
    listening: ListeningDesk, duradesk: Terminal, person: str
) -> None:
    line = json.dumps({"subject": "=HYPERLINK(1)", "description": "x"}).encode()
    assert (await duradesk("import", "-", stdin=line)).code == 0
    done = await duradesk("export", "--format", "csv", "--query", "status:open,assigned")
    head, row = done.out.splitlines()
    assert head.startswith("id,number,external_id,subject")
    assert ",'=HYPERLINK(1)," in row
    mistaken = await duradesk("export", "--query", "status:sometimes")
    assert (mistaken.code, mistaken.out) == (1, "")
    assert "sometimes" in mistaken.err


async def test_a_file_has_its_name_only_when_it_is_whole(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("before")
    assert (await duradesk("export", str(file), "--query", "status:sometimes")).code == 1
    assert file.read_text() == "before"
    assert not await asyncio.to_thread(Path(f"{file}.part").exists)
    refused = [
        (("export", str(tmp_path / "no" / "out.jsonl")), "Cannot write"),
        (("export", "--attachments", str(tmp_path)), "--attachments needs"),
        (("import", str(file), "--attachments", str(tmp_path / "no")), "no folder"),
    ]
    for arguments, words in refused:
        done = await duradesk(*arguments)
        assert (done.code, len(done.err.splitlines())) == (1, 1), done.err
        assert words in done.err


async def test_new_and_exported_tickets_may_stand_in_one_file(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    new = {"external_id": uuid4().hex, "subject": "A", "description": "B"}
    file = str(write_lines(tmp_path / "both.jsonl", new, exported_line(), exported_line()))
    done = await duradesk("import", file, "--json")
    assert (done.code, *counts(done)) == (0, 3, 0, 0), done.err
    again = await duradesk("import", "tickets", file, "--json")
    assert counts(again) == (0, 3, 0)


async def test_bad_lines_are_told_and_leave_no_half_of_a_ticket(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    attachment = {"id": str(uuid4()), "name": "a", "sha256": "a" * 64, "media_type": "text/plain"}
    before = await listening.count("people")
    bad = {
        "required": exported_line(status="closed"),
        "unknown_assignee": exported_line(status="assigned", resolved_at=None),
        "unknown_team": exported_line(team={"name": "Nobody's"}),
        "invalid": exported_line(comments=[{"id": "x"}]),
        "survivor_missing": exported_line(status="merged", merged_into=str(uuid4())),
        "line_too_long": exported_line(description="磁" * 6_000_000),
        "invalid_attachment": exported_line(attachments=[{**attachment, "sha256": "../../etc/passwd"}]),
        "invalid_attachment ": exported_line(attachments={"a": 1}),
        "wrong_id": exported_line(external_id="another desk's"),
    }
    file = write_lines(tmp_path / "bad.jsonl", *bad.values(), exported_line())
    spoilt = tmp_path / "rejects.jsonl"
    done = await duradesk("import", str(file), "--json", "--rejects", str(spoilt))
    assert (done.code, *counts(done)) == (2, 1, 0, len(bad)), done.err
    codes = {one["line"]: one["code"] for one in done.json["first_100_rejects"]}
    assert codes == {number: code.strip() for number, code in enumerate(bad, 1)}
    assert len(spoilt.read_bytes().splitlines()) == len(bad) - 1  # the long one was not kept
    assert await listening.count("tickets") == 1
    assert await listening.count("ticket_imports") == 0
    assert await listening.count("people") == before + 3  # of the ticket that came


async def test_files_that_are_missing_or_others_are_told_and_may_come_later(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    name = sha256(b"full").hexdigest()
    attachment = {
        "id": str(uuid4()),
        "comment": None,
        "name": "log.txt",
        "media_type": "text/plain",
        "size": 4,
        "sha256": name,
        "visibility": "internal",
        "created_by": {"id": str(uuid4()), "name": "Ada", "email": "ada@acme.example"},
        "created_at": "2026-01-02T09:00:00Z",
    }
    file = str(write_lines(tmp_path / "in.jsonl", exported_line(attachments=[attachment])))
    without = await duradesk("import", file, "--json")
    assert (*counts(without), without.json["attachments_left_out"]) == (1, 0, 0, 1)
    for content in (None, b"another"):
        if content is not None:
            (folder / name).write_bytes(content)
        done = await duradesk("import", file, "--attachments", str(folder), "--json")
        assert (done.code, *counts(done)) == (2, 0, 0, 1)
        assert "log.txt" in done.err
    (folder / name).write_bytes(b"full")
    done = await duradesk("import", file, "--attachments", str(folder), "--json")
    assert (done.code, *counts(done), done.json["attachments"]) == (0, 0, 1, 0, 1), done.err
    out = tmp_path / "out.jsonl"
    assert (await duradesk("export", str(out))).code == 0
    (known,) = lines_of(out)[0]["attachments"]
    assert {**known, "created_by": {**known["created_by"], "id": None}} == {
        **attachment,
        "created_by": {"id": None, "name": "Ada", "email": "ada@acme.example"},
    }


async def test_an_import_that_was_killed_goes_on_where_it_was(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    lines = [exported_line() for _ in range(40)]
    for number, line in enumerate(lines[:10]):  # merged ones that come before those that go on
        line |= {"status": "merged", "merged_into": lines[39 - number]["id"]}
    file = str(write_lines(tmp_path / "in.jsonl", *lines))
    process = await duradesk.start("import", file, "--concurrency", "4")
    await listening.wait_for("tickets", 10)
    process.send_signal(signal.SIGKILL)
    await finished(process)
    again = await duradesk("import", file, "--json")
    created, existing, rejected = counts(again)
    assert (created + existing, rejected) == (40, 0), again.err
    assert min(created, existing) > 0
    for table, rows in (("tickets", 40), ("ticket_comments", 40), ("ticket_imports", 0)):
        assert await listening.count(table) == rows
