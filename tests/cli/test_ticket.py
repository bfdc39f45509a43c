"""Tickets from a terminal: opened, found, shown, worked on; tables for people and JSON for programs."""

from typing import Any

import pytest

from tests.cli.conftest import ListeningDesk, Terminal

_NEW = ("ticket", "create", "--subject", "Disk full", "--description")


async def _open(duradesk: Terminal, *options: str, description: str = "E1024") -> dict[str, Any]:
    done = await duradesk(*_NEW, description, *options, "--json")
    assert done.code == 0, done.err
    ticket: dict[str, Any] = done.json
    return ticket


async def test_a_ticket_is_opened_with_what_was_said(listening: ListeningDesk, duradesk: Terminal) -> None:
    options = ("--category", "storage", "--priority", "high", "--tag", "a", "--tag", "b")
    asker = ("--requester", "lin@customers.example", "--requester-name", "Lin Wei")
    ticket = await _open(duradesk, *options, *asker)
    assert (ticket["category"], ticket["priority"], ticket["tags"]) == ("storage", "high", ["a", "b"])
    assert ticket["requester"]["name"] == "Lin Wei"


async def test_a_description_may_come_from_stdin(listening: ListeningDesk, duradesk: Terminal) -> None:
    done = await duradesk(*_NEW, "-", "--json", stdin="磁盘\r\n🙂".encode())
    assert done.json["description"] == "磁盘\r\n🙂"
    bad = await duradesk(*_NEW, "-", stdin=b"\xff")
    assert bad.code == 1
    assert "not UTF-8" in bad.err


async def test_the_same_key_opens_one_ticket(listening: ListeningDesk, duradesk: Terminal) -> None:
    first = await _open(duradesk, "--idempotency-key", "k1")
    assert (await _open(duradesk, "--idempotency-key", "k1"))["id"] == first["id"]
    other = await duradesk(*_NEW, "another", "--idempotency-key", "k1")
    assert other.code == 1
    assert "idempotency_key_reused" in other.err


async def test_a_refusal_names_the_field_in_one_line(listening: ListeningDesk, duradesk: Terminal) -> None:
    done = await duradesk(*_NEW, "E1024", "--priority", "urgent")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("duradesk: invalid: priority:")
    assert len(done.err.splitlines()) == 1


async def test_a_list_is_filtered_sorted_and_cut(listening: ListeningDesk, duradesk: Terminal) -> None:
    for priority in ("low", "high", "high"):
        await _open(duradesk, "--priority", priority)
    high = await duradesk("ticket", "list", "--priority", "high", "--sort", "number", "--json")
    assert [one["priority"] for one in high.json["data"]] == ["high", "high"]
    cut = await duradesk("ticket", "list", "--limit", "2", "--json")
    assert (len(cut.json["data"]), cut.json["meta"]["has_more"]) == (2, True)
    shown = await duradesk("ticket", "list", "--limit", "2", "--requester", "admin@desk.localhost")
    assert "2 tickets; there are more" in shown.out
    assert "+08:00" in shown.out
    found = await duradesk("ticket", "list", "--q", "nothing like it")
    assert "0 tickets" in found.out


async def test_a_list_by_someone_unknown_is_refused(listening: ListeningDesk, duradesk: Terminal) -> None:
    done = await duradesk("ticket", "list", "--assignee", "nobody@desk.example")
    assert done.code == 1
    assert "nobody@desk.example" in done.err
    done = await duradesk("ticket", "list", "--team", "storage")
    assert "There is no team storage" in done.err
    done = await duradesk("ticket", "list", "--field", "moon:full", "--sort", "field.moon")
    assert "moon" in done.err


async def test_a_ticket_is_shown_with_all_that_happened(listening: ListeningDesk, duradesk: Terminal) -> None:
    ticket = await _open(duradesk, "--priority", "critical", description="look \x1b[31mhere [bold]x[/bold]")
    name = f"#{ticket['number']}"
    done = await duradesk("ticket", "act", name, "note", "--body", "seen")
    assert done.code == 0, done.err
    shown = await duradesk("ticket", "show", name)
    assert shown.code == 0, shown.err
    assert "look �[31mhere [bold]x[/bold]" in shown.out
    for words in ("seen", "internal", "first_response", "resolution", "30m", "History", "message: seen"):
        assert words in shown.out
    assert "comment_id" not in shown.out
    parts = (await duradesk("ticket", "show", ticket["id"], "--json")).json
    assert parts["ticket"]["id"] == ticket["id"]
    assert parts["comments"][0]["body"] == "seen"
    assert parts["events"][0]["type"]
    assert set(parts["sla"]["clocks"]) == {"first_response", "resolution"}


@pytest.mark.parametrize(("name", "words"), [("999999", "no ticket 999999"), ("abc", "neither"), ("-1", "")])
async def test_a_ticket_that_is_not_there_is_said(
    listening: ListeningDesk, duradesk: Terminal, name: str, words: str
) -> None:
    done = await duradesk("ticket", "show", "--", name)
    assert done.code == 1
    assert words in done.err


async def test_a_ticket_lives_by_its_actions(listening: ListeningDesk, duradesk: Terminal) -> None:
    await duradesk(
        "import", "people", "-", stdin=b'{"email": "ada@desk.example", "name": "Ada", "roles": ["agent"]}'
    )
    number = str((await _open(duradesk))["number"])
    steps = [
        (("assign", "--assignee", "ada@desk.example"), "assigned"),
        (("start",), "in_progress"),
        (("reply", "--body", "Please send the log."), "in_progress"),
        (("set_priority", "--priority", "high"), "in_progress"),
        (("wait",), "waiting"),
        (("resume",), "in_progress"),
        (("resolve", "--body", "Space was made.", "--json-body", '{"kind": "fault"}'), "resolved"),
        (("reopen", "--body", "Full again."), "in_progress"),
    ]
    for arguments, status in steps:
        done = await duradesk("ticket", "act", number, *arguments, "--json")
        assert done.code == 0, (arguments, done.err)
        assert done.json["status"] == status, arguments
    assert done.json["assignee"]["name"] == "Ada"
    assert (done.json["kind"], done.json["priority"]) == ("fault", "high")


async def test_what_cannot_be_done_says_what_can(listening: ListeningDesk, duradesk: Terminal) -> None:
    number = str((await _open(duradesk))["number"])
    reopened = await duradesk("ticket", "act", number, "reopen", "--body", "again")
    assert (reopened.code, reopened.out) == (1, "")
    assert "illegal_move" in reopened.err
    assert "Allowed now" in reopened.err
    stale = await duradesk("ticket", "act", number, "note", "--body", "x", "--version", "99")
    assert "stale_version" in stale.err
    unknown = await duradesk("ticket", "act", number, "../fly")
    assert "unknown_action" in unknown.err
    words = await duradesk("ticket", "act", number, "note", "--json-body", "[1]")
    assert words.code == 2


async def test_a_query_is_understood_and_its_mistakes_are_told(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    number = (await _open(duradesk))["number"]
    found = await duradesk("ticket", "list", f"number:{number}", "status:active", "--json")
    assert [one["number"] for one in found.json["data"]] == [number]
    none = await duradesk("ticket", "list", "--json", "--", f"number:{number}", "-status:active")
    assert none.json["data"] == []
    wrong = await duradesk("ticket", "list", "stauts:open")
    assert wrong.code == 1
    assert "Do you mean status?" in wrong.err
    assert "position 0" in wrong.err


async def test_arguments_that_are_no_text_are_refused(listening: ListeningDesk, duradesk: Terminal) -> None:
    spoilt = b"\xff".decode("utf-8", "surrogateescape")
    done = await duradesk("ticket", "list", "--q", spoilt)
    assert done.code == 1
    assert "UTF-8" in done.err
    done = await duradesk(*_NEW, spoilt)
    assert done.code == 1
    assert "invalid" in done.err
