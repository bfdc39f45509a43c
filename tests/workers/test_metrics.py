"""What workers count: events, how late steps fired, what became of mails."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from domain.notification.delivery import DeliveryDelayed, DeliveryRefused
from domain.sla.ledger import Entry, LedgerEntry
from domain.sla.policy import ClockName
from domain.ticket.fields import Priority, Status
from domain.ticket.messages import Change, Event, Outcome
from domain.ticket.state import TicketState
from workers.metrics import CountingSender, count_commit

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _fired(late: timedelta) -> Change:
    state = TicketState(
        id=UUID(int=1),
        event_number=2,
        fingerprint="",
        created_at=NOW,
        status=Status.OPEN,
        priority=Priority.NORMAL,
        requester_id=UUID(int=2),
    )
    row = LedgerEntry(
        clock=ClockName.RESOLUTION,
        cycle=1,
        kind=Entry.BREACH,
        at=NOW,
        due_at=NOW - late,
        fired_at=NOW,
        cause="timer",
        policy_id=UUID(int=3),
        policy_version=1,
        calendar_version=0,
    )
    return Change(state=state, at=NOW, events=[Event(type="sla_breached", at=NOW)], ledger=[row])


def test_a_fired_step_is_counted_with_its_lateness() -> None:
    labels = {"clock": "resolution", "kind": "breach"}
    before = [_value("duradesk_step_lateness_seconds_bucket", **labels, le=le) for le in ("1.0", "2.5")]
    events = _value("duradesk_ticket_events_total", type="sla_breached")
    count_commit(_fired(timedelta(seconds=2)), Outcome())
    after = [_value("duradesk_step_lateness_seconds_bucket", **labels, le=le) for le in ("1.0", "2.5")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [0, 1]
    assert _value("duradesk_ticket_events_total", type="sla_breached") == events + 1


def test_a_commit_that_the_database_knew_fires_nothing_again() -> None:
    change = _fired(timedelta(seconds=2))
    fired = _value("duradesk_step_lateness_seconds_count", clock="resolution", kind="breach")
    repeated = _value("duradesk_commits_total", outcome="repeated")
    count_commit(change, Outcome(state=change.state))
    assert _value("duradesk_step_lateness_seconds_count", clock="resolution", kind="breach") == fired
    assert _value("duradesk_commits_total", outcome="repeated") == repeated + 1


class _Server:
    configured = True

    def __init__(self, answer: Exception | None) -> None:
        self.answer = answer

    async def send(self, message: EmailMessage) -> None:
        if self.answer is not None:
            raise self.answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (None, "sent"),
        (DeliveryDelayed("smtp_away", "Away."), "delayed"),
        (DeliveryRefused("mail_refused", "No."), "refused"),
    ],
)
async def test_a_mail_is_counted_by_what_became_of_it(answer: Exception | None, outcome: str) -> None:
    before = _value("duradesk_mails_tried_total", outcome=outcome)
    sender = CountingSender(_Server(answer))
    with nullcontext() if answer is None else pytest.raises(type(answer)):
        await sender.send(EmailMessage())
    assert _value("duradesk_mails_tried_total", outcome=outcome) == before + 1
