"""The rule base: what the words of `domain/classifier/words.py` say of a text.

It answers where no model has been trained, and gives a model its hints. Its confidence was fitted once, on tickets
that are not part of the project; docs/classification.md says how well it holds.
"""

from collections.abc import Collection, Mapping, Sequence
from math import exp
from typing import Final

from domain.classifier.classification import FieldName
from domain.classifier.text import words_of
from domain.classifier.words import CATEGORIES, KINDS, PRIORITIES, PRIORITY_OF_KIND, Phrases

Scores = dict[str, float]

NAMED: Final = 3.0
"""The points of a text that says the name of a category."""
IN_SUBJECT: Final = 2.0
"""How much more a phrase of the subject counts."""
ENOUGH: Final = 12.0
"""More points than these make nothing surer: a long log is full of errors."""
SOFTNESS: Final[Mapping[FieldName, float]] = {"category": 2.0, "kind": 2.5, "priority": 2.5}
"""How many points make a label e times as likely as another."""


def scores_of(subject: str, description: str, categories: Collection[str] = ()) -> dict[FieldName, Scores]:
    """Points for each label of each field; each phrase counts once. Only these `categories` come into question, by
    the words of the rule base and by their own names; without any, those of the rule base."""
    title, body = words_of(subject), words_of(description)
    kinds = _points("kind", title, body)
    priorities = _points("priority", title, body)
    if any(kinds.values()):
        kind = max(kinds, key=lambda label: kinds[label])
        for label, points in PRIORITY_OF_KIND[kind].items():
            priorities[label] += points
    proposed = _points("category", title, body)
    if categories:
        proposed = {
            name: max(proposed.get(name.casefold(), 0.0), _named(name, title, body)) for name in categories
        }
    return {"category": proposed, "kind": kinds, "priority": priorities}


def probabilities(field: FieldName, scores: Scores) -> Scores:
    """Of each label, adding up to one; nothing where no word was known."""
    if not any(scores.values()):
        return {}
    grown = {label: exp(points / SOFTNESS[field]) for label, points in scores.items()}
    total = sum(grown.values())
    return {label: value / total for label, value in grown.items()}


def hints_of(scores: Mapping[FieldName, Scores]) -> dict[str, float]:
    """The scores as features beside the words of a text."""
    return {
        f"{field} {label}": points / ENOUGH
        for field, labels in scores.items()
        for label, points in labels.items()
        if points
    }


def _points(field: FieldName, title: list[str], body: list[str]) -> Scores:
    scores = dict.fromkeys(_PHRASES[field], 0.0)
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for words, factor in ((title, IN_SUBJECT), (body, 1.0)):
        for place, word in enumerate(words):
            for phrase, label, points in _INDEX[field].get(word, ()):
                if (label, phrase) not in seen and tuple(words[place : place + len(phrase)]) == phrase:
                    seen.add((label, phrase))
                    scores[label] += points * factor
    return {label: min(points, ENOUGH) for label, points in scores.items()}


def _named(category: str, title: list[str], body: list[str]) -> float:
    """The points of a category whose name the text says."""
    name = words_of(category)
    said = [
        factor
        for words, factor in ((title, IN_SUBJECT), (body, 1.0))
        if name and any(words[place : place + len(name)] == name for place in range(len(words)))
    ]
    return NAMED * max(said, default=0.0)


def _by_first_word(phrases: Phrases) -> Mapping[str, Sequence[tuple[tuple[str, ...], str, int]]]:
    found: dict[str, list[tuple[tuple[str, ...], str, int]]] = {}
    for label, by_points in phrases.items():
        for points, listed in by_points.items():
            for phrase in listed.split(","):
                words = tuple(words_of(phrase))
                found.setdefault(words[0], []).append((words, label, points))
    return found


_PHRASES: Final[Mapping[FieldName, Phrases]] = {"category": CATEGORIES, "kind": KINDS, "priority": PRIORITIES}
_INDEX: Final = {field: _by_first_word(phrases) for field, phrases in _PHRASES.items()}
