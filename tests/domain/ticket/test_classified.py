"""A ticket that was classified as it came in: its history says what was guessed, and that it was nobody's act."""

from datetime import UTC, datetime
from uuid import uuid4

from domain.classifier.classification import Classification, Guess
from domain.ticket import process
from domain.ticket.fields import Kind, Priority
from domain.ticket.messages import OpenTicket, Requester

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ASKER = uuid4()
COMMAND = OpenTicket(
    ticket_id=uuid4(),
    fingerprint="f",
    subject="Disk full",
    description="On node 3",
    requester=Requester(person_id=ASKER),
    priority=Priority.NORMAL,
    kind=Kind.FAULT,
    created_by=ASKER,
)
GUESSED = Classification(version=2, kind=Guess(value="fault", confidence=0.9, sure=True))


def test_what_was_guessed_is_nobody_s_act() -> None:
    command = COMMAND.model_copy(update={"classification": GUESSED})
    events = process.opened(command, T0).events
    assert [(one.type, one.actor_id) for one in events] == [("opened", ASKER), ("classified", None)]
    assert events[1].data == {
        "version": 2,
        "kind": {"value": "fault", "confidence": 0.9, "sure": True},
    }


def test_a_ticket_that_was_not_classified_says_nothing_of_it() -> None:
    assert [one.type for one in process.opened(COMMAND, T0).events] == ["opened"]
