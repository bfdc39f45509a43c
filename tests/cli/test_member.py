"""Members from a terminal."""

from pathlib import Path

from tests.cli.conftest import ListeningDesk, Terminal, write_lines


async def test_facts_come_from_a_file_once_and_show_as_points(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    me = (await duradesk("member", "show", "admin@desk.localhost", "--json")).json["id"]
    lines = [{"member": me, "fact_id": f"f{number}", "action": "comment_added"} for number in range(3)]
    file = write_lines(tmp_path / "facts.jsonl", *lines)
    first = await duradesk("member", "facts", str(file))
    again = await duradesk("member", "facts", "-", "--json", stdin=file.read_bytes())
    assert (first.out.strip(), again.json) == ("3 new, 0 known already", {"new": 0, "known": 3})
    shown = await duradesk("member", "show", "admin@desk.localhost")
    assert "beginner, 100 points to go" in shown.out
    assert (await duradesk("member", "points", "admin@desk.localhost", "--json")).json["data"] == []
    assert "rank" in (await duradesk("member", "board", "--window", "week")).out


async def test_a_line_that_is_refused_is_told(
    listening: ListeningDesk, duradesk: Terminal, tmp_path: Path
) -> None:
    me = (await duradesk("member", "show", "admin@desk.localhost", "--json")).json["id"]
    right = {"member": me, "fact_id": "f1", "action": "comment_added"}
    bad = write_lines(tmp_path / "bad.jsonl", right, {**right, "action": "moon_walked"})
    done = await duradesk("member", "facts", str(bad))
    assert done.code == 1
    assert "Lines 1 to 2" in done.err
    assert "facts.1.action" in done.err
    broken = await duradesk("member", "facts", str(write_lines(tmp_path / "half.jsonl", b'{"a": ')))
    assert "Line 1 is not JSON" in broken.err
