"""The checker of feedback can fail: each kind of loss, planted in sound evidence, is found."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import feedback
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Process, Row
from tests.chaos.feedback import SUBMIT, VOTE, WITHDRAW, deed
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import AGENT, BOSS, REQUESTER, asked, at, sound
from tests.chaos.world import CROWD

CHECKS = (
    feedback.every_item_exists_once,
    feedback.every_step_happened_once,
    feedback.every_vote_counts_once,
    feedback.everyone_was_told_once_a_turn,
    feedback.items_equal_their_processes,
)
EXISTS, HAPPENED, COUNTS, TOLD, EQUAL = (
    "every item of feedback exists once",
    "every step of feedback happened once",
    "every vote counts once",
    "every follower was told once a turn",
    "feedback equals its processes",
)
OURS, THEIRS, GONE, MANY = "item", "crowd", "person-gone", "person-many"


def listened() -> Evidence:
    """An item that two people vote for, of whom one takes it back, is answered and declined; and the crowd's."""
    evidence, rows = sound(), sound().rows
    steps = (("triage", 2, None), ("answer", 3, "Soon."), ("decline", 4, "No."))
    state = {"event_number": 4, "status": "declined", "priority": "low", "merged_into": None}
    seen = [{"request_id": f"{BOSS}:{name}", "version": version} for name, version, _ in steps]
    row = {"id": OURS, "title": "feedback-1", "version": 4, "reach": 2}
    rows["feedback"] = [
        {**row, **{name: state[name] for name in ("status", "priority", "merged_into")}},
        {**row, "id": THEIRS, "title": CROWD, "version": 2, "status": "triaged", "priority": "low"},
    ]
    rows["feedback"][1]["merged_into"] = None
    crowd = {**state, "event_number": 2, "status": "triaged", "seen": []}
    rows["feedback_states"] = [
        {"feedback_id": OURS, "version": 4, "state": {**state, "seen": seen}},
        {"feedback_id": THEIRS, "version": 2, "state": crowd},
    ]
    rows["feedback_comments"] = [{"feedback_id": OURS, "body": body} for _, _, body in steps if body]
    rows["followers"] = [
        follower(OURS, REQUESTER, 0, role="requester"),
        follower(OURS, AGENT, 2),
        follower(OURS, GONE, 2, until=3),
        follower(THEIRS, MANY, 1),
        follower(THEIRS, AGENT, 1, via="another"),
    ]
    rows["turns"] = [
        turn(OURS, 1, "feedback_received", actor_id=None, requesters_only=True),
        turn(OURS, 2, "feedback_moved"),
        turn(OURS, 3, "feedback_answered"),
        turn(OURS, 4, "feedback_declined"),
        turn(THEIRS, 2, "feedback_answered"),
    ]
    rows["notifications"] = [
        *notices(OURS, 1, "feedback_received", REQUESTER),
        *notices(OURS, 2, "feedback_moved", REQUESTER),
        *notices(OURS, 3, "feedback_answered", REQUESTER, AGENT, GONE),
        *notices(OURS, 4, "feedback_declined", REQUESTER, AGENT),
        *notices(THEIRS, 2, "feedback_answered", MANY),
    ]
    processes = [process(OURS, 4), process(THEIRS, 2)]
    return replace(evidence, rows=rows, processes=processes, journal=journal(steps))


def journal(steps: tuple[tuple[str, int, str | None], ...]) -> list[dict[str, Any]]:
    made = asked("made", SUBMIT, REQUESTER, 0, 1, token="feedback-1")
    made[-1]["id"] = OURS
    acts = (
        entry
        for name, version, said in steps
        for entry in asked(name, deed(name), BOSS, version, version, item=OURS, said=said)
    )
    votes = (
        entry for voter in (AGENT, GONE) for entry in asked(f"vote-{voter}", VOTE, voter, 2, 2, item=OURS)
    )
    again = asked("again", VOTE, AGENT, 2, 2, item=OURS)
    again[-1].update(kind="refused", code="already_voted")
    return [*made, *acts, *votes, *again, *asked("back", WITHDRAW, GONE, 3, 3, item=OURS)]


def follower(item: str, person: str, since: int, **fields: Any) -> Row:
    known = {"role": "voter", "via": None, "until": None, **fields}
    return {"feedback_id": item, "person_id": person, "since": since, **known}


def turn(item: str, version: int, kind: str, **fields: Any) -> Row:
    known = {"actor_id": BOSS, "requesters_only": False, "total": 1, "passed": 1, "done_at": at(9), **fields}
    return {"feedback_id": item, "version": version, "kind": kind, **known}


def notices(item: str, version: int, kind: str, *people: str) -> list[Row]:
    key = f"feedback:{item}:{version}:{kind}"
    return [{"event_key": key, "recipient_id": person, "channel": "in_app"} for person in people]


def process(item: str, version: int) -> Process:
    described = {"event_number": version}
    return Process(f"feedback:{item}", "Feedback", "RUNNING", at(0), described=described)


def forget(evidence: Evidence) -> object:
    return evidence.rows["feedback_states"][0]["state"]["seen"].pop(1)


def refuse(evidence: Evidence) -> None:
    answered = (one for one in evidence.journal if one["kind"] == "accepted" and one["key"] == "answer")
    next(answered)["kind"] = "refused"


PLANTS: dict[str, tuple[str, Plant]] = {
    "a lost item": (EXISTS, lose("feedback", 0)),
    "a doubled item": (EXISTS, double("feedback", 0)),
    "an item of nobody": (EXISTS, change("feedback", 0, title="feedback-2")),
    "a lost step": (HAPPENED, forget),
    "words that stand twice": (HAPPENED, double("feedback_comments", 0)),
    "words that are lost": (HAPPENED, lose("feedback_comments", 1)),
    "a refused step that happened": (HAPPENED, refuse),
    "a step that nobody was told of": (HAPPENED, lose("turns", 3)),
    "a step that was told as another": (HAPPENED, change("turns", 3, kind="feedback_planned")),
    "a lost vote": (COUNTS, lose("followers", 1)),
    "a vote that counts twice": (COUNTS, double("followers", 1)),
    "a vote that was taken back and counts": (COUNTS, change("followers", 2, until=None)),
    "a reach of its own": (COUNTS, change("feedback", 0, reach=3)),
    "a turn that was not told to its end": (TOLD, change("turns", 2, done_at=None)),
    "a voter who was not told": (TOLD, lose("notifications", 3)),
    "a voter who was told twice": (TOLD, double("notifications", 3)),
    "one of a crowd who was not told": (TOLD, lose("notifications", 7)),
    "somebody who was told and had left": (TOLD, change("followers", 2, until=2)),
    "an item that differs from its process": (EQUAL, change("feedback", 0, status="planned")),
    "an item that is behind its process": (EQUAL, change("feedback", 0, version=3)),
    "an item without a process": (EQUAL, lambda evidence: evidence.processes.pop(0)),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(listened())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = listened()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
