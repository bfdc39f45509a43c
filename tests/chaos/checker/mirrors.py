"""Everything that is told in two places agrees: the lists, the process's own state, its history, and Temporal."""

from collections import defaultdict
from typing import Any, Final

from tests.chaos.checker.accepted import value_at
from tests.chaos.checker.case import GRACE, Case, Check, Request
from tests.chaos.journal import ACCEPTED

_COLUMNS: Final = ("status", "priority", "category", "tier", "waiting_reason", "reopen_count", "number")
_IDS: Final = ("requester_id", "team_id", "assignee_id", "merged_into")
_FOLDED: Final = ("priority", "category", "assignee_id")
_ACTIVE: Final = ("open", "assigned", "in_progress", "waiting", "on_hold")
_LOADING: Final = ("assigned", "in_progress")

_SOUND: Final[dict[str, frozenset[str]]] = {
    "Ticket": frozenset({"RUNNING", "COMPLETED"}),
    "Notification": frozenset({"COMPLETED"}),
    "Bulk": frozenset({"COMPLETED"}),
    "Rollout": frozenset({"COMPLETED"}),
    "Absence": frozenset({"RUNNING", "COMPLETED", "TERMINATED"}),
    "Training": frozenset({"COMPLETED"}),
    "Backfill": frozenset({"COMPLETED"}),
    "Survey": frozenset({"RUNNING"}),
    "Telling": frozenset({"COMPLETED"}),
}
"""How the processes of each type may stand when nothing is going on. A new absence ends the process of the old one."""

_AGAIN: Final = ("Absence", "Training", "Claim")
"""Those that may begin anew under the same id."""

_ANY_TYPE: Final = frozenset({"RUNNING", "COMPLETED"})


def read_model_equals_process(case: Case) -> Check:
    """The row that every list reads, the state that the process last committed, and what it says of itself now."""
    check = Check("the read model equals the processes")
    for ticket, row in case.tickets.items():
        kept = case.states.get(ticket)
        if kept is None:
            check.expect(False, f"{ticket} has no process state")
            continue
        state = kept["state"]
        check.expect(
            row["version"] == kept["version"] == state["event_number"],
            f"{ticket}: version {row['version']}, process {kept['version']}, state {state['event_number']}",
        )
        for column in (*_COLUMNS, *_IDS):
            there = str(row[column]) if column in _IDS and row[column] is not None else row[column]
            check.expect(
                there == state[column], f"{ticket}: {column} {there} and the process {state[column]}"
            )
        process = case.processes.get(f"ticket:{ticket}")
        if process is not None and process.described is not None:
            told = process.described
            same = told["event_number"] == row["version"] and told["state"] == row["status"]
            later = told["event_number"] > row["version"]  # it went on after the snapshot
            check.expect(
                same or later,
                f"{ticket}: {row['status']} {row['version']}, it says {told['state']} {told['event_number']}",
            )
    return check


def process_equals_history(case: Case) -> Check:
    """What the history adds up to is what is; no version is missing, and none stands twice."""
    check = Check("the history adds up to the ticket")
    for ticket, row in case.tickets.items():
        events = case.events[ticket]
        status = value_at(events, "status", row["version"]) or "open"
        check.expect(status == row["status"], f"{ticket}: {row['status']}, its history says {status}")
        for column in _FOLDED:
            there = None if row[column] is None else str(row[column])
            told = value_at(events, column, row["version"])
            check.expect(told == there, f"{ticket}: {column} {there}, its history says {told}")
        versions = {one["version"] for one in (*events, *case.ledger[ticket])}
        missing = set(range(1, row["version"] + 1)) - versions
        check.expect(
            not missing and max(versions) == row["version"], f"{ticket}: versions {sorted(missing)} missing"
        )
    return check


def every_fault_was_recovered_from(case: Case) -> Check:
    """By itself: nobody helps but the supervisor."""
    check = Check("the desk recovered from every fault")
    for window in case.windows:
        check.expect(window.in_time, f"{window.name} at {window.struck}: no write got through for minutes")
    return check


def every_process_is_sound(case: Case) -> Check:
    """One process a ticket, started once; nothing failed, timed out, or met code that its history does not fit."""
    check = Check("every process is sound")
    for ticket in case.tickets:
        process = case.processes.get(f"ticket:{ticket}")
        check.expect(process is not None, f"{ticket} has no process")
    for process in case.evidence.processes:
        allowed = _SOUND.get(process.type, _ANY_TYPE)
        recent = process.status == "RUNNING" and process.started_at > case.taken_at - GRACE
        check.expect(process.status in allowed or recent, f"{process.id} is {process.status}")
        check.expect(process.starts == 1 or process.type in _AGAIN, f"{process.id}: {process.starts} starts")
        told = [one for one in process.task_failures if "NON_DETERMINISTIC" in one or "describe" in one]
        check.expect(not told, f"{process.id}: {told}")
    check.notes["task failures"] = float(
        sum(len(process.task_failures) for process in case.evidence.processes)
    )
    check.notes["processes"] = float(len(case.evidence.processes))
    return check


def edits_are_in_force(case: Case) -> Check:
    """The last accepted edit of each policy and absence holds, and every open ticket works by it."""
    check = Check("accepted edits are in force everywhere")
    rows = {str(row["id"]): row for row in case.evidence.rows["policies"]}
    for path, requests in _last(case, "policy").items():
        identity = path.rpartition("/")[2]
        spec = case.specs[identity, rows[identity]["version"]]
        check.expect(
            any(_same(request.facts["body"], spec) for request in requests),
            f"policy {identity} is not as accepted",
        )
    for path, requests in _last(case, "absence").items():
        person = case.people[path.split("/")[2]]
        away = person["absent_from"] is not None
        check.expect(any(one.facts["away"] == away for one in requests), f"{person['email']}: away is {away}")
    for ticket, row in case.tickets.items():
        policy = case.states[ticket]["policy"] if ticket in case.states else None
        if row["status"] in _ACTIVE and policy is not None:
            now = rows[policy["id"]]["version"]
            check.expect(
                policy["version"] == now, f"{ticket}: policy version {policy['version']}, in force {now}"
            )
    return check


def _last(case: Case, what: str) -> dict[str, list[Request]]:
    """By what they edit: the last accepted request, and those after it of which nobody heard."""
    found: dict[str, list[Request]] = defaultdict(list)
    for request in sorted(case.of(what, outcome=None), key=lambda one: one.asked_at):
        if request.outcome == ACCEPTED:
            found[request.facts["path"]] = [request]
        elif request.outcome is None:
            found[request.facts["path"]].append(request)
    return {path: requests for path, requests in found.items() if requests[0].outcome == ACCEPTED}


def _same(asked: dict[str, Any], spec: dict[str, Any]) -> bool:
    steps = [step["at"] for step in asked["ladder"]] == [step["at"] for step in spec["ladder"]]
    return steps and asked["targets"].keys() == spec["targets"].keys()


def nobody_waits_for_nothing(case: Case) -> Check:
    """No open ticket lies with somebody who is away, and none waits while somebody able has room."""
    check = Check("nobody waits while somebody is free")
    load: dict[str, int] = defaultdict(int)
    for row in case.evidence.rows["tickets"]:
        if row["assignee_id"] is not None and row["status"] in _LOADING:
            load[str(row["assignee_id"])] += 1
    members: dict[str, list[str]] = defaultdict(list)
    for row in case.evidence.rows["members"]:
        members[str(row["team_id"])].append(str(row["person_id"]))
    freed = _lately_freed(case)
    for ticket, row in case.tickets.items():
        if row["status"] not in _ACTIVE:
            continue
        holder = case.people.get(str(row["assignee_id"]))
        check.expect(holder is None or not _away(case, holder), f"{ticket} lies with somebody who is away")
        if row["waiting_reason"] is not None:
            able = [case.people[one] for one in members[str(row["team_id"])]]
            free = [
                one["email"]
                for one in able
                if one["tier"] >= row["tier"]
                and not _away(case, one)
                and str(one["id"]) not in freed
                and load[str(one["id"])] < one["capacity"]
            ]
            check.expect(not free, f"{ticket} waits ({row['waiting_reason']}), free are {free}")
    return check


def _lately_freed(case: Case) -> set[str]:
    """Who lost a ticket or part of its load so lately that word of it may still be on its way."""
    holders = {str(row["id"]): row["assignee_id"] for row in case.evidence.rows["tickets"]}
    freed = set[str]()
    for ticket, events in case.events.items():
        for event in events:
            if event["at"] > case.taken_at - GRACE:
                before = event["data"].get("assignee_id", [None])[0]
                freed |= {str(one) for one in (before, holders.get(ticket)) if one is not None}
    return freed


def _away(case: Case, person: dict[str, Any]) -> bool:
    since, until = person["absent_from"], person["absent_until"]
    return since is not None and since <= case.taken_at and (until is None or until > case.taken_at)
