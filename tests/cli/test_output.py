"""What people see: no control characters of strangers, times of this machine, durations in words."""

from datetime import UTC, datetime

import pytest
import typer

from cli.moment import parse_moment
from cli.output import countdown, line, printable, span

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def test_what_steers_a_terminal_is_taken_out() -> None:
    assert printable("\x1b[31mred\x07 \x9b2J\r\nnext\ttab") == "�[31mred� �2J\nnext\ttab"
    assert line("two\r\nlines") == "two lines"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ([], "–"),
        ("", "–"),
        (False, "no"),
        (0, "0"),
        ({"id": "1", "name": "Ada"}, "Ada"),
        (["a", "b"], "a, b"),
        ({"板": 1, "done": False}, "板: 1, done: no"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, shown: str) -> None:
    assert printable(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T06:03:20Z", "in 3m 20s"),
        ("2026-11-21T05:59:55Z", "5s ago"),
        ("2026-11-23T08:00:01Z", "in 2d 2h"),
        ("2026-11-21T07:00:00Z", "in 1h"),
        ("2026-11-21T06:00:00Z", "in 0s"),
        (None, "–"),
    ],
)
def test_a_countdown_has_at_most_two_units(text: str | None, shown: str) -> None:
    assert countdown(text, NOW) == shown


def test_durations_keep_their_sign() -> None:
    assert span("-PT1H30M") == "-1h 30m"
    assert span("PT48H") == "2d"
    assert span("PT0S") == "0s"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-21T14:30+08:00", "2026-11-21T06:30:00+00:00"),
        ("2h", "2026-11-21T08:00:00+00:00"),
        ("30d", "2026-12-21T06:00:00+00:00"),
        ("PT90M", "2026-11-21T07:30:00+00:00"),
    ],
)
def test_moments_are_instants_or_so_far_ahead(text: str, meant: str) -> None:
    assert parse_moment(text, "--at", NOW).isoformat() == meant


@pytest.mark.parametrize("text", ["soon", "", "12", "2026-13-01", "P1Y", "-2h", "999999999w", "0001-01-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="not a moment"):
        parse_moment(text, "--at", NOW)
