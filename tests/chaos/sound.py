"""Evidence of a sound run of one ticket, in which tests plant faults that the checker must find."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

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


_EMPTY = (
    *("links", "collaborators", "bulks", "bulk_items", "trainings", "versions", "choices"),
    *("contributors", "member_facts", "member_points", "member_scores", "awards"),
    *("prizes", "claims", "claim_steps"),
    *("surveys", "invitations", "answers"),
    *("feedback", "feedback_states", "feedback_comments", "followers", "turns"),
    *("contests", "contest_states", "contest_events"),
    *("entries", "assignments", "participants", "judges"),
)
STATE: dict[str, Any] = {
    **{"event_number": 5, "status": "resolved", "priority": "normal", "category": "network", "tier": 1},
    **{"reopen_count": 0, "number": 1, "requester_id": REQUESTER, "team_id": TEAM, "assignee_id": AGENT},
    "waiting_reason": None,
    "merged_into": None,
}


def sound() -> Evidence:
    """A ticket that is opened, warned of, answered, warned of again, and resolved; then everything is killed."""
    rows = {**history(), **records()}
    mails = [
        {"id": f"<notification.{row['id']}@desk.localhost>", "now": at(13).timestamp(), "told": True}
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
        "classification": None,
    }
    return {
        "tickets": [ticket],
        "processes": [{**kept, "state": {**STATE, "seen": seen}}],
        "policies": [{"id": POLICY, "version": 1}],
        "policy_versions": [{"policy_id": POLICY, "version": 1, "spec": SPEC}],
        "people": [person(REQUESTER, "requester"), person(AGENT, "agent"), person(BOSS, "manager")],
        "members": [{"team_id": TEAM, "person_id": AGENT}],
        **{name: [] for name in _EMPTY},
    }


def person(identity: str, role: str) -> dict[str, Any]:
    free = {"tier": 1, "skills": [], "capacity": 5, "active": True, "absent_from": None, "absent_until": None}
    return {"id": identity, "email": f"{identity}@people.example", "roles": [role], **free}


def process() -> Process:
    updates = [f"{ADMIN}:reply", f"{ADMIN}:resolve"]
    described = {"event_number": 5, "state": "resolved"}
    timers = [at(12) + timedelta(days=3, milliseconds=20)]
    return Process(f"ticket:{TICKET}", "Ticket", "RUNNING", BEGAN, 1, 1, timers, updates, [], described)
