"""Reads a ticket's text for classification: words, and the numbered features that a model weighs.

English is read by words, Chinese by characters in twos and threes, so neither needs a dictionary. The numbers of
features are part of what a model means: whoever changes them gives `FORMAT` of `domain/classifier/model.py` a new
number, and models of the old one are trained anew.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import log
from typing import Final
from zlib import crc32

BUCKETS: Final = 2**16
READ: Final = 2_000
"""How many characters of a description are read: what a ticket is about stands at its beginning."""

_WORD_LENGTH: Final = 24
_WORDS: Final = re.compile(r"[^\W\u3400-\u9fff]+(?:['’-][^\W\u3400-\u9fff]+)*|[\u3400-\u9fff]|[?？!！]")
_HAN: Final = "\u3400"


def words_of(text: str) -> list[str]:
    """Words in lower case, Chinese characters one by one, and marks of question and exclamation."""
    return [word for word in _WORDS.findall(text[:READ].casefold()) if len(word) <= _WORD_LENGTH]


def features_of(subject: str, description: str, hints: Mapping[str, float]) -> dict[int, float]:
    """The features of a text with their weights, of length one. `hints` are what the rule base makes of it."""
    counts: dict[str, int] = {}
    subject_words = words_of(subject)
    for name in _grams(subject_words):
        counts[name] = counts.get(name, 0) + 1
        counts["s:" + name] = 1
    for name in _grams(words_of(description)):
        counts[name] = counts.get(name, 0) + 1
    weights: dict[int, float] = {}
    for name, count in counts.items():
        bucket = crc32(name.encode()) % BUCKETS
        weights[bucket] = weights.get(bucket, 0.0) + 1 + log(count)
    length = sum(weight * weight for weight in weights.values()) ** 0.5 or 1.0
    scaled = {bucket: weight / length for bucket, weight in weights.items()}
    for name, weight in hints.items():
        bucket = crc32(("=" + name).encode()) % BUCKETS
        scaled[bucket] = scaled.get(bucket, 0.0) + weight
    return scaled


def _grams(words: list[str]) -> Iterator[str]:
    yield from words
    for first, second in pairwise(words):
        if first[0] >= _HAN and second[0] >= _HAN:
            yield first + second
