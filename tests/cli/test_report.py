"""Reports from a terminal: a table for people, a document or a file for programs."""

import csv
import io

from tests.cli.conftest import ListeningDesk, Terminal
from tests.storage.play import T0, play

PERIOD = ("2026-10", "--time-zone", "Asia/Shanghai")


async def lived(listening: ListeningDesk) -> None:
    """Tickets of two teams, of which one was never answered."""
    world = await play(listening.desk.database)
    for turn in ((0, 0, 10, 0), (1, 0, 5, 1), (2, 0, 5, 2), (0, 2, 25, 0), (2, 2, 9000, 2)):
        await world.turn(turn)
    await world.end()


async def test_a_report_is_a_table_a_document_or_a_file(listening: ListeningDesk, duradesk: Terminal) -> None:
    await lived(listening)
    shown = await duradesk("report", "tickets", *PERIOD, "--by", "team", "--by", "week")
    assert shown.code == 0, shown.err
    for words in ("2026-10-01 00:00:00+08:00", "days of Asia/Shanghai", "disk", "2026-W43", "SLA met", "all"):
        assert words in shown.out
    document = (await duradesk("report", "tickets", *PERIOD, "--by", "team", "--json")).json
    assert document["total"]["created"] == 3
    file = await duradesk("report", "tickets", *PERIOD, "--by", "team", "--csv")
    rows = list(csv.DictReader(io.StringIO(file.out, newline="")))
    assert [row["created"] for row in rows] == [str(row["created"]) for row in document["data"]]
    net = (await duradesk("report", "tickets", *PERIOD, "--team", "net", "--json")).json
    assert net["total"]["created"] == 1


async def test_promises_and_those_that_broke(listening: ListeningDesk, duradesk: Terminal) -> None:
    await lived(listening)
    ends = ("--from", T0.isoformat(), "--to", "2026-11-20")
    broken = (await duradesk("report", "sla", *ends, "--json")).json["total"]["promises_broken"]
    assert broken > 1
    assert "late by p50/p90" in (await duradesk("report", "sla", *ends, "--by", "clock")).out
    listed = await duradesk("report", "breaches", *ends, "--limit", "1")
    assert "1 broken promise; there are more" in listed.out
    file = await duradesk("report", "breaches", *ends, "--csv")
    assert len(list(csv.DictReader(io.StringIO(file.out, newline="")))) == broken
    found = (await duradesk("report", "breaches", *ends, "--json")).json["data"]
    assert len(found) == broken


async def test_what_is_open_and_what_is_counted(listening: ListeningDesk, duradesk: Terminal) -> None:
    await lived(listening)
    shown = await duradesk("report", "backlog", "2026-10-21", "--by", "priority")
    assert "oldest" in shown.out
    assert "high" in shown.out
    assert "first_contact_rate" in (await duradesk("report", "figures")).out


async def test_what_cannot_be_asked_is_one_line(listening: ListeningDesk, duradesk: Terminal) -> None:
    for options in (("2026-13",), ("--from", "2026-11-02", "--to", "2026-11-01"), ("--by", "moon")):
        done = await duradesk("report", "tickets", *options)
        assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert "There is no team storage" in (await duradesk("report", "tickets", "--team", "storage")).err
    assert (await duradesk("report", "sla", "--csv", "--json")).code == 2
