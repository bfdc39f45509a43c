"""Contests from a terminal."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from storage.tables.account import PersonRow
from tests.cli.conftest import ListeningDesk, Terminal
from tests.contests import CONTEST


async def test_a_contest_is_made_from_a_file_entered_extended_and_cancelled(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    async with listening.desk.database.reading() as reader:
        person = str(await reader.scalar(select(PersonRow.id)))
    file = tmp_path / "contest.json"
    opens = {"opens_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    file.write_text(json.dumps({**CONTEST, **opens, "judges": [person]}))
    made = (await duradesk("contest", "create", str(file), "--json")).json
    assert made["status"] == "draft"
    name = CONTEST["name"]
    shown = await duradesk("contest", "act", name, "schedule")
    assert shown.code == 0, shown.err
    entering = ("contest", "enter", name, "--text", "Snow", "--idempotency-key", "one")
    entered = [await duradesk(*entering, "--json") for _ in range(2)]
    assert entered[0].json == entered[1].json
    appointed = await duradesk("contest", "act", name, "appoint", "--person", person)
    assert appointed.code == 0, appointed.err
    assert (await duradesk("contest", "act", made["id"], "extend", "--by", "P1D")).code == 0
    listed = await duradesk("contest", "list")
    assert name in listed.out
    assert "active" in listed.out
    assert "Winter" in (await duradesk("contest", "show", name)).out
    assert "entry" in (await duradesk("contest", "queue", name)).out
    early = await duradesk("contest", "standings", name)
    assert (early.code, len(early.err.splitlines())) == (1, 1)
    assert (await duradesk("contest", "act", name, "cancel", "--text", "Snow")).code == 0
    assert (await duradesk("contest", "show", name, "--json")).json["status"] == "cancelled"


async def test_what_cannot_be_done_is_one_line(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "contest.json"
    file.write_text("{")
    for command in (("create", str(file)), ("create", str(tmp_path / "none")), ("show", "Nothing")):
        done = await duradesk("contest", *command)
        assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert (await duradesk("contest", "score", "Nothing", "x", "idea=ten")).code == 2
