"""A trained model: weights of features, kept as plain numbers, and read without any library.

What trains it is `adapters/classifier.py`. A model is a file of two parts: a line of JSON that says what follows, and
the numbers, compressed. Reading one runs nothing that is in it.
"""

import sys
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.classifier.classification import FIELDS, FieldName
from domain.classifier.text import BUCKETS
from domain.errors import Invalid
from domain.ticket.fields import Kind, Priority

FORMAT: Final = 1
LABELS_MAX: Final = 50
_NUMBER: Final = 4
_HEADER_MAX: Final = 100_000
_KNOWN: Final[Mapping[FieldName, frozenset[str]]] = {
    "kind": frozenset(Kind),
    "priority": frozenset(Priority),
}
"""The fields that can have these values only."""


@dataclass(frozen=True, slots=True)
class Head:
    """What tells the labels of one field apart. `weights` holds a row of all labels for each feature."""

    labels: tuple[str, ...]
    bias: tuple[float, ...]
    temperature: float
    weights: "array[float]"

    def logits(self, features: Mapping[int, float]) -> list[float]:
        width, sums, weights = len(self.labels), list(self.bias), self.weights
        for bucket, value in features.items():
            row = weights[bucket * width : bucket * width + width]
            for place, weight in enumerate(row):
                if weight:
                    sums[place] += weight * value
        return sums

    def probabilities(self, features: Mapping[int, float]) -> dict[str, float]:
        return dict(zip(self.labels, softmax(self.logits(features), self.temperature), strict=True))


@dataclass(frozen=True, slots=True)
class Model:
    """A head for each field that there were labels enough for."""

    heads: Mapping[FieldName, Head]


class _HeadLine(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    field: FieldName
    labels: Annotated[tuple[str, ...], Field(min_length=2, max_length=LABELS_MAX)]
    bias: tuple[float, ...]
    temperature: Annotated[float, Field(gt=0)]


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    buckets: Literal[65536]
    heads: Annotated[list[_HeadLine], Field(max_length=len(FIELDS))]


def softmax(logits: list[float], temperature: float = 1.0) -> list[float]:
    """Probabilities; a higher temperature makes them more alike."""
    top = max(logits)
    grown = [exp((one - top) / temperature) for one in logits]
    total = sum(grown)
    return [one / total for one in grown]


def encode(model: Model) -> bytes:
    heads = [
        _HeadLine(field=field, labels=head.labels, bias=head.bias, temperature=head.temperature)
        for field, head in model.heads.items()
    ]
    header = _Header(format=FORMAT, buckets=BUCKETS, heads=heads).model_dump_json().encode()
    numbers = b"".join(_little_endian(head.weights).tobytes() for head in model.heads.values())
    return header + b"\n" + zlib.compress(numbers)


def decode(content: bytes) -> Model:
    """Raises Invalid `broken_model` for anything but a whole model of this format."""
    line, _, rest = content.partition(b"\n")
    try:
        header = _Header.model_validate_json(line[:_HEADER_MAX])
        sizes = [BUCKETS * len(head.labels) * _NUMBER for head in header.heads]
        opened = zlib.decompressobj()
        numbers = opened.decompress(rest, sum(sizes) + 1)
    except (ValidationError, zlib.error) as error:
        raise _broken() from error
    if len(numbers) != sum(sizes) or not all(_is_sound(head) for head in header.heads):
        raise _broken()
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    heads: dict[FieldName, Head] = {}
    for head, (start, end) in zip(header.heads, pairwise(ends), strict=True):
        weights = array("f")
        weights.frombytes(numbers[start:end])
        weights = _little_endian(weights)
        if not isfinite(sum(weights)):
            raise _broken()
        heads[head.field] = Head(head.labels, head.bias, head.temperature, weights)
    return Model(heads)


def _is_sound(head: _HeadLine) -> bool:
    known = _KNOWN.get(head.field)
    return len(head.bias) == len(head.labels) and (known is None or known.issuperset(head.labels))


def _little_endian(numbers: "array[float]") -> "array[float]":
    """From or to the byte order of the file."""
    if sys.byteorder == "little":
        return numbers
    turned = numbers[:]
    turned.byteswap()
    return turned


def _broken() -> Invalid:
    return Invalid("broken_model", "This is not a whole model of this format.")
