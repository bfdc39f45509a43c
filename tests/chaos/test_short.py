"""A short chaos run, each time: every server is killed under load, and nothing is lost, doubled or early.
`make chaos` runs longer ones."""

import os
from pathlib import Path

import pytest

from tests.chaos.checker import judge
from tests.chaos.faults import SHORT
from tests.chaos.report import markdown
from tests.chaos.run import run, short

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(600)]


async def test_nothing_is_lost_doubled_or_early(tmp_path: Path) -> None:
    outcome = await run(short(int(os.environ.get("SEED") or 1)), tmp_path / "chaos")
    assert outcome.passed, markdown(outcome)
    evidence = outcome.evidence
    faults = {entry["name"] for entry in evidence.journal if entry["kind"] == "fault"}
    assert len(faults) == len(SHORT)
    accepted = {entry["what"] for entry in evidence.journal if entry["kind"] == "accepted"}
    assert accepted >= {"create", "merge", "unmerge", "split", "bulk", "policy", "absence", "train"}
    assert accepted >= {"fact", "claim", "rate", "campaign", "submit", "vote", "feedback merge"}
    assert accepted >= {"contest create", "enter", "score"}
    fired = [row for row in evidence.rows["ledger"] if row["fired_at"]]
    assert len(fired) > outcome.plan.tickets

    evidence.rows["ledger"].append(fired[0])
    assert {check.name for check in judge(evidence) if not check.passed} == {
        "every ladder step fired exactly once"
    }
