"""The checker of contests can fail: each kind of loss, planted in sound evidence, is found."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import contest
from tests.chaos.checker.case import Case, Check
from tests.chaos.contests import CREATE, ENTER, SCORE, deed
from tests.chaos.evidence import Evidence, Process, Row
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import ADMIN, AGENT, BOSS, REQUESTER, asked, at, sound

CHECKS = (
    contest.every_entry_is_there_once,
    contest.no_entry_came_after_the_bell,
    contest.every_score_counts_once,
    contest.everyone_was_told_once_a_change,
    contest.contests_equal_their_processes,
)
THERE, BELL, COUNTS, TOLD, EQUAL = (
    "every accepted entry is there once",
    "no entry came after the bell",
    "every score counts once",
    "every participant was told once a change",
    "contests equal their processes",
)
OURS, THEIRS = "winter", "summer"


def held() -> Evidence:
    """One contest that is entered twice, extended, judged and published, and one that is entered and cancelled."""
    evidence = sound()
    evidence.rows.update(contest_rows())
    evidence.rows["notifications"] = [
        *notices(OURS, 5, "contest_extended", REQUESTER, ADMIN, AGENT),
        *notices(OURS, 8, "contest_provisional", REQUESTER, ADMIN),
        *notices(THEIRS, 4, "contest_cancelled", REQUESTER, AGENT),
    ]
    processes = [process(OURS, 8, "RUNNING"), process(THEIRS, 4, "COMPLETED")]
    return replace(evidence, processes=processes, journal=journal())


def contest_rows() -> dict[str, list[Row]]:
    seen = [
        *(("one", REQUESTER, 3), ("two", ADMIN, 4), ("longer", BOSS, 5), ("score", AGENT, 7)),
        ("again", AGENT, 8),
    ]
    states = [
        {"contest_id": OURS, "state": {"event_number": 8, "status": "provisional", "seen": remembered(seen)}},
        {
            "contest_id": THEIRS,
            "state": {
                "event_number": 4,
                "status": "cancelled",
                "seen": remembered([("three", REQUESTER, 3), ("end", BOSS, 4)]),
            },
        },
    ]
    rules = {"judges_per_entry": 1}
    return {
        "contests": [
            row(OURS, version=8, status="provisional", closes_at=at(20), entries=2, rules=rules),
            row(THEIRS, version=4, status="cancelled", closes_at=at(40), entries=1, rules=rules),
        ],
        "contest_states": states,
        "contest_events": [
            event(OURS, 3, "entered"),
            event(OURS, 5, "extended"),
            event(OURS, 8, "status_changed", status=["judging", "provisional"]),
            event(THEIRS, 4, "status_changed", status=["active", "cancelled"]),
        ],
        "member_facts": [
            {"member_id": REQUESTER, "fact_id": f"contest:{OURS}:1"},
            {"member_id": ADMIN, "fact_id": f"contest:{OURS}:1"},
            {"member_id": REQUESTER, "fact_id": f"contest:{THEIRS}:1"},
            {"member_id": REQUESTER, "fact_id": f"contest:{THEIRS}:1:back"},
        ],
        "entries": [
            entry("first", OURS, REQUESTER, 5, place=1),
            entry("second", OURS, ADMIN, 20, place=2),
            entry("third", THEIRS, REQUESTER, 5),
        ],
        "assignments": [
            {"entry_id": "first", "judge_id": AGENT, "state": "scored", "scores": {"idea": 7}},
            {"entry_id": "second", "judge_id": AGENT, "state": "scored", "scores": {"idea": 3}},
        ],
        "participants": [
            {"contest_id": OURS, "person_id": REQUESTER, "version": 3},
            {"contest_id": OURS, "person_id": ADMIN, "version": 4},
            {"contest_id": THEIRS, "person_id": REQUESTER, "version": 3},
        ],
        "judges": [{"contest_id": one, "person_id": AGENT} for one in (OURS, THEIRS)],
    }


def journal() -> list[dict[str, Any]]:
    given = asked("score", SCORE, AGENT, 30, 7, contest=OURS, entry="first", body={"scores": {"idea": 7}})
    again = asked("again", SCORE, AGENT, 31, 8, contest=OURS, entry="second", body={"scores": {"idea": 3}})
    late = asked("late", ENTER, ADMIN, 21, 0, contest=OURS, token="late")
    late[-1].update(kind="refused", code="contest_closed")
    return [
        *asked("made", CREATE, BOSS, 0, 1),
        *entering("one", REQUESTER, 5, OURS, "first"),
        *entering("two", ADMIN, 19, OURS, "second"),
        *asked("longer", deed("extend"), BOSS, 10, 5, contest=OURS),
        *late,
        *given,
        *again,
        *entering("three", REQUESTER, 5, THEIRS, "third"),
        *asked("end", deed("cancel"), BOSS, 20, 4, contest=THEIRS),
    ]


def entering(key: str, who: str, seconds: float, contest_id: str, made: str) -> list[dict[str, Any]]:
    entries = asked(key, ENTER, who, seconds, 1, contest=contest_id, token=f"token-{made}")
    entries[-1]["id"] = made
    return entries


def remembered(seen: list[tuple[str, str, int]]) -> list[Row]:
    return [{"request_id": f"{who}:{key}", "version": version} for key, who, version in seen]


def row(identity: str, **fields: Any) -> Row:
    return {"id": identity, **fields}


def event(contest_id: str, version: int, type_: str, **data: Any) -> Row:
    return {"contest_id": contest_id, "version": version, "type": type_, "data": data}


def entry(identity: str, contest_id: str, person: str, seconds: float, place: int | None = None) -> Row:
    known = {"contest_id": contest_id, "person_id": person, "text": f"token-{identity}", "place": place}
    return {"id": identity, **known, "arrived_at": at(seconds)}


def notices(contest_id: str, version: int, kind: str, *people: str) -> list[Row]:
    key = f"contest:{contest_id}:{version}:{kind}"
    return [{"event_key": key, "recipient_id": person, "channel": "in_app"} for person in people]


def process(contest_id: str, version: int, status: str) -> Process:
    described = {"event_number": version} if status == "RUNNING" else None
    return Process(f"contest:{contest_id}", "Contest", status, at(0), described=described)


def forget(evidence: Evidence) -> object:
    return evidence.rows["contest_states"][0]["state"]["seen"].pop(2)


def let_in_late(evidence: Evidence) -> None:
    evidence.rows["entries"].append({**entry("late", OURS, ADMIN, 20), "text": "late"})
    evidence.rows["contests"][0]["entries"] = 3


PLANTS: dict[str, tuple[str, Plant]] = {
    "a lost entry": (THERE, lose("entries", 0)),
    "an entry twice": (THERE, double("entries", 0)),
    "an entry of nobody": (THERE, change("entries", 0, text="token-9")),
    "a count of its own": (THERE, change("contests", 0, entries=3)),
    "an entry that arrived after the bell": (BELL, change("entries", 1, arrived_at=at(20.001))),
    "an entry that was asked for after the bell": (BELL, let_in_late),
    "a bell that came early": (BELL, change("contests", 0, closes_at=at(30))),
    "a lost score": (COUNTS, change("assignments", 0, scores={"idea": 1})),
    "a score that does not count": (COUNTS, change("assignments", 1, state="missed")),
    "a judge who has an entry twice": (COUNTS, double("assignments", 0)),
    "a place that two have": (COUNTS, change("entries", 1, place=1)),
    "a participant who was not told": (TOLD, lose("notifications", 0)),
    "a participant who was told twice": (TOLD, double("notifications", 3)),
    "a judge who was not told": (TOLD, lose("notifications", 2)),
    "somebody who was told and takes no part": (TOLD, change("notifications", 4, recipient_id=BOSS)),
    "a contest that differs from its process": (EQUAL, change("contests", 0, status="judging")),
    "a contest that is behind its process": (EQUAL, change("contests", 0, version=7)),
    "a contest without a process": (EQUAL, lambda evidence: evidence.processes.pop(0)),
    "a lost action": (EQUAL, forget),
    "a contest that was cancelled twice": (EQUAL, double("contest_events", 3)),
    "points that were not given": (EQUAL, lose("member_facts", 0)),
    "points that were not taken back": (EQUAL, lose("member_facts", 3)),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(held())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = held()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
