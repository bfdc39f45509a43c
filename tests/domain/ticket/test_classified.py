"""A ticket that was classified as it came in: its history says what was guessed, and that it was nobody's act."""

from domain.classifier.classification import Classification, Guess
from domain.ticket import process
from domain.ticket.fields import Kind
from tests.domain.ticket.steps import REQUESTER, T0, command

GUESSED = Classification(version=2, kind=Guess(value="fault", confidence=0.9, sure=True))


def test_what_was_guessed_is_nobody_s_act() -> None:
    guessed = command(kind=Kind.FAULT, created_by=REQUESTER, classification=GUESSED)
    events = process.opened(guessed, T0).events
    assert [(one.type, one.actor_id) for one in events] == [("opened", REQUESTER), ("classified", None)]
    assert events[1].data == {
        "version": 2,
        "kind": {"value": "fault", "confidence": 0.9, "sure": True},
    }


def test_a_ticket_that_was_not_classified_says_nothing_of_it() -> None:
    assert [one.type for one in process.opened(command(), T0).events] == ["opened"]
