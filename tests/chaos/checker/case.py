"""The evidence put in order: rows by ticket, requests by key, outage windows; and what a check gives."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.chaos.evidence import Evidence, Process, Row
from tests.chaos.journal import ABANDONED, ACCEPTED, ASKED, BROKEN, FAULT, REFUSED, Entry

CANARY: Final = "canary"
"""The subject of tickets that the injector writes to; they are not part of the load."""

SLACK: Final = timedelta(milliseconds=50)
"""Between two clocks of one machine that are read by different programs."""

GRACE: Final = timedelta(seconds=20)
"""What is due this shortly before the end of a run need not have happened yet."""


@dataclass
class Check:
    """`examined` things were looked at; `findings` is what is wrong with them, a line each."""

    name: str
    examined: int = 0
    findings: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.findings

    def expect(self, true: bool, finding: str) -> None:
        self.examined += 1
        if not true:
            self.findings.append(finding)


@dataclass
class Request:
    """One request of the load. `outcome` is None if the run ended before it was answered."""

    key: str
    what: str
    who: str
    facts: Entry
    asked_at: datetime
    outcome: str | None = None
    answered_at: datetime | None = None
    answer: Entry = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What the process remembers it by."""
        return f"{self.who}:{self.key}"

    @property
    def ticket(self) -> str | None:
        return self.facts.get("ticket") or self.answer.get("id")


@dataclass
class Window:
    """A fault and the time until the desk served again. One that struck only the mail server delays no step."""

    name: str
    struck: datetime
    recovered: datetime
    in_time: bool = True
    mail_only: bool = False


class Case:
    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        rows = evidence.rows
        self.taken_at = evidence.taken_at
        self.tickets = {
            str(row["id"]): row for row in rows["tickets"] if not row["subject"].startswith(CANARY)
        }
        self.events = self._by_ticket("events")
        self.comments = self._by_ticket("comments")
        self.ledger = self._by_ticket("ledger")
        self.states = {str(row["ticket_id"]): row for row in rows["processes"]}
        self.specs: dict[tuple[str, int], Any] = {
            (str(row["policy_id"]), row["version"]): row["spec"] for row in rows["policy_versions"]
        }
        self.people = {str(row["id"]): row for row in rows["people"]}
        self.processes: dict[str, Process] = {process.id: process for process in evidence.processes}
        self.requests = {request.key: request for request in _requests(evidence.journal)}
        self.bulks = {str(row["id"]): row for row in rows["bulks"]}
        self.items: dict[str, list[Row]] = defaultdict(list)
        for row in rows["bulk_items"]:
            self.items[str(row["bulk_id"])].append(row)
        self.broken = [entry for entry in evidence.journal if entry["kind"] == BROKEN]
        self.windows = sorted(_windows(evidence.journal), key=lambda window: window.struck)
        self.outages = [window for window in self.windows if not window.mail_only]

    def _by_ticket(self, table: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.evidence.rows[table]:
            found[str(row["ticket_id"])].append(row)
        return found

    def of(self, *whats: str, outcome: str | None = ACCEPTED) -> Iterator[Request]:
        for request in self.requests.values():
            if request.what in whats and (outcome is None or request.outcome == outcome):
                yield request

    def actions(self) -> Iterator[Request]:
        """Requests that act on a ticket."""
        return (request for request in self.requests.values() if "ticket" in request.facts)

    def seen(self, ticket: str) -> dict[str, list[int]]:
        """The versions that each request made, as the process remembers."""
        found: dict[str, list[int]] = defaultdict(list)
        for one in self.states[ticket]["state"]["seen"] if ticket in self.states else ():
            found[one["request_id"]].append(one["version"])
        return found


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _requests(journal: Iterable[Entry]) -> Iterator[Request]:
    found: dict[str, Request] = {}
    for entry in journal:
        if entry["kind"] == ASKED:
            found[entry["key"]] = Request(
                entry["key"], entry["what"], entry["who"], entry, instant(entry["now"])
            )
        elif entry["kind"] in (ACCEPTED, REFUSED, ABANDONED):
            request = found[entry["key"]]
            request.outcome, request.answered_at, request.answer = entry["kind"], instant(entry["now"]), entry
    yield from found.values()


def _windows(journal: Iterable[Entry]) -> Iterator[Window]:
    for entry in journal:
        if entry["kind"] == FAULT:
            struck, recovered = instant(entry["struck"]), instant(entry["recovered"])
            mail_only = entry["fault"]["kind"] == "mail" or entry["fault"]["targets"] == ["smtp"]
            yield Window(entry["name"], struck, recovered, entry["in_time"], mail_only)
