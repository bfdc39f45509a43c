"""The checker can fail: each kind of loss, planted in the evidence of one sound ticket, is found, by the check that is
there for it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos.checker import judge
from tests.chaos.evidence import Evidence, Process

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TICKET, REQUESTER, ADMIN, AGENT, BOSS, TEAM, POLICY = (f"{number:08d}-0000" for number in range(7))
SPEC = {
    "targets": {"normal": {"first_response": "PT10S", "resolution": "PT20S"}},
    "pause_on": ["waiting"],
    "on_priority_change": "keep",
    "ladder": [
        {"clock": "*", "at": "50%", "do": ["notify:assignee"], "repeat": None},
        {"clock": "*", "at": "100%", "do": ["notify:manager"], "repeat": None},
    ],
}
Plant = Callable[[Evidence], object]


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def event(version: int, type_: str, seconds: float, actor: str | None = None, **data: Any) -> dict[str, Any]:
    row = {"ticket_id": TICKET, "version": version, "position": 0, "type": type_, "at": at(seconds)}
    return {**row, "actor_id": actor, "cause": None, "data": data}


def ledger(version: int, clock: str, kind: str, seconds: float, **fields: Any) -> dict[str, Any]:
    row = {
        "ticket_id": TICKET,
        "version": version,
        "clock": clock,
        "cycle": 1,
        "kind": kind,
        "at": at(seconds),
    }
    target = {"first_response": 10.0, "resolution": 20.0}[clock]
    known = {"step": None, "due_at": None, "fired_at": None, "missed": 0, "target": target}
    return {**row, **known, "policy_id": POLICY, "policy_version": 1, **fields}


def warning(version: int, clock: str, due: float, fired: float) -> dict[str, Any]:
    return ledger(version, clock, "warn", fired, step="50%", due_at=at(due), fired_at=at(fired))


def comment(body: str) -> dict[str, Any]:
    return {"id": body, "ticket_id": TICKET, "author_id": ADMIN, "body": body}


def told(version: int, kind: str, person: str, more: str = "") -> list[dict[str, Any]]:
    key = f"ticket:{TICKET}:{version}:{kind}{more}"
    row = {"event_key": key, "recipient_id": person, "created_at": BEGAN, "last_error": None}
    identity = f"{version:08d}-0000-0000-0000-000000000000"
    mail = {**row, "id": identity, "channel": "email", "state": "sent"}
    return [{**row, "id": f"app-{version}", "channel": "in_app", "state": "unread"}, mail]


def asked(key: str, what: str, who: str, seconds: float, version: int, **facts: Any) -> list[dict[str, Any]]:
    began = BEGAN.timestamp() + seconds
    first = {"kind": "asked", "now": began - 0.1, "key": key, "what": what, "who": who, **facts}
    last = {
        "kind": "accepted",
        "now": began + 0.2,
        "key": key,
        "what": what,
        "id": TICKET,
        "version": version,
    }
    return [first, last]


def fault(kind: str, target: str, struck: float, recovered: float) -> dict[str, Any]:
    times = {"struck": at(struck).timestamp(), "recovered": at(recovered).timestamp(), "in_time": True}
    what = {"kind": kind, "targets": [target]}
    return {"kind": "fault", "name": f"{kind} {target}", "fault": what, **times}


STATE: dict[str, Any] = {
    **{"event_number": 5, "status": "resolved", "priority": "normal", "category": "network", "tier": 1},
    **{"reopen_count": 0, "number": 1, "requester_id": REQUESTER, "team_id": TEAM, "assignee_id": AGENT},
    "waiting_reason": None,
}


def sound() -> Evidence:
    """A ticket that is opened, warned of, answered, warned of again, and resolved; then everything is killed."""
    rows = {**history(), **records()}
    mails = [
        {"id": f"<notification.{row['id']}@desk.localhost>", "told": True}
        for row in rows["notifications"]
        if row["channel"] == "email"
    ]
    journal = [
        *asked("create", "create", REQUESTER, 0, 1, token="one"),
        *asked("edit", "policy", ADMIN, 3, 1, path=f"/sla-policies/{POLICY}", body=SPEC),
        *asked("back", "absence", BOSS, 3, 1, path=f"/people/{AGENT}/absence", away=False),
        *asked("reply", "reply", ADMIN, 6, 3, ticket=TICKET, token="one-0"),
        *asked("resolve", "resolve", ADMIN, 12, 5, ticket=TICKET, token="one-1"),
        fault("kill", "up", 20, 30),
    ]
    return copy.deepcopy(Evidence(at(100), rows, [process()], mails, journal))


def history() -> dict[str, list[dict[str, Any]]]:
    return {
        "events": [
            event(1, "opened", 0, REQUESTER, priority="normal", category="network"),
            event(1, "assigned", 0, REQUESTER, assignee_id=[None, AGENT]),
            event(1, "status_changed", 0, REQUESTER, status=["open", "assigned"]),
            event(3, "replied", 6, ADMIN),
            event(3, "status_changed", 6, ADMIN, status=["assigned", "in_progress"]),
            event(5, "status_changed", 12, ADMIN, status=["in_progress", "resolved"]),
            event(5, "resolved", 12, ADMIN),
        ],
        "comments": [comment("one-0"), comment("one-1")],
        "ledger": [
            ledger(1, "first_response", "start", 0),
            ledger(1, "resolution", "start", 0),
            warning(2, "first_response", 5, 5.01),
            ledger(3, "first_response", "satisfy", 6),
            warning(4, "resolution", 10, 10.01),
            ledger(5, "resolution", "satisfy", 12),
        ],
        "notifications": [
            *told(1, "ticket_created", REQUESTER),
            *told(2, "sla_warning", AGENT, ":first_response:50%"),
            *told(3, "ticket_replied", REQUESTER),
            *told(4, "sla_warning", AGENT, ":resolution:50%"),
            *told(5, "ticket_resolved", REQUESTER),
        ],
    }


def records() -> dict[str, list[dict[str, Any]]]:
    seen = [
        {"request_id": f"{ADMIN}:{key}", "version": version}
        for key, version in (("reply", 3), ("resolve", 5))
    ]
    kept = {"ticket_id": TICKET, "version": 5, "policy": {"id": POLICY, "version": 1}}
    ticket = {
        **{name: value for name, value in STATE.items() if name != "event_number"},
        **{"id": TICKET, "subject": "one", "version": 5, "resolved_at": at(12), "closed_at": None},
        "next_step_at": at(12) + timedelta(days=3),
    }
    return {
        "tickets": [ticket],
        "processes": [{**kept, "state": {**STATE, "seen": seen}}],
        "policies": [{"id": POLICY, "version": 1}],
        "policy_versions": [{"policy_id": POLICY, "version": 1, "spec": SPEC}],
        "people": [person(REQUESTER, "requester"), person(AGENT, "agent"), person(BOSS, "manager")],
        "members": [{"team_id": TEAM, "person_id": AGENT}],
    }


def person(identity: str, role: str) -> dict[str, Any]:
    free = {"tier": 1, "skills": [], "capacity": 5, "active": True, "absent_from": None, "absent_until": None}
    return {"id": identity, "email": f"{identity}@people.example", "roles": [role], **free}


def process() -> Process:
    updates = [f"{ADMIN}:reply", f"{ADMIN}:resolve"]
    described = {"event_number": 5, "state": "resolved"}
    timers = [at(12) + timedelta(days=3, milliseconds=20)]
    return Process(f"ticket:{TICKET}", "Ticket", "RUNNING", 1, 1, timers, updates, [], described)


def ticket_of(evidence: Evidence) -> dict[str, Any]:
    return evidence.rows["tickets"][0]


def double(table: str, number: int) -> Plant:
    return lambda evidence: evidence.rows[table].append(dict(evidence.rows[table][number]))


def lose(table: str, number: int) -> Plant:
    return lambda evidence: evidence.rows[table].pop(number)


def change(table: str, number: int, **fields: Any) -> Plant:
    return lambda evidence: evidence.rows[table][number].update(fields)


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
        lambda evidence: evidence.mails.append({"id": "<spam@nowhere>", "told": True}),
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


def test_sound_evidence_passes_every_check() -> None:
    checks = judge(sound())
    assert not [line for check in checks for line in check.findings]
    assert {check.name for check in checks if not check.examined} == {"nobody waits while somebody is free"}


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
