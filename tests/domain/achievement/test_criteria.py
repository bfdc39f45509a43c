"""Criteria: what may be written, and when it is met."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.achievement.criteria import (
    Group,
    Measure,
    Metric,
    Term,
    actions,
    can_repeat,
    check_cycles,
    dependencies,
    in_order,
    is_met,
    parse,
    read,
    written,
)
from domain.achievement.record import AwardState, Repeat, Rule, Verdict, judged
from domain.errors import Invalid
from domain.member.rules import DEFAULT

TEN = {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 10}
POINTS = {"metric": "points", "operator": ">=", "threshold": 100}


def met(criteria: Any, values: Mapping[Measure, int]) -> bool:
    return is_met(parse(criteria, DEFAULT), lambda measure: values.get(measure, 0), DEFAULT)


def test_terms_are_joined_by_all_and_any() -> None:
    posts, points = Measure(Metric.COUNT, "post_created"), Measure(Metric.POINTS)
    both, either = {"all": [TEN, POINTS]}, {"any": [TEN, POINTS]}
    assert met(both, {posts: 10, points: 100})
    assert not met(both, {posts: 10, points: 99})
    assert met(either, {posts: 9, points: 100})
    assert not met(either, {})


def test_a_level_is_compared_by_its_place() -> None:
    term = {"metric": "level", "operator": ">=", "threshold": "advanced"}
    places = {level.name: place for place, level in enumerate(DEFAULT.levels)}
    assert [name for name, place in places.items() if met(term, {Measure(Metric.LEVEL): place})] == [
        "advanced",
        "expert",
    ]


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ([], "not_criteria"),
        ({}, "required"),
        ({"all": []}, "empty_criteria"),
        ({"all": TEN}, "empty_criteria"),
        ({"all": [TEN], "any": [TEN]}, "one_of"),
        ({"all": [{"any": [{"all": [{"any": [TEN]}]}]}]}, "too_deep"),
        ({"any": [TEN] * 21}, "too_many_terms"),
        ({"any": [{"all": [TEN] * 11}, {"all": [TEN] * 11}]}, "too_many_terms"),
        ({**TEN, "metric": "karma"}, "unknown_metric"),
        ({**TEN, "action": "moon_walked"}, "unknown_action"),
        ({**POINTS, "action": "post_created"}, "unknown_action"),
        ({**TEN, "operator": "~"}, "literal_error"),
        ({**TEN, "threshold": -1}, "greater_than_equal"),
        ({**TEN, "threshold": "ten"}, "threshold"),
        ({**TEN, "more": 1}, "extra_forbidden"),
        ({**TEN, "window": "P1Y"}, "invalid_duration"),
        ({**POINTS, "window": "P7D"}, "window_not_allowed"),
        ({**TEN, "metric": "distinct"}, "distinct_of"),
        ({**TEN, "of": "subject"}, "unknown_field"),
        ({"metric": "level", "operator": ">=", "threshold": "wizard"}, "unknown_level"),
        ({"metric": "level", "operator": ">=", "threshold": 3}, "threshold"),
        ({"metric": "achievement", "operator": ">=", "threshold": 1}, "achievement_of"),
        ({"metric": "achievement", "of": str(uuid4()), "operator": "<", "threshold": 1}, "operator"),
    ],
)
def test_what_is_no_criterion_is_refused_with_its_place(criteria: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(criteria, DEFAULT)
    assert refused.value.code == code
    assert refused.value.field is not None
    assert refused.value.field.startswith("criteria")


TERMS = st.builds(
    Term,
    metric=st.just(Metric.COUNT),
    action=st.sampled_from(sorted(DEFAULT.actions)),
    operator=st.sampled_from([">=", ">", "=", "<=", "<"]),
    threshold=st.integers(0, 10),
    window=st.none() | st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=99)),
)


def groups(inner: Any) -> Any:
    return st.builds(
        Group, how=st.sampled_from(["all", "any"]), of=st.lists(inner, min_size=1, max_size=4).map(tuple)
    )


@given(TERMS | groups(TERMS | groups(TERMS)))
def test_criteria_are_read_as_they_were_written(criteria: Any) -> None:
    assert read(written(criteria)) == criteria


def test_what_may_change_criteria_is_known() -> None:
    other = uuid4()
    held = {"metric": "achievement", "of": str(other), "operator": ">=", "threshold": 1}
    criteria = parse({"all": [TEN, {"any": [held, POINTS]}]}, DEFAULT)
    assert actions(criteria) == ["*", "post_created"]
    assert dependencies(criteria) == {other}


def test_a_circle_is_refused_and_an_order_found() -> None:
    a, b, c = (UUID(int=number) for number in range(3))
    known = {a: frozenset({b}), b: frozenset({c}), c: frozenset[UUID]()}
    check_cycles(known, a)
    assert in_order(known) == [c, b, a]
    for wrong in ({**known, c: frozenset({a})}, {**known, c: frozenset({c})}):
        with pytest.raises(Invalid):
            check_cycles(wrong, c)


def rule(repeat: Repeat = Repeat.ONCE, *, revocable: bool = True) -> Rule:
    return Rule(uuid4(), "Ten posts", parse(TEN, DEFAULT), repeat, revocable)


@pytest.mark.parametrize(
    ("wanted", "value", "held", "verdict"),
    [
        (rule(), 9, {}, Verdict()),
        (rule(), 10, {}, Verdict((1,))),
        (rule(), 30, {1: AwardState.HELD}, Verdict()),
        (rule(), 9, {1: AwardState.HELD}, Verdict((), (1,))),
        (rule(), 10, {1: AwardState.REVOKED}, Verdict((1,))),
        (rule(revocable=False), 9, {1: AwardState.HELD}, Verdict()),
        (rule(Repeat.EACH), 35, {1: AwardState.HELD}, Verdict((2, 3))),
        (rule(Repeat.EACH), 15, dict.fromkeys((1, 2, 3), AwardState.HELD), Verdict((), (2, 3))),
    ],
)
def test_what_is_awarded_and_taken_back(
    wanted: Rule, value: int, held: dict[int, AwardState], verdict: Verdict
) -> None:
    assert judged(wanted, lambda measure: value, held, DEFAULT) == verdict


def test_only_a_single_rising_term_can_be_reached_again_and_again() -> None:
    assert can_repeat(parse(TEN, DEFAULT))
    for other in ({"all": [TEN]}, {**TEN, "operator": ">"}, {**TEN, "threshold": 0}, POINTS):
        assert not can_repeat(parse(other, DEFAULT))
