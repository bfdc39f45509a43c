"""What is made of a text: for each field a guess, and whether the guess is sure enough to be taken.

The model in use is asked first; a field that it does not know is left to the rule base. Nothing here can be wrong in a
way that matters to the ticket's opening: what is not sure stays empty, and a human decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.classifier import rules
from domain.classifier.classification import FIELDS, RULES, Classification, FieldName, Guess
from domain.classifier.model import Model
from domain.classifier.text import features_of
from domain.ticket.fields import USAGE_KINDS, Kind


@dataclass(frozen=True, slots=True)
class Known:
    """What a desk classifies with. `categories` are those that its teams name; none means that any will do."""

    version: int = RULES
    model: Model | None = None
    categories: frozenset[str] = frozenset()


def classify(
    known: Known, subject: str, description: str, *, threshold: float, given: Collection[str] = ()
) -> Classification:
    """The guesses for all fields but those that are `given`."""
    found = chances(known, subject, description)
    guesses = {field: guess_of(field, found[field], threshold) for field in FIELDS if field not in given}
    return Classification(version=known.version, **guesses)


def chances(known: Known, subject: str, description: str) -> dict[FieldName, Mapping[str, float]]:
    """The probabilities of the labels of each field; none where nothing is known."""
    scores = rules.scores_of(subject, description, known.categories)
    heads = {} if known.model is None else known.model.heads
    features = features_of(subject, description, rules.hints_of(scores)) if heads else {}
    return {
        field: heads[field].probabilities(features)
        if field in heads
        else rules.probabilities(field, scores[field])
        for field in FIELDS
    }


def guess_of(field: FieldName, probabilities: Mapping[str, float], threshold: float) -> Guess | None:
    """The likeliest label. Where neither half of `usage` is sure, `usage` itself may be."""
    if not probabilities:
        return None
    label = max(probabilities, key=lambda one: probabilities[one])
    if field == "kind" and (label == Kind.USAGE or probabilities[label] < threshold):
        probabilities = _with_usage_whole(probabilities)
        label = max(probabilities, key=lambda one: probabilities[one])
    confidence = min(probabilities[label], 1.0)
    return Guess(value=str(label), confidence=round(confidence, 4), sure=confidence >= threshold)


def _with_usage_whole(probabilities: Mapping[str, float]) -> Mapping[str, float]:
    """`usage` as the sum of itself and its two halves."""
    whole = sum(probabilities.get(kind, 0.0) for kind in USAGE_KINDS)
    return {
        **{one: value for one, value in probabilities.items() if one not in USAGE_KINDS},
        Kind.USAGE: whole,
    }
