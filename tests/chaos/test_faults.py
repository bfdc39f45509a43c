"""The script of faults: the seed alone decides it, and every kind has its turn."""

from collections import Counter
from pathlib import Path

from tests.chaos.faults import CATALOGUE, SHORT, script
from tests.chaos.journal import Journal, entries


def test_a_seed_repeats_its_script() -> None:
    assert script(7, 40, 600) == script(7, 40, 600)
    assert script(7, 40, 600) != script(8, 40, 600)


def test_every_kind_of_fault_comes_before_any_comes_again() -> None:
    names = Counter(fault.name for fault in script(3, 3 * len(CATALOGUE), 600))
    assert len(names) == len(CATALOGUE)
    assert set(names.values()) == {3}


def test_faults_come_in_order_within_the_time() -> None:
    times = [fault.at for fault in script(5, 60, 600)]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 600


def test_a_short_run_kills_every_server() -> None:
    assert {target for kind, targets, _ in SHORT if kind == "kill" for target in targets} >= {
        "worker",
        "temporal",
        "postgres",
        "up",
    }


def test_half_a_line_of_a_killed_writer_is_no_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("asked", key="one")
    journal.close()
    with journal.path.open("a") as file:
        file.write('{"kind": "acce')
    assert [entry["key"] for entry in entries(journal.path)] == ["one"]
