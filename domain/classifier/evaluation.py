"""How good a model is, and what becomes of it: held-out tickets, calibration, and the choice between versions.

A ticket is held out by its id, the same in every run, so no version that is compared has learned from it. What counts
as right is what people said by themselves. Where a guess had been filled in, nothing is proven: what stayed may be
right, or nobody looked; and if only what was corrected counted, the version that guessed would always be wrong.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import log, sqrt
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.classifier.classification import FieldName
from domain.classifier.model import softmax
from domain.ticket.fields import USAGE_KINDS, Kind

HELD_OUT: Final = 5
"""One ticket of so many is never learned from."""
MIN_LABELS: Final = 40
"""So many tickets must have a label before a field is learned at all."""
MIN_OF_LABEL: Final = 5
"""A label with fewer tickets is not learned."""
MIN_HELD_OUT: Final = 8
"""A field with fewer held-out tickets is not learned: nobody could tell whether it was learned well."""
UNTOUCHED: Final = 0.3
"""The weight of a label that was guessed, and that nobody changed."""
CERTAINTY: Final = 1.64
"""How many standard deviations an earlier version must be better by to be taken back into use."""

Judged = tuple[float, bool]
"""A confidence, and whether the guess was right."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Label(Message):
    """`said`: a human chose it; otherwise it was guessed and stayed. `prompted`: a guess had been filled in before."""

    value: str
    said: bool = True
    prompted: bool = False


class Example(Message):
    """A ticket to learn from, with the labels that it has."""

    ticket_id: UUID
    subject: str
    description: str
    labels: dict[FieldName, Label]


class Quality(Message):
    """Of one field. `labels` counts what was learned from; everything else is about the held-out tickets.

    `precision` and `coverage` are those of guesses that reach the threshold; `calibration_error` is the mean distance
    between confidence and truth. None where there was nothing to measure.
    """

    field: FieldName
    labels: dict[str, int]
    held_out: int
    accuracy: float | None
    rules_accuracy: float | None
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    coverage: float | None
    calibration_error: float | None


class Practice(Message):
    """How many guesses were taken on tickets that are done, and how many of these somebody changed."""

    taken: int
    changed: int


class Rival(Message):
    """Another version on the same held-out tickets: how many guesses it had right, and the pairs in which only one of
    it and the version in use was right."""

    version: int
    right: int
    better: int
    worse: int


class Report(Message):
    """What a training found. `in_use` is the version that the others were compared with."""

    in_use: int
    held_out: int
    in_use_right: int
    candidate_right: int
    rivals: list[Rival] = []
    fields: list[Quality] = []


class Outcome(StrEnum):
    """What became of a training."""

    TAKEN = "taken"
    NOT_BETTER = "not_better"
    ROLLED_BACK = "rolled_back"
    HELD = "held"
    TOO_FEW_LABELS = "too_few_labels"
    NOTHING_NEW = "nothing_new"
    OVERTAKEN = "overtaken"
    FAILED = "failed"


def is_held_out(ticket_id: UUID) -> bool:
    return ticket_id.int % HELD_OUT == 0


def is_right(guess: str, label: str) -> bool:
    """A half of `usage` and the whole do not contradict each other."""
    if Kind.USAGE in (guess, label):
        return guess in USAGE_KINDS and label in USAGE_KINDS
    return guess == label


def judge(report: Report, *, held: bool) -> tuple[Outcome, int | None]:
    """What becomes of a candidate; with the version to go back to, if there is one.

    A person's choice is `held` against everything. A candidate that has fewer guesses right than the version in use, or
    than an earlier one that takes its place, is not taken; as many are enough, because it learned from newer tickets.
    """
    if held:
        return Outcome.HELD, None
    proven = [one for one in report.rivals if is_proven_better(one.better, one.worse)]
    former = max(proven, key=lambda one: one.right, default=None)
    to_beat = report.in_use_right if former is None else max(report.in_use_right, former.right)
    if report.candidate_right >= to_beat:
        return Outcome.TAKEN, None
    if former is not None:
        return Outcome.ROLLED_BACK, former.version
    return Outcome.NOT_BETTER, None


def is_proven_better(better: int, worse: int) -> bool:
    """Whether so many pairs one way and so many the other are hardly chance (McNemar's test, one side)."""
    return better > worse and better - worse > CERTAINTY * sqrt(better + worse)


def calibration_error(judged: Sequence[Judged], bins: int = 10) -> float | None:
    """The expected calibration error: |mean confidence - share of right ones|, over bins of equal width."""
    if not judged:
        return None
    total = 0.0
    for place in range(bins):
        inside = [one for one in judged if min(int(one[0] * bins), bins - 1) == place]
        if inside:
            confidence = sum(one[0] for one in inside) / len(inside)
            right = sum(one[1] for one in inside) / len(inside)
            total += abs(confidence - right) * len(inside)
    return total / len(judged)


def interval(right: int, count: int, z: float = 1.96) -> tuple[float, float] | None:
    """Wilson's interval of a share."""
    if count == 0:
        return None
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def temperature_of(logits: Sequence[list[float]], labels: Sequence[int]) -> float:
    """The temperature under which the labels are likeliest, between 1/20 and 20 (golden section, on a log scale).

    `logits` must come from models that did not learn from these tickets.
    """

    def loss(power: float) -> float:
        temperature = 10**power
        return -sum(
            log(max(softmax(one, temperature)[label], 1e-12))
            for one, label in zip(logits, labels, strict=True)
        )

    low, high, ratio = -log(20, 10), log(20, 10), (sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    left_loss, right_loss = loss(left), loss(right)
    for _ in range(24):
        if left_loss <= right_loss:
            high, right, right_loss = right, left, left_loss
            left = high - ratio * (high - low)
            left_loss = loss(left)
        else:
            low, left, left_loss = left, right, right_loss
            right = low + ratio * (high - low)
            right_loss = loss(right)
    return float(10 ** ((low + high) / 2))


def quality_of(
    field: FieldName,
    labels: dict[str, int],
    judged: Sequence[Judged],
    rules_right: int,
    threshold: float,
) -> Quality:
    """`judged` are the guesses on held-out tickets, `rules_right` how many of these the rule base has right."""
    count = len(judged)
    sure = [one for one in judged if one[0] >= threshold]
    right = sum(one[1] for one in sure)
    bounds = interval(right, len(sure))
    return Quality(
        field=field,
        labels=labels,
        held_out=count,
        accuracy=_share(sum(one[1] for one in judged), count),
        rules_accuracy=_share(rules_right, count),
        precision=_share(right, len(sure)),
        precision_low=None if bounds is None else round(bounds[0], 4),
        precision_high=None if bounds is None else round(bounds[1], 4),
        coverage=_share(len(sure), count),
        calibration_error=None if (error := calibration_error(judged)) is None else round(error, 4),
    )


def _share(part: int, whole: int) -> float | None:
    return None if whole == 0 else round(part / whole, 4)
