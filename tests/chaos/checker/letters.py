"""What people are told: every notification arrived, and everyone who had to be told has one."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tests.chaos.checker import clocks
from tests.chaos.checker.accepted import value_at
from tests.chaos.checker.case import GRACE, Case, Check, instant
from tests.chaos.evidence import Row

_MESSAGE: Final = re.compile(r"<notification\.([0-9a-f-]{36})@")
_TELLS: Final = {"warn": "sla_warning", "breach": "sla_breached", "escalate": "ticket_escalated"}


def every_mail_arrived(case: Case) -> Check:
    """Each mail that was to be sent was taken by the mail server, at least once, and the desk knows it."""
    check = Check("every notification arrived at least once")
    arrived = Counter(
        _notification(mail["id"]) for mail in case.evidence.mails if instant(mail["now"]) <= case.taken_at
    )
    told = Counter(_notification(mail["id"]) for mail in case.evidence.mails if mail["told"])
    for row in case.evidence.rows["notifications"]:
        if row["channel"] == "email":
            identity = str(row["id"])
            recent = row["created_at"] > case.taken_at - GRACE
            check.expect(
                row["state"] == "sent" or recent, f"{identity} is {row['state']}: {row['last_error']}"
            )
            if row["state"] == "sent":
                check.expect(told[identity] > 0, f"{identity} is called sent and never arrived")
    known = {str(row["id"]) for row in case.evidence.rows["notifications"]}
    check.findings += [f"{one} arrived and nobody asked for it" for one in arrived.keys() - known]
    check.notes["mails"] = float(sum(arrived.values()))
    check.notes["duplicates"] = float(sum(arrived.values()) - len(arrived))
    return check


def _notification(message_id: str) -> str:
    found = _MESSAGE.match(message_id or "")
    return found[1] if found else str(message_id)


def everyone_was_told(case: Case) -> Check:
    """The requester of what arrives, is answered and is resolved; the assignee and the managers of each step that
    says so. Each is told once in the app."""
    check = Check("everyone who had to be told was told")
    there = Counter(
        (row["event_key"], str(row["recipient_id"]))
        for row in case.evidence.rows["notifications"]
        if row["channel"] == "in_app"
    )
    managers = [person for person, row in case.people.items() if "manager" in row["roles"]]
    for ticket, row in case.tickets.items():
        requester = str(row["requester_id"])
        for version, kind in _public(case.events[ticket]):
            key = f"ticket:{ticket}:{version}:{kind}"
            check.expect(
                there[key, requester] == 1, f"{key}: the requester was told {there[key, requester]} times"
            )
        for version, kind, step in _steps(case, ticket):
            key = f"ticket:{ticket}:{version}:{kind}:{step.clock}" + (f":{step.label}" if step.label else "")
            assignee = value_at(case.events[ticket], "assignee_id", version)
            people = managers if "notify:manager" in step.effects else []
            people = [*people, assignee] if assignee and "notify:assignee" in step.effects else people
            for person in people:
                check.expect(there[key, person] == 1, f"{key}: {person} was told {there[key, person]} times")
    return check


def _public(events: list[Row]) -> Iterator[tuple[int, str]]:
    """The versions of which the requester must hear, and the kind of what they hear."""
    told = {
        "opened": "ticket_created",
        "replied": "ticket_replied",
        "resolved": "ticket_resolved",
        "merged": "ticket_merged",
    }
    for event in events:
        if event["type"] in told:
            yield event["version"], told[event["type"]]


def _steps(case: Case, ticket: str) -> Iterator[tuple[int, str, clocks.Step]]:
    """The steps that fired, with what they had to do. Of repeats that an outage let pile up, the last one tells."""
    rows = case.ledger[ticket]
    fired = {(row["clock"], row["cycle"], row["step"]): row for row in rows if row["kind"] in clocks.STEPS}
    last: dict[tuple[Any, ...], clocks.Step] = {}
    for clock in clocks.played(rows, case.specs, case.taken_at):
        for step in clock.due:
            row = fired.get(step.key)
            if row is not None:
                last[row["version"], step.clock, step.effects] = step
    for (version, _, _), step in last.items():
        yield version, _TELLS[step.kind], step
