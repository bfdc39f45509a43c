"""What the words of new feedback say of it, before a human confirms it: kind, category, importance.

The rules are those of the classifier of tickets (`domain/classifier/rules.py`); what is not sure stays empty.
"""

from collections.abc import Mapping
from typing import Any, Final

from domain.classifier import rules
from domain.feedback.fields import Kind
from domain.ticket import fields as ticket

SURE: Final = 0.6
_KINDS: Final[Mapping[str, Kind]] = {
    ticket.Kind.COMPLAINT: Kind.COMPLAINT,
    ticket.Kind.SUGGESTION: Kind.SUGGESTION,
    ticket.Kind.FAULT: Kind.PROBLEM,
    ticket.Kind.UNEXPECTED_RESULT: Kind.PROBLEM,
    ticket.Kind.USAGE: Kind.EXPERIENCE,
    ticket.Kind.GETTING_STARTED: Kind.EXPERIENCE,
}
_IMPORTANCE: Final[Mapping[str, int]] = {
    ticket.Priority.CRITICAL: 5,
    ticket.Priority.HIGH: 4,
    ticket.Priority.NORMAL: 3,
    ticket.Priority.LOW: 2,
}


def guess(title: str, body: str) -> dict[str, Any]:
    """The fields that the words tell, by name; None where they tell nothing."""
    scores = rules.scores_of(title, body)
    kind, category, priority = (
        _surest(rules.probabilities(field, scores[field])) for field in ("kind", "category", "priority")
    )
    return {
        "kind": _KINDS.get(kind or ""),
        "category": category,
        "importance": _IMPORTANCE.get(priority or ""),
    }


def _surest(probabilities: Mapping[str, float]) -> str | None:
    if not probabilities:
        return None
    label = max(probabilities, key=lambda one: probabilities[one])
    return label if probabilities[label] >= SURE else None
