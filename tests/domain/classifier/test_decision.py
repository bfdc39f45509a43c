"""What is made of a text: by the rule base, by a model, and what is too unsure to be taken."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.classifier.decision import Known, chances, classify, guess_of
from domain.classifier.model import Head, Model
from domain.classifier.text import BUCKETS, READ, features_of, words_of
from domain.ticket.fields import USAGE_KINDS, Kind

texts = st.text(max_size=400)
kinds = st.dictionaries(st.sampled_from([str(kind) for kind in Kind]), st.floats(0.001, 1), min_size=1)
TEXTS = {
    "How do I rotate the access keys?": Kind.GETTING_STARTED,
    "请问在哪里可以修改邮箱地址": Kind.GETTING_STARTED,
    "Why is the new limit not applied, it takes no effect": Kind.UNEXPECTED_RESULT,
    "设置了配额但是不生效，与预期不符": Kind.UNEXPECTED_RESULT,
    "The importer crashes with an exception": Kind.FAULT,
    "集群宕机，服务不可用": Kind.FAULT,
    "This is unacceptable, we want a refund": Kind.COMPLAINT,
    "我要投诉，你们的工程师一直敷衍": Kind.COMPLAINT,
    "Feature request: please add dark mode": Kind.SUGGESTION,
    "建议增加一个导出按钮": Kind.SUGGESTION,
    "Please send a quote, we evaluate the enterprise edition": Kind.PRESALES,
    "想了解企业版的价格和折扣": Kind.PRESALES,
}


@pytest.mark.parametrize(("text", "kind"), TEXTS.items())
def test_the_rule_base_knows_plain_words_of_both_languages(text: str, kind: Kind) -> None:
    guess = classify(Known(), text, text, threshold=0.5).kind
    assert guess is not None
    assert guess.value == kind


def test_an_outage_is_more_urgent_than_a_wish() -> None:
    outage = classify(Known(), "Production is down for all users", "data loss", threshold=0.5).priority
    wish = classify(Known(), "It would be nice to sort the list", "no hurry", threshold=0.5).priority
    assert outage is not None
    assert wish is not None
    assert (outage.value, wish.value) == ("critical", "low")


def test_a_text_that_says_nothing_stays_without_a_guess() -> None:
    guessed = classify(Known(), "zzz", "qqq", threshold=0.1)
    assert (guessed.category, guessed.kind, guessed.priority) == (None, None, None)


def test_only_categories_of_the_desk_are_proposed() -> None:
    text = "The invoice of the disk"
    anything = classify(Known(), "disk", "磁盘", threshold=0.5)
    own = classify(Known(categories=frozenset({"billing", "Printing"})), text, text, threshold=0.5)
    assert anything.taken("category") == "storage"
    assert own.taken("category") == "billing"


def test_a_category_is_known_by_its_own_name() -> None:
    known = Known(categories=frozenset({"Kaffeemaschine", "fuhrpark"}))
    assert classify(known, "Die Kaffeemaschine", "", threshold=0.5).taken("category") == "Kaffeemaschine"


def test_what_the_caller_gave_is_not_guessed() -> None:
    guessed = classify(Known(), "Disk error", "", threshold=0.5, given=("kind", "category"))
    assert guessed.kind is None
    assert guessed.category is None
    assert guessed.priority is not None


def test_a_model_answers_for_the_fields_it_learned_and_the_rules_for_the_others() -> None:
    weights = array("f", bytes(8 * BUCKETS))
    bucket = next(iter(features_of("", "toner", {})))
    weights[2 * bucket + 1] = 9.0
    known = Known(3, Model({"category": Head(("a", "b"), (0.0, 0.0), 1.0, weights)}))
    guessed = classify(known, "", "toner is broken", threshold=0.6)
    assert guessed.version == 3
    assert guessed.taken("category") == "b"
    assert guessed.kind is not None
    assert guessed.kind.value == Kind.FAULT


@given(texts, texts, st.floats(0, 1))
def test_whatever_is_written_probabilities_are_probabilities(
    subject: str, body: str, threshold: float
) -> None:
    for labels in chances(Known(), subject, body).values():
        assert all(0 <= one <= 1 for one in labels.values())
        assert not labels or sum(labels.values()) == pytest.approx(1)
    guessed = classify(Known(), subject, body, threshold=threshold)
    for guess in (guessed.category, guessed.kind, guessed.priority):
        assert (
            guess is None
            or guess.sure == (guess.confidence >= threshold)
            or guess.confidence == pytest.approx(threshold, abs=1e-4)
        )


@given(kinds, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_makes_a_guess_sure(
    labels: dict[str, float], one: float, other: float
) -> None:
    total = sum(labels.values())
    probabilities = {label: value / total for label, value in labels.items()}
    low, high = sorted((one, other))
    strict, lenient = guess_of("kind", probabilities, high), guess_of("kind", probabilities, low)
    assert strict is not None
    assert lenient is not None
    assert lenient.sure or not strict.sure


@given(kinds, st.floats(0, 1))
def test_usage_as_a_whole_is_at_least_as_sure_as_its_halves(
    labels: dict[str, float], threshold: float
) -> None:
    total = sum(labels.values())
    probabilities = {label: value / total for label, value in labels.items()}
    guess = guess_of("kind", probabilities, threshold)
    assert guess is not None
    if guess.value == Kind.USAGE:
        assert guess.confidence == pytest.approx(
            sum(probabilities.get(kind, 0) for kind in USAGE_KINDS), abs=1e-4
        )
    assert guess.confidence >= round(max(probabilities.values()), 4)


def test_neither_half_of_usage_is_taken_when_only_the_whole_is_sure() -> None:
    probabilities = {"getting_started": 0.45, "unexpected_result": 0.4, "fault": 0.15}
    guess = guess_of("kind", probabilities, 0.8)
    assert guess is not None
    assert (guess.value, guess.sure) == ("usage", True)


def test_a_long_text_is_read_to_a_limit() -> None:
    assert words_of("a " * READ) == ["a"] * (READ // 2)
    assert features_of("磁盘", "", {}).keys() != features_of("盘磁", "", {}).keys()


@given(texts, texts)
def test_features_have_one_length_and_are_the_same_each_time(subject: str, body: str) -> None:
    features = features_of(subject, body, {})
    assert features == features_of(subject, body, {})
    assert not features or sum(value**2 for value in features.values()) == pytest.approx(1)
    assert all(0 <= bucket < BUCKETS for bucket in features)
