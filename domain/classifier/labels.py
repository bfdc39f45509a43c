"""What a ticket teaches: its labels, and whether a human gave them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.classifier.classification import Classification, FieldName
from domain.classifier.evaluation import Example, Label, Practice

SET: Final[tuple[FieldName, ...]] = ("category", "kind")
"""The fields that a sure guess fills in; a priority is only proposed."""


class Labelled(BaseModel):
    """A ticket as it is now. `priority` is the last one that somebody set by hand, if anybody did."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    created_at: datetime
    subject: str
    description: str
    category: str | None
    kind: str | None
    requested_priority: str
    priority: str | None
    classification: Classification | None


def example_of(ticket: Labelled) -> Example:
    """A value that was guessed, and that nobody changed, is no human's word; nor is a priority that nobody named."""
    guessed = ticket.classification
    labels: dict[FieldName, Label] = {}
    for field in SET:
        if (value := getattr(ticket, field)) is not None:
            taken = None if guessed is None else guessed.taken(field)
            labels[field] = Label(value=value, said=taken != value, prompted=taken is not None)
    named = guessed is None or guessed.priority is None
    labels["priority"] = Label(
        value=ticket.priority or ticket.requested_priority, said=named or ticket.priority is not None
    )
    return Example(ticket_id=ticket.id, subject=ticket.subject, description=ticket.description, labels=labels)


def practice_of(tickets: Sequence[Labelled]) -> dict[FieldName, Practice]:
    """How often what was guessed and taken was changed afterwards."""
    found: dict[FieldName, Practice] = {}
    for field in SET:
        taken = [one for one in tickets if one.classification and one.classification.taken(field)]
        changed = sum(
            one.classification is not None and one.classification.taken(field) != getattr(one, field)
            for one in taken
        )
        found[field] = Practice(taken=len(taken), changed=changed)
    return found
