"""Models as files: what comes back is what went in, and nothing but a whole model is read."""

import json
import zlib
from array import array
from math import inf, nan

import pytest

from domain.classifier.model import Head, Model, decode, encode, softmax
from domain.classifier.text import BUCKETS
from domain.errors import Invalid


def model(labels: tuple[str, ...] = ("disk", "磁盘")) -> Model:
    weights = array("f", bytes(4 * BUCKETS * len(labels)))
    weights[7], weights[-1] = 1.5, -2.5
    return Model({"category": Head(labels, (0.25,) * len(labels), 1.25, weights)})


def test_a_model_comes_back_as_it_was() -> None:
    assert decode(encode(model())) == model()


def changed(**fields: object) -> bytes:
    """The file with other words in its header."""
    line, _, numbers = encode(model()).partition(b"\n")
    header = json.loads(line)
    header["heads"][0].update(fields)
    return json.dumps(header).encode() + b"\n" + numbers


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"cos\nsystem\n(S'true'\ntR.",
        encode(model())[:-10],
        encode(model()).replace(b'"format":1', b'"format":2'),
        encode(model()).partition(b"\n")[0] + b"\n" + zlib.compress(bytes(80_000_000)),
        changed(labels=["one"]),
        changed(labels=["one", "two", "three"]),
        changed(bias=[0.5]),
        changed(temperature=0),
        changed(temperature=None),
        changed(surprise=1),
        changed(field="kind"),
        changed(field="priority", labels=["high", "sudden"]),
    ],
)
def test_what_is_no_whole_model_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match="not a whole model"):
        decode(content)


@pytest.mark.parametrize("number", [inf, -inf, nan])
def test_a_model_with_a_weight_that_is_no_number_is_refused(number: float) -> None:
    spoilt = model()
    spoilt.heads["category"].weights[3] = number
    with pytest.raises(Invalid, match="not a whole model"):
        decode(encode(spoilt))


def test_a_higher_temperature_makes_probabilities_more_alike() -> None:
    cold, hot = softmax([2.0, 1.0, -800.0], 0.5), softmax([2.0, 1.0, -800.0], 5.0)
    assert cold[0] > hot[0] > hot[1] > cold[1]
    assert sum(cold) == pytest.approx(1) == sum(hot)
