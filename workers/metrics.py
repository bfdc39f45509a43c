"""What the workers count: changes of tickets and how late steps fired, mails, and what the relay hands over.

Counted after the fact, in the process that did it; a commit that is repeated counts once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Final, get_args

from prometheus_client import Counter, Histogram

from adapters.smtp import Sender
from domain.notification.delivery import DeliveryFailed, DeliveryRefused
from domain.sla.ledger import Entry
from domain.sla.policy import ClockName
from domain.ticket.messages import Change, Outcome
from domain.ticket.process import with_facts
from storage.outbox import Topic

LATENESS: Final = Histogram(
    "duradesk_step_lateness_seconds",
    "How long after its time a step of a ladder fired.",
    ["clock", "kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)
EVENTS: Final = Counter("duradesk_ticket_events_total", "Events in the history of tickets.", ["type"])
COMMITS: Final = Counter(
    "duradesk_commits_total",
    "Changes of tickets: committed, or repeated, which the database knew already.",
    ["outcome"],
)
MAILS: Final = Counter(
    "duradesk_mails_tried_total", "Tries to send a mail: sent, delayed or refused.", ["outcome"]
)
MAIL_SECONDS: Final = Histogram("duradesk_mail_seconds", "How long the mail server took for a mail.")
HANDED_OVER: Final = Counter(
    "duradesk_outbox_handed_over_total", "Rows of the outbox handed over.", ["topic"]
)
KEPT: Final = Counter(
    "duradesk_outbox_kept_total", "Rows that could not be handed over and come again.", ["topic"]
)

FIRED: Final = (Entry.WARN, Entry.BREACH, Entry.ESCALATE)
TOPICS: Final = get_args(Topic)


def _show_from_the_start() -> None:
    """A series that begins with its first event hides that event from every rate."""
    for clock in ClockName:
        for kind in FIRED:
            LATENESS.labels(clock, kind)
    for outcome in ("committed", "repeated"):
        COMMITS.labels(outcome)
    for outcome in ("sent", "delayed", "refused"):
        MAILS.labels(outcome)
    for topic in TOPICS:
        HANDED_OVER.labels(topic)
        KEPT.labels(topic)


_show_from_the_start()


def count_commit(change: Change, outcome: Outcome) -> None:
    """After the commit of `change`."""
    if outcome.state is not None:
        COMMITS.labels("repeated").inc()
        return
    if outcome.facts is not None:
        change = with_facts(change, outcome.facts)
    COMMITS.labels("committed").inc()
    for event in change.events:
        EVENTS.labels(event.type).inc()
    for row in change.ledger:
        if row.fired_at is not None and row.due_at is not None:
            LATENESS.labels(row.clock, row.kind).observe((row.fired_at - row.due_at).total_seconds())


class CountingSender:
    """A sender that counts what becomes of its mails."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def configured(self) -> bool:
        return self._sender.configured

    async def send(self, message: EmailMessage) -> None:
        with _counted(), MAIL_SECONDS.time():
            await self._sender.send(message)

    async def greet(self, hostname: str) -> None:
        await self._sender.greet(hostname)


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except DeliveryFailed as error:
        MAILS.labels("refused" if isinstance(error, DeliveryRefused) else "delayed").inc()
        raise
    MAILS.labels("sent").inc()
