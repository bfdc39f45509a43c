"""Which version is used: never a worse one, and back to an earlier one only when that is proven better."""

from math import log
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.classifier.evaluation import (
    HELD_OUT,
    Outcome,
    Report,
    Rival,
    calibration_error,
    interval,
    is_held_out,
    is_proven_better,
    is_right,
    judge,
    quality_of,
    temperature_of,
)
from domain.classifier.model import softmax

counts = st.integers(0, 500)
rivals = st.lists(
    st.builds(Rival, version=st.integers(0, 9), right=counts, better=counts, worse=counts),
    max_size=3,
    unique_by=lambda rival: rival.version,
)
reports = st.builds(
    Report,
    in_use=st.just(5),
    held_out=st.just(500),
    in_use_right=counts,
    candidate_right=counts,
    rivals=rivals,
)
judged = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


@given(reports, st.booleans())
def test_a_candidate_with_fewer_right_than_the_version_in_use_is_never_taken(
    report: Report, held: bool
) -> None:
    outcome, back = judge(report, held=held)
    if report.candidate_right < report.in_use_right or held:
        assert outcome is not Outcome.TAKEN
    if outcome is Outcome.ROLLED_BACK:
        former = next(one for one in report.rivals if one.version == back and one.better > one.worse)
        assert report.candidate_right < former.right or report.candidate_right < report.in_use_right
    else:
        assert back is None


@given(reports)
def test_what_a_person_chose_is_held(report: Report) -> None:
    assert judge(report, held=True) == (Outcome.HELD, None)


@given(counts, counts)
def test_of_two_versions_at_most_one_is_proven_better(better: int, worse: int) -> None:
    assert not (is_proven_better(better, worse) and is_proven_better(worse, better))
    assert not is_proven_better(better, better)


def test_one_ticket_more_proves_nothing_and_many_do() -> None:
    assert not is_proven_better(11, 10)
    assert is_proven_better(20, 5)


def test_a_candidate_as_good_is_taken_and_one_that_is_worse_is_not() -> None:
    report = Report(in_use=1, held_out=50, in_use_right=40, candidate_right=40)
    assert judge(report, held=False) == (Outcome.TAKEN, None)
    worse = report.model_copy(update={"candidate_right": 39})
    assert judge(worse, held=False) == (Outcome.NOT_BETTER, None)


def test_a_version_that_became_worse_than_the_one_before_is_rolled_back() -> None:
    rival = Rival(version=1, right=45, better=20, worse=5)
    report = Report(in_use=2, held_out=50, in_use_right=30, candidate_right=31, rivals=[rival])
    assert judge(report, held=False) == (Outcome.ROLLED_BACK, 1)
    good = report.model_copy(update={"candidate_right": 45})
    assert judge(good, held=False) == (Outcome.TAKEN, None)


@given(judged)
def test_the_calibration_error_is_a_share(found: list[tuple[float, bool]]) -> None:
    error = calibration_error(found)
    assert (error is None) == (not found)
    assert error is None or 0 <= error <= 1


def test_confidence_that_holds_has_no_calibration_error() -> None:
    assert calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == pytest.approx(0)
    assert calibration_error([(1.0, False)] * 4) == 1


@given(
    st.lists(
        st.tuples(st.lists(st.floats(-8, 8), min_size=3, max_size=3), st.integers(0, 2)),
        min_size=1,
        max_size=40,
    )
)
def test_a_fitted_temperature_never_makes_the_labels_less_likely(
    found: list[tuple[list[float], int]],
) -> None:
    logits, labels = [one for one, _ in found], [label for _, label in found]
    temperature = temperature_of(logits, labels)

    def loss(by: float) -> float:
        return -sum(log(max(softmax(one, by)[label], 1e-12)) for one, label in found)

    assert 0.05 <= temperature <= 20
    assert loss(temperature) <= loss(1.0) + 0.05 * len(found)


def test_too_much_confidence_is_cooled_down() -> None:
    """Right three times in four, and sure of it each time."""
    logits, labels = [[4.0, 0.0]] * 40, [0, 0, 0, 1] * 10
    temperature = temperature_of(logits, labels)
    assert softmax([4.0, 0.0], temperature)[0] == pytest.approx(0.75, abs=0.01)


@given(counts, counts)
def test_an_interval_holds_the_share(right: int, more: int) -> None:
    bounds = interval(right, right + more)
    if bounds is not None:
        assert 0 <= bounds[0] <= right / (right + more) + 1e-9
        assert right / (right + more) - 1e-9 <= bounds[1] <= 1


def test_quality_counts_what_reaches_the_threshold() -> None:
    found = [(0.9, True), (0.8, False), (0.3, False), (0.2, True)]
    quality = quality_of("kind", {"fault": 9}, found, rules_right=1, threshold=0.8)
    assert (quality.accuracy, quality.rules_accuracy) == (0.5, 0.25)
    assert (quality.precision, quality.coverage) == (0.5, 0.5)
    nothing = quality_of("kind", {}, [], rules_right=0, threshold=0.8)
    assert (nothing.accuracy, nothing.precision, nothing.coverage) == (None, None, None)


def test_one_ticket_in_five_is_held_out() -> None:
    share = sum(is_held_out(uuid4()) for _ in range(5000)) / 5000
    assert share == pytest.approx(1 / HELD_OUT, abs=0.03)


def test_half_of_usage_does_not_contradict_usage() -> None:
    assert is_right("getting_started", "usage")
    assert is_right("usage", "unexpected_result")
    assert not is_right("getting_started", "unexpected_result")
    assert not is_right("usage", "fault")
