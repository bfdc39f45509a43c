"""What a report is asked for: its period, read in a time zone, and the parts that it is cut into."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.report.asked import LONGEST, PARTS, PARTS_LIMIT, Span, buckets, groups, instant, span
from domain.report.figures import BACKLOG, SLA, STATISTICS, SURVEYS, TICKETS

SHANGHAI, BERLIN, APIA = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia")
NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("period", "start", "end", "expected"),
    [
        (None, None, None, ("2026-11-01T00:00+08:00", "2026-12-01T00:00+08:00")),
        ("2026-10", None, None, ("2026-10-01T00:00+08:00", "2026-11-01T00:00+08:00")),
        ("2026-W47", None, None, ("2026-11-16T00:00+08:00", "2026-11-23T00:00+08:00")),
        ("last_quarter", None, None, ("2026-07-01T00:00+08:00", "2026-10-01T00:00+08:00")),
        ("<7d", None, None, ("2026-11-14T10:30Z", "2026-11-21T10:30Z")),
        (">=2026-11-20", None, None, ("2026-11-20T00:00+08:00", "2026-11-21T10:30Z")),
        (None, "2026-11-01", "2026-11-08", ("2026-11-01T00:00+08:00", "2026-11-08T00:00+08:00")),
        (None, "2026-11-01T09:00+01:00", None, ("2026-11-01T08:00Z", "2026-11-21T10:30Z")),
        (None, "2026-11-08", "2026-11-08", ("2026-11-08T00:00+08:00", "2026-11-08T00:00+08:00")),
    ],
)
def test_a_period_has_a_name_or_two_ends(
    period: str | None, start: str | None, end: str | None, expected: tuple[str, str]
) -> None:
    assert span(period, start, end, NOW, SHANGHAI) == Span(*map(at, expected))


@pytest.mark.parametrize(
    ("period", "start", "end", "code", "field"),
    [
        ("2026-11-08..2026-11-01", None, None, "invalid_period", "period"),
        (">tomorrow", None, None, "invalid_period", "period"),
        ("2026-13", None, None, "invalid_period", "period"),
        ("9999", None, None, "invalid_period", "period"),
        ("", None, None, "invalid_period", "period"),
        ("none", None, None, "invalid_period", "period"),
        ("<=2026-11-01", None, None, "period_open", "period"),
        (">2026-12-01", None, None, "reversed_period", "period"),
        ("1990..2026", None, None, "period_too_long", "period"),
        ("2026-11", "2026-11-01", None, "period_twice", "period"),
        (None, None, "2026-11-01", "period_open", "from"),
        (None, "soon", None, "invalid_time", "from"),
        (None, "2026-11-01", "99999-01-01", "invalid_time", "to"),
        (None, "2026-11-08", "2026-11-01", "reversed_period", "to"),
        (None, "2026-12-01", None, "reversed_period", "to"),
        (None, "1900-01-01", "2026-01-01", "period_too_long", "to"),
    ],
)
def test_a_period_that_is_none_is_refused(
    period: str | None, start: str | None, end: str | None, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        span(period, start, end, NOW, ZoneInfo("UTC"))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_an_instant_is_a_date_a_time_or_now() -> None:
    assert instant(None, "at", NOW, SHANGHAI) == NOW
    assert instant("2026-11-01", "at", NOW, SHANGHAI) == at("2026-11-01T00:00+08:00")
    with pytest.raises(Invalid):
        instant("whenever", "at", NOW, SHANGHAI)


def test_a_day_is_as_long_as_its_time_zone_has_it() -> None:
    """The clock goes forward in Berlin on 29 March and back on 25 October; Apia had no 30 December 2011."""
    march = Span(at("2026-03-28T00:00+01:00"), at("2026-03-30T00:00+02:00"))
    days = buckets(march, "day", BERLIN)
    assert [(one.name, one.end - one.start) for one in days] == [
        ("2026-03-28", timedelta(hours=24)),
        ("2026-03-29", timedelta(hours=23)),
    ]
    october = Span(at("2026-10-25T00:00+02:00"), at("2026-10-26T00:00+01:00"))
    assert [one.end - one.start for one in buckets(october, "day", BERLIN)] == [timedelta(hours=25)]
    samoa = Span(at("2011-12-29T00:00-10:00"), at("2012-01-01T00:00+14:00"))
    assert [one.name for one in buckets(samoa, "day", APIA)] == ["2011-12-29", "2011-12-31"]


def test_parts_are_cut_where_the_period_begins_and_ends() -> None:
    parts = buckets(Span(at("2026-11-30T12:00+08:00"), at("2027-02-01T12:00+08:00")), "quarter", SHANGHAI)
    assert [(one.name, one.start, one.end) for one in parts] == [
        ("2026-Q4", at("2026-11-30T12:00+08:00"), at("2027-01-01T00:00+08:00")),
        ("2027-Q1", at("2027-01-01T00:00+08:00"), at("2027-02-01T12:00+08:00")),
    ]
    weeks = buckets(Span(at("2026-12-28T00:00+08:00"), at("2027-01-05T00:00+08:00")), "week", SHANGHAI)
    assert [one.name for one in weeks] == ["2026-W53", "2027-W01"]


@given(
    st.sampled_from(PARTS),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"]),
    st.integers(0, 50 * 366 * 24).map(lambda hours: at("1990-01-01T00:00Z") + timedelta(hours=hours)),
    st.timedeltas(timedelta(0), timedelta(days=300)),
)
def test_parts_follow_each_other_without_gaps(
    part: str, name: str, start: datetime, length: timedelta
) -> None:
    whole = Span(start, start + length)
    parts = buckets(whole, part, ZoneInfo(name))  # type: ignore[arg-type]  # hypothesis forgets the literals
    ends = [whole.start, *(one.end for one in parts)]
    assert [one.start for one in parts] == ends[:-1]
    assert ends[-1] == whole.end
    assert all(one.start < one.end for one in parts)
    assert len({one.name for one in parts}) == len(parts)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(Invalid, match=f"More than {PARTS_LIMIT}"):
        buckets(Span(NOW - LONGEST, NOW), "day", SHANGHAI)
    assert len(buckets(Span(NOW - LONGEST, NOW), "month", SHANGHAI)) == 121


def test_rows_are_made_by_each_dimension_once_and_by_one_part() -> None:
    assert groups(["team", "week"]) == ("team", "week")
    for given_twice in (["team", "team"], ["week", "day"]):
        with pytest.raises(Invalid):
            groups(given_twice)  # type: ignore[arg-type]  # mypy takes the list for one of str


def test_a_figure_is_defined_once_in_its_report() -> None:
    for figures in (TICKETS, SLA, BACKLOG, SURVEYS, STATISTICS):
        columns = [column for figure in figures for column in figure.columns]
        assert len(set(columns)) == len(columns)
        assert all(figure.definition and figure.sources for figure in figures)
