"""How much two texts are about the same, by the words that they share: rare words tell more than frequent ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log
from typing import Final

LIKE_ENOUGH: Final = 0.3
"""What is proposed shares at least so much of what was asked for."""


def telling(words: Iterable[str]) -> list[str]:
    """The words that tell something: of one letter or one Chinese character only if there are no others."""
    every = list(dict.fromkeys(words))
    return [word for word in every if len(word) > 1] or every


def likeness(
    asked: Sequence[str], shared: Collection[str], frequencies: Mapping[str, int], documents: int
) -> float:
    """The share of what was asked for that is found, between 0 and 1; each word weighs by how few of the `documents`
    that share anything hold it."""
    weights = {word: log(2 + documents) - log(1 + frequencies.get(word, 0)) for word in asked}
    total = sum(weights.values())
    return sum(weights[word] for word in asked if word in shared) / total if total else 0.0
