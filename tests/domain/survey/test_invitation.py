"""The course of an invitation: asked once, reminded once at most, closed, whatever the outages between."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Conflict, Gone
from domain.survey.definition import DEFAULT, OPEN_MAX, Timing
from domain.survey.invitation import (
    Course,
    State,
    Step,
    check_open,
    closes_at,
    due_at,
    invitation_id,
    is_low,
    may_ask,
    resolution,
    step,
)

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

spans = st.timedeltas(timedelta(seconds=1), OPEN_MAX)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    close = draw(spans)
    remind = draw(st.none() | st.timedeltas(timedelta(microseconds=1), close))
    return Timing(
        delay=draw(st.timedeltas(timedelta(0), OPEN_MAX)),
        remind_after=None if remind == close else remind,
        close_after=close,
    )


def taken(course: Course, timing: Timing, now: datetime) -> tuple[Course, Step | None]:
    """As `storage/survey/commit.py` takes a step."""
    done = step(course, timing, now)
    if done is Step.ASK:
        return replace(course, state=State.ASKED, asked_at=now, closes_at=closes_at(timing, now)), done
    if done is Step.REMIND:
        return replace(course, reminded_at=now), done
    if done is Step.CLOSE:
        return replace(course, state=State.EXPIRED), done
    return course, None


def lived(timing: Timing, looks: Sequence[datetime]) -> list[tuple[Step, datetime]]:
    course, steps = Course(State.WAITING, BEGIN + timing.delay), []
    for now in looks:
        while True:
            course, done = taken(course, timing, now)
            if done is None:
                break
            steps.append((done, now))
    return steps


@given(timings(), st.lists(st.timedeltas(timedelta(0), 4 * OPEN_MAX), max_size=30))
def test_whenever_somebody_looks_it_is_asked_once_reminded_once_at_most_and_closed_last(
    timing: Timing, after: list[timedelta]
) -> None:
    looks = sorted(BEGIN + one for one in after)
    steps = lived(timing, looks)
    kinds = [kind for kind, _ in steps]
    assert kinds in ([], ["ask"], ["ask", "remind"], ["ask", "close"], ["ask", "remind", "close"])
    if steps:
        asked = steps[0][1]
        assert asked == next(now for now in looks if now >= BEGIN + timing.delay)
        end = closes_at(timing, asked)
        for kind, at in steps[1:]:
            assert (at >= end) == (kind is Step.CLOSE)
        if looks[-1] >= end:
            assert kinds[-1] == "close"


@given(timings())
def test_a_process_that_wakes_at_each_deadline_does_each_step_at_its_time(timing: Timing) -> None:
    course, now, seen = Course(State.WAITING, BEGIN + timing.delay), BEGIN, []
    while (at := due_at(course, timing)) is not None:
        now = max(now, at)
        course, done = taken(course, timing, now)
        assert done is not None, "it woke in vain, and would for ever"
        seen.append((done, now))
    times = dict(seen)
    asked = BEGIN + timing.delay
    end = closes_at(timing, asked)
    assert times[Step.ASK] == asked
    assert times[Step.CLOSE] == max(asked, end)
    if timing.remind_after is not None and asked + timing.remind_after < end:
        assert times[Step.REMIND] == asked + timing.remind_after
    else:
        assert Step.REMIND not in times


def test_the_numbers_of_the_product() -> None:
    steps = lived(DEFAULT, [BEGIN + number * HOUR for number in range(24 * 10)])
    assert [(kind, (at - BEGIN) / HOUR) for kind, at in steps] == [
        ("ask", 1),
        ("remind", 49),
        ("close", 1 + 7 * 24),
    ]
    assert (DEFAULT.low_score, DEFAULT.task_within) == (2, 8 * HOUR)


@given(st.none() | st.timedeltas(timedelta(seconds=1), OPEN_MAX), st.lists(st.integers(0, 400), max_size=60))
def test_nobody_is_asked_more_often_than_the_rule(rest: timedelta | None, days: list[int]) -> None:
    asked: list[datetime] = []
    for day in sorted(days):
        now = BEGIN + timedelta(days=day)
        if may_ask(asked[-1] if asked else None, rest, now):
            asked.append(now)
    if rest is not None:
        assert all(later - earlier >= rest for earlier, later in pairwise(asked))
    if days:
        assert asked


@pytest.mark.parametrize(
    ("state", "end", "error", "code"),
    [
        (State.ANSWERED, BEGIN - HOUR, Conflict, "already_answered"),
        (State.WITHDRAWN, BEGIN + HOUR, Gone, "survey_withdrawn"),
        (State.EXPIRED, BEGIN - HOUR, Gone, "link_expired"),
        (State.ASKED, BEGIN, Gone, "link_expired"),
        (State.WAITING, None, Gone, "survey_closed"),
        (State.SKIPPED, None, Gone, "survey_closed"),
    ],
)
def test_what_cannot_be_answered_says_why(
    state: State, end: datetime | None, error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as refusal:
        check_open(state, end, BEGIN)
    assert getattr(refusal.value, "code", None) == code
    check_open(State.ASKED, BEGIN + timedelta(microseconds=1), BEGIN)


def test_an_invitation_is_known_by_its_cause() -> None:
    ticket, person, survey = UUID(int=1), UUID(int=2), UUID(int=3)
    first = invitation_id(survey, resolution(ticket, 1), person)
    assert first == invitation_id(survey, resolution(ticket, 1), person)
    others = {
        invitation_id(survey, resolution(ticket, 2), person),
        invitation_id(survey, resolution(person, 1), person),
        invitation_id(survey, resolution(ticket, 1), ticket),
        invitation_id(ticket, resolution(ticket, 1), person),
    }
    assert first not in others
    assert len(others) == 4


def test_a_low_score_is_one_up_to_the_limit() -> None:
    assert [is_low(score, 2) for score in (1, 2, 3, None)] == [True, True, False, False]
    assert not is_low(0, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"remind_after": "P7D"},
        {"remind_after": "P8D"},
        {"close_after": "P91D"},
        {"close_after": "PT0S"},
        {"delay": "-PT1H"},
        {"delay": "P91D"},
        {"task_within": "PT241H"},
        {"kind": "nps", "low_score": 11},
        {"kind": "csat", "low_score": 0},
        {"kind": "custom", "low_score": None},
        {"kind": "custom", "low_score": 1, "questions": [{"key": "a", "text": {"en": "?"}, "type": "text"}]},
        {"name": " "},
        {"quota": 3},
        {"sample": 0.5},
        {"schedule": {}},
        {"audience": {}},
        {"audience": {}, "schedule": {}, "low_score": None},
        {"audience": {}, "schedule": {}, "delay": "PT0S"},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        type(DEFAULT).model_validate({**DEFAULT.model_dump(), **changes})
