"""The checker can fail: each kind of loss, planted in the evidence of one sound ticket, is found, by the check that is
there for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.chaos.checker import judge
from tests.chaos.evidence import Evidence
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import ADMIN, POLICY, SPEC, at, event, fault, ledger, process, sound, warning


def ticket_of(evidence: Evidence) -> dict[str, Any]:
    return evidence.rows["tickets"][0]


def changed_process(**fields: Any) -> Plant:
    return lambda evidence: evidence.processes.append(replace(evidence.processes.pop(), **fields))


def forget_the_reply(evidence: Evidence) -> None:
    """As if the database had never heard of it."""
    rows = evidence.rows
    rows["events"] = [row for row in rows["events"] if row["version"] != 3]
    rows["comments"].pop(0)
    rows["processes"][0]["state"]["seen"].pop(0)


def swap_the_order(evidence: Evidence) -> None:
    first, second = evidence.rows["processes"][0]["state"]["seen"]
    first["version"], second["version"] = second["version"], first["version"]


def refuse_the_reply(evidence: Evidence) -> None:
    next(one for one in evidence.journal if one["kind"] == "accepted" and one["key"] == "reply")["kind"] = (
        "refused"
    )


PLANTS: dict[str, tuple[str, Plant]] = {
    "a lost ticket": ("every accepted create exists once", lose("tickets", 0)),
    "a doubled ticket": (
        "every accepted create exists once",
        lambda evidence: evidence.rows["tickets"].append({**ticket_of(evidence), "id": "other"}),
    ),
    "a missing transition": ("every accepted transition happened once", forget_the_reply),
    "a doubled comment": ("every accepted transition happened once", double("comments", 0)),
    "a transition at another time": (
        "every accepted transition happened once",
        change("events", 3, at=at(7)),
    ),
    "what was refused and happened": ("every accepted transition happened once", refuse_the_reply),
    "swapped transitions": ("accepted transitions happened in order", swap_the_order),
    "an act that nobody asked for": (
        "nothing happened that nobody asked for",
        lambda evidence: evidence.rows["events"].append(event(4, "noted", 11, ADMIN)),
    ),
    "an update that no history holds": (
        "every accepted transition stands in a history",
        changed_process(updates=[f"{ADMIN}:resolve"]),
    ),
    "an update that stands twice": (
        "every accepted transition stands in a history",
        changed_process(updates=[f"{ADMIN}:reply", *process().updates]),
    ),
    "an answer 500": (
        "every request got through in the end",
        lambda evidence: evidence.journal.append(
            {"kind": "broken", "now": 0, "key": "x", "what": "reply", "status": 500, "text": "internal_error"}
        ),
    ),
    "a doubled ledger row": ("every ladder step fired exactly once", double("ledger", 2)),
    "a step that never fired": ("every ladder step fired exactly once", lose("ledger", 4)),
    "a step that was not due": (
        "every ladder step fired exactly once",
        lambda evidence: evidence.rows["ledger"].append(
            ledger(4, "resolution", "breach", 11, step="100%", due_at=at(11), fired_at=at(11))
        ),
    ),
    "a step with another due time": (
        "every ladder step fired exactly once",
        change("ledger", 4, due_at=at(9), fired_at=at(9.01), at=at(9.01)),
    ),
    "an early step": ("no step fired early", change("ledger", 4, fired_at=at(9.9), at=at(9.9))),
    "a late step": ("lateness is explained by the outages", change("ledger", 4, fired_at=at(90), at=at(90))),
    "a clock that runs on": ("clocks pause and end with the status", lose("ledger", 5)),
    "a clock that never started": ("clocks start when the ticket is opened", lose("ledger", 1)),
    "a process without its timer": ("no clock is stuck", changed_process(timers=[])),
    "a timer that is set too late": (
        "no clock is stuck",
        changed_process(timers=[at(12) + timedelta(days=4)]),
    ),
    "a lost mail": ("every notification arrived at least once", lambda evidence: evidence.mails.pop()),
    "a mail that is still on its way": (
        "every notification arrived at least once",
        change("notifications", 1, state="pending"),
    ),
    "a mail of nobody": (
        "every notification arrived at least once",
        lambda evidence: evidence.mails.append(
            {"id": "<spam@nowhere>", "now": at(50).timestamp(), "told": True}
        ),
    ),
    "a requester who was not told": ("everyone who had to be told was told", lose("notifications", 4)),
    "an assignee who was not warned": ("everyone who had to be told was told", lose("notifications", 2)),
    "a fault that the desk did not recover from": (
        "the desk recovered from every fault",
        lambda evidence: evidence.journal[-1].update(in_time=False),
    ),
    "a list that shows another status": (
        "the read model equals the processes",
        change("tickets", 0, status="open"),
    ),
    "a process that says something else": (
        "the read model equals the processes",
        changed_process(described={"event_number": 4, "state": "in_progress"}),
    ),
    "a history that does not add up": ("the history adds up to the ticket", lose("events", 5)),
    "a process that failed": ("every process is sound", changed_process(status="FAILED")),
    "a process that is gone": ("every process is sound", lambda evidence: evidence.processes.clear()),
    "a process that was started twice": ("every process is sound", changed_process(starts=2)),
    "code that a history does not fit": (
        "every process is sound",
        changed_process(task_failures=["WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR"]),
    ),
    "an edit that was accepted and is not there": (
        "accepted edits are in force everywhere",
        change("policy_versions", 0, spec={**SPEC, "ladder": []}),
    ),
    "an absence that was ended and goes on": (
        "accepted edits are in force everywhere",
        change("people", 1, absent_from=at(1)),
    ),
    "a ticket that an edit did not reach": (
        "accepted edits are in force everywhere",
        lambda evidence: (
            ticket_of(evidence).update(status="open"),
            evidence.rows["processes"][0].update(policy={"id": POLICY, "version": 0}),
        ),
    ),
    "a ticket that waits for nothing": (
        "nobody waits while somebody is free",
        change("tickets", 0, status="open", waiting_reason="all_full"),
    ),
    "a ticket that lies with somebody who is away": (
        "nobody waits while somebody is free",
        lambda evidence: (
            ticket_of(evidence).update(status="waiting"),
            evidence.rows["people"][1].update(absent_from=at(1)),
        ),
    ),
}


UNTOUCHED = {
    "nobody waits while somebody is free",
    "every accepted merge and unmerge happened once",
    "every accepted split made one ticket",
    "every accepted bulk action ran once, to its end",
    "every item of a bulk action is as reported",
    "every accepted fact counts once",
    "points are the sum of ledger and facts",
    "every achievement was awarded once",
    "every accepted act moved its claim once",
    "every prize that was won is claimed once",
    "budgets are what the claims took of them",
    "every campaign asked everybody once",
    "every survey was reminded of once",
    "every item of feedback exists once",
    "every step of feedback happened once",
    "every vote counts once",
    "every follower was told once a turn",
    "feedback equals its processes",
    "every accepted entry is there once",
    "no entry came after the bell",
    "every score counts once",
    "every participant was told once a change",
    "contests equal their processes",
}
"""What one sound ticket has nothing to say of; `test_together`, `test_member`, `test_claim`, `test_survey`,
`test_feedback` and `test_contest` plant the rest."""


def test_sound_evidence_passes_every_check() -> None:
    checks = judge(sound())
    assert not [line for check in checks for line in check.findings]
    assert {check.name for check in checks if not check.examined} == UNTOUCHED


@pytest.mark.parametrize("planted", PLANTS)
def test_the_checker_finds(planted: str) -> None:
    name, plant = PLANTS[planted]
    evidence = sound()
    plant(evidence)
    found = {check.name for check in judge(evidence) if not check.passed}
    assert name in found


def test_lateness_within_an_outage_is_explained() -> None:
    """A step that was due while everything was dead may fire when everything runs again; a mail server that was dead
    explains nothing."""
    evidence = sound()
    evidence.rows["ledger"][4] = warning(4, "resolution", 10, 90)
    evidence.rows["ledger"][5] = ledger(5, "resolution", "satisfy", 91)
    late = "lateness is explained by the outages"
    for fault_of, explained in (
        (fault("kill", "worker", 9, 80), True),
        (fault("kill", "smtp", 9, 80), False),
    ):
        evidence.journal[-1] = fault_of
        assert {check.passed for check in judge(evidence) if check.name == late} == {explained}
