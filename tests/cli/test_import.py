"""An import against a real desk: repeated, broken off, spoilt by bad lines, and with the desk going away."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from storage.account.teams import teams
from tests.cli.conftest import Done, ListeningDesk, Terminal, finished, write_lines

MakeTicket = Callable[..., dict[str, Any]]


@pytest.fixture
def ticket() -> MakeTicket:
    """`ticket(3)` is a line. Processes outlive the test's tables, so ids of tests never meet."""
    here = uuid4().hex[:8]

    def make(number: int, **fields: Any) -> dict[str, Any]:
        customer = f"customer{number % 7}"
        return {
            "external_id": f"{here}-{number}",
            "subject": f"磁盘空间不足 Disk full on node {here}-{number}",
            "description": "E1024\r\n🙂",
            "category": "storage",
            "requester": {"email": f"{customer}@customers.example", "name": customer},
            **fields,
        }

    return make


def _person(name: str, **fields: Any) -> dict[str, Any]:
    return {"email": f"{name}@desk.example", "name": name, "roles": ["agent"], **fields}


def _counts(done: Done) -> tuple[int, ...]:
    """Created, already there, rejected."""
    result = done.json
    assert result["complete"]
    assert result["lines"] == result["created"] + result["existing"] + result["rejected"]
    return (result["created"], result["existing"], result["rejected"])


async def test_people_come_with_their_teams_and_only_once(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    people = [
        _person("ada", teams=["storage", "Second Line"]),
        _person("bo", teams=["Storage"]),
        _person("cy"),
    ]
    file = str(write_lines(tmp_path / "people.jsonl", *people))
    done = await duradesk("import", "people", file, "--json")
    assert (done.code, _counts(done)) == (0, (3, 0, 0)), done.err
    assert await listening.count("teams") == 2
    async with listening.desk.database.reading() as reader:
        found = await teams(reader, name=None, q=None, after=None, size=9)
    assert {team.categories for team in found} == {("storage",), ("second-line",)}
    again = await duradesk("import", "people", file, "--json")
    assert (again.code, _counts(again)) == (0, (0, 3, 0))


async def test_every_ticket_is_a_running_process_and_comes_only_once(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = str(write_lines(tmp_path / "tickets.jsonl", *map(ticket, range(40))))
    done = await duradesk("import", "tickets", file, "--json")
    assert (done.code, _counts(done)) == (0, (40, 0, 0)), done.err
    listed = (await duradesk("ticket", "list", "--limit", "200", "--json")).json["data"]
    assert {one["external_id"] for one in listed} == {ticket(number)["external_id"] for number in range(40)}
    assert {one["channel"] for one in listed} == {"import"}
    view = await duradesk("process", "show", str(listed[0]["number"]), "--json")
    assert view.json["workflow_id"] == f"ticket:{listed[0]['id']}"
    again = await duradesk("import", "tickets", file, "--json")
    assert (again.code, _counts(again)) == (0, (0, 40, 0))
    assert await listening.count("tickets") == 40


async def test_lines_without_an_external_id_are_known_by_what_they_say(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    one, other = ticket(1), ticket(2)
    del one["external_id"], other["external_id"]
    file = write_lines(tmp_path / "tickets.jsonl", one, other, dict(reversed(one.items())))
    assert _counts(await duradesk("import", "tickets", str(file), "--json")) == (2, 1, 0)
    assert _counts(await duradesk("import", "tickets", str(file), "--json")) == (0, 3, 0)
    assert await listening.count("tickets") == 2


async def test_bad_lines_are_told_and_kept_and_the_rest_is_imported(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    bad: list[Any] = [
        b'{"subject": ',
        b'{"subject": "\xff"}',
        b"[]",
        b'{"subject": "s", "description": "\\ud800"}',
        ticket(90, priority="urgent"),
        ticket(91, subject="  "),
        ticket(92, unknown=1),
        ticket(93, created_at="2026-11-21T00:00:00"),
        ticket(94, description="x" * 100_001),
        ticket(95, custom_fields={"n": 2**70}),
    ]
    file = write_lines(tmp_path / "tickets.jsonl", ticket(1), *bad, b"", ticket(2))
    spoilt = tmp_path / "rejects.jsonl"
    done = await duradesk("import", "tickets", str(file), "--rejects", str(spoilt), "--json")
    assert (done.code, _counts(done)) == (2, (2, 0, len(bad)))
    codes = {one["line"]: one["code"] for one in done.json["first_100_rejects"]}
    assert sorted(codes) == list(range(2, 12))
    assert [codes[line] for line in (2, 3, 4)] == ["invalid_json", "invalid_utf8", "not_an_object"]
    told = [line for line in done.err.splitlines() if line.startswith("line ")]
    assert len(told) == len(bad)
    assert any(line.startswith("line 6: ") and "priority" in line for line in told)
    kept = file.read_bytes().splitlines()[1:11]
    assert sorted(spoilt.read_bytes().splitlines()) == sorted(kept)


async def test_rejected_lines_are_imported_once_they_are_mended(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = write_lines(tmp_path / "tickets.jsonl", ticket(1), ticket(2, priority="urgent"))
    spoilt = tmp_path / "rejects.jsonl"
    assert (await duradesk("import", "tickets", str(file), "--rejects", str(spoilt))).code == 2
    mended = spoilt.read_bytes().replace(b"urgent", b"critical")
    done = await duradesk("import", "tickets", "-", "--json", stdin=mended)
    assert (done.code, _counts(done)) == (0, (1, 0, 0))


async def test_an_external_id_that_stands_for_something_else_is_rejected(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = write_lines(tmp_path / "tickets.jsonl", ticket(1), ticket(1), ticket(1, subject="Another"))
    done = await duradesk("import", "tickets", str(file), "--concurrency", "1", "--json")
    assert (done.code, _counts(done)) == (2, (1, 1, 1))
    assert f"{ticket(1)['external_id']} is there already with other contents" in done.err


async def test_the_same_ticket_twice_in_a_file_is_created_once(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = write_lines(tmp_path / "tickets.jsonl", *(ticket(number // 4) for number in range(40)))
    assert _counts(await duradesk("import", "tickets", str(file), "--json")) == (10, 30, 0)


async def test_the_desk_may_go_away_in_the_middle(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = str(write_lines(tmp_path / "tickets.jsonl", *map(ticket, range(150))))
    process = await duradesk.start("import", "tickets", file, "--json", "--concurrency", "4")
    await listening.wait_for("tickets", 10)
    await listening.go_away()
    before = await listening.count("tickets")
    await listening.listen()
    done = await finished(process)
    assert before < 150
    assert (done.code, done.json["lines"], done.json["rejected"]) == (0, 150, 0), done.err
    assert "Trying again" in done.err
    assert await listening.count("tickets") == 150


async def test_a_desk_that_stays_away_ends_the_import(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = str(write_lines(tmp_path / "tickets.jsonl", *map(ticket, range(150))))
    options = ("--json", "--concurrency", "2", "--wait", "1")
    process = await duradesk.start("import", "tickets", file, *options)
    await listening.wait_for("tickets", 5)
    await listening.go_away()
    done = await finished(process)
    await listening.listen()
    assert done.code == 1
    assert "Gave up after 1 s" in done.err
    assert not done.json["complete"]
    again = await duradesk("import", "tickets", file, "--json")
    assert again.code == 0
    assert await listening.count("tickets") == 150


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
async def test_an_import_that_was_broken_off_is_run_again(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket, number: int, code: int
) -> None:
    file = str(write_lines(tmp_path / "tickets.jsonl", *map(ticket, range(120))))
    process = await duradesk.start("import", "tickets", file, "--concurrency", "4")
    await listening.wait_for("tickets", 10)
    process.send_signal(number)
    broken = await finished(process)
    assert broken.code == code, broken.err
    assert ("Run it again" in broken.out) == (number == signal.SIGINT)
    again = await duradesk("import", "tickets", file, "--json")
    created, existing, rejected = _counts(again)
    assert created > 0
    assert existing >= 10
    assert rejected == 0
    assert await listening.count("tickets") == 120


async def test_people_without_the_right_import_nothing(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    await duradesk("import", "people", "-", stdin=b'{"email": "ada@desk.example", "name": "Ada"}')
    issued = await duradesk("token", "create", "--name", "ada", "--person", "ada@desk.example", "--json")
    file = str(write_lines(tmp_path / "tickets.jsonl", *map(ticket, range(9))))
    done = await duradesk("import", "tickets", file, TOKEN=issued.json["token"])
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert await listening.count("tickets") == 0


async def test_files_that_cannot_be_used_are_named(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path, ticket: MakeTicket
) -> None:
    file = write_lines(tmp_path / "tickets.jsonl", ticket(1))
    before = file.read_bytes()
    tries = [
        ((str(tmp_path / "none"),), "No such file"),
        ((str(tmp_path),), "Is a directory"),
        ((str(file), "--rejects", str(file)), "name another one"),
        ((str(file), "--rejects", str(tmp_path / "no" / "rejects")), "Cannot write"),
    ]
    finishes = await asyncio.gather(*(duradesk("import", "tickets", *arguments) for arguments, _ in tries))
    for done, (_, words) in zip(finishes, tries, strict=True):
        assert done.code == 1
        assert words in done.err
        assert len(done.err.splitlines()) == 1
    assert file.read_bytes() == before
    assert await listening.count("tickets") == 0
