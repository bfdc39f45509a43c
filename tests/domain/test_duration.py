"""Durations as text."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.duration import LONGEST, Duration, PositiveDuration, format_duration, parse_duration

ANY: TypeAdapter[timedelta] = TypeAdapter(Duration)
POSITIVE: TypeAdapter[timedelta] = TypeAdapter(PositiveDuration)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT30M", timedelta(minutes=30)),
        ("PT5S", timedelta(seconds=5)),
        ("P2D", timedelta(days=2)),
        ("P1DT2H", timedelta(hours=26)),
        ("P1W", timedelta(days=7)),
        ("PT0.25S", timedelta(milliseconds=250)),
        ("PT0,5H", timedelta(minutes=30)),
        ("PT1H30M0.000001S", timedelta(hours=1, minutes=30, microseconds=1)),
        ("PT0S", timedelta(0)),
    ],
)
def test_iso_text_is_read_exactly(text: str, expected: timedelta) -> None:
    assert ANY.validate_python(text) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (30, "invalid_duration"),
        (1.5, "invalid_duration"),
        (True, "invalid_duration"),
        (None, "invalid_duration"),
        ("30", "invalid_duration"),
        ("", "invalid_duration"),
        ("P", "invalid_duration"),
        ("PT", "invalid_duration"),
        ("P1DT", "invalid_duration"),
        ("P1Y", "invalid_duration"),
        ("P1M", "invalid_duration"),
        ("PT1.5H30M", "invalid_duration"),
        ("pt30m", "invalid_duration"),
        (" PT30M", "invalid_duration"),
        ("PT30M\n", "invalid_duration"),
        ("PT٣M", "invalid_duration"),
        ("PT\x00M", "invalid_duration"),
        ("PT\ud800M", "invalid_duration"),
        ("PT" + "9" * 5000 + "S", "invalid_duration"),
        ("-PT5M", "negative_duration"),
        (timedelta(seconds=-1), "negative_duration"),
        ("PT0.0000001S", "duration_too_fine"),
        ("P3654D", "duration_too_long"),
        ("PT999999999999H", "duration_too_long"),
        (timedelta.max, "duration_too_long"),
    ],
)
def test_everything_else_is_refused_with_a_code(value: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ANY.validate_python(value)
    assert [error["type"] for error in refused.value.errors()] == [code]


def test_a_positive_duration_is_longer_than_nothing() -> None:
    with pytest.raises(ValidationError, match="longer than nothing"):
        POSITIVE.validate_python("PT0S")


def test_days_are_written_in_hours_and_zero_in_seconds() -> None:
    assert format_duration(timedelta(days=2)) == "PT48H"
    assert format_duration(timedelta(0)) == "PT0S"
    assert format_duration(timedelta(hours=1, seconds=0.5)) == "PT1H0.5S"
    assert format_duration(timedelta(seconds=-90)) == "-PT1M30S"


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_what_is_written_is_read_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
    assert ANY.validate_json(ANY.dump_json(duration)) == duration
