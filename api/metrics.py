"""What the desk shows at /metrics: the counters of this process, and the state of the whole desk.

The state comes from the database and is asked for at most every five seconds. Each API process shows the same
state, so queries over several of them take the maximum, never the sum. While the database is away the state is
left out and `duradesk_database_up` is 0.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import Response

from api.desk import Desk
from domain.assignment import WaitingReason
from domain.errors import DeskError
from domain.sla.policy import ClockName
from domain.ticket.fields import ACTIVE, Priority
from runtime.metrics import CONTENT_TYPE, Page, whole_page
from storage.gauges import HORIZONS, OPEN, Gauges, gauges

REQUESTS: Final = Counter(
    "duradesk_http_requests_total",
    "HTTP requests by method, route and status.",
    ["method", "route", "status"],
)
SECONDS: Final = Histogram(
    "duradesk_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PASSWORDS: Final = Counter(
    "duradesk_passwords_total", "Passwords that were tried: accepted, wrong, or throttled.", ["outcome"]
)
for _outcome in ("accepted", "wrong", "throttled"):
    PASSWORDS.labels(_outcome)

_FRESH_FOR: Final = 5.0

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    state: State = request.app.state.figures
    text = await whole_page("api", state.page, *state.pages, others=state.others)
    return Response(text, media_type=CONTENT_TYPE)


class State:
    """The state of the whole desk as a page. `pages` are shown as this process's, `others` as their own."""

    def __init__(self, desk: Desk, pages: Sequence[Page], others: Sequence[Page]) -> None:
        self.pages, self.others = pages, others
        self._desk = desk
        self._lock = asyncio.Lock()
        self._known: Gauges | None = None
        self._asked_at = -_FRESH_FOR

    async def page(self) -> str:
        async with self._lock:
            if time.monotonic() - self._asked_at >= _FRESH_FOR:
                self._known = await self._ask()
                self._asked_at = time.monotonic()
            return generate_latest(Families(self._known)).decode()

    async def _ask(self) -> Gauges | None:
        try:
            async with self._desk.database.reading() as reader:
                return await gauges(reader)
        except DeskError:
            return None


class Families:
    """The gauges as prometheus_client collects them; None while the database does not answer."""

    def __init__(self, known: Gauges | None) -> None:
        self._known = known

    def collect(self) -> Iterator[GaugeMetricFamily]:
        known = self._known
        yield _one("duradesk_database_up", "Whether the database answers.", int(known is not None))
        if known is not None:
            yield from _tickets(known)
            yield from _steps(known)
            yield from _deliveries(known)


def _tickets(known: Gauges) -> Iterator[GaugeMetricFamily]:
    tickets = GaugeMetricFamily(
        "duradesk_tickets", "Tickets that are not closed.", labels=["status", "priority"]
    )
    overdue = GaugeMetricFamily(
        "duradesk_tickets_overdue", "Active tickets with a broken promise.", labels=["priority"]
    )
    by_status = {(str(status), str(priority)): 0 for status in OPEN for priority in Priority}
    late = dict.fromkeys((str(priority) for priority in Priority), 0)
    for (status, priority, breached), count in known.tickets.items():
        by_status[status, priority] += count
        if breached and status in ACTIVE:
            late[priority] += count
    for labels, count in by_status.items():
        tickets.add_metric(labels, count)
    for priority, count in late.items():
        overdue.add_metric([priority], count)
    waiting = GaugeMetricFamily(
        "duradesk_tickets_waiting_for_agent", "Tickets that look for someone, by why.", labels=["reason"]
    )
    for reason in WaitingReason:
        waiting.add_metric([reason], known.waiting.get(reason, 0))
    yield from (tickets, overdue, waiting)
    yield _one(
        "duradesk_oldest_waiting_for_agent_seconds",
        "Age of the oldest ticket that looks for someone.",
        known.waiting_age,
    )


def _steps(known: Gauges) -> Iterator[GaugeMetricFamily]:
    due = GaugeMetricFamily(
        "duradesk_steps_due", "Tickets whose next step fires within a time.", labels=["clock", "within"]
    )
    everything = {(str(clock), within): 0 for clock in ClockName for within in HORIZONS}
    for (clock, within), count in (everything | dict(known.due)).items():
        due.add_metric([clock, within], count)
    yield due
    if known.next_due_at is not None:
        help_ = "When the very next step fires, in seconds since 1970."
        yield _one("duradesk_next_step_timestamp_seconds", help_, known.next_due_at)
    yield _one("duradesk_steps_overdue", "Steps that are due and have not fired.", known.overdue)
    yield _one("duradesk_steps_overdue_seconds", "How long the oldest of them is due.", known.overdue_age)


def _deliveries(known: Gauges) -> Iterator[GaugeMetricFamily]:
    mails = GaugeMetricFamily("duradesk_mails", "Mails that are pending, and dead letters.", labels=["state"])
    for state, count in known.mails.items():
        mails.add_metric([state], count)
    yield mails
    yield _one("duradesk_oldest_pending_mail_seconds", "Since when the oldest may be sent.", known.mail_age)
    yield _one("duradesk_outbox_rows", "Rows that the relay has to hand over.", known.outbox)
    yield _one("duradesk_outbox_lag_seconds", "Age of the oldest of them.", known.outbox_age)


def _one(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
