"""Holidays out of .ics files, good and bad."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ics import BYTES_LIMIT, EVENTS_LIMIT, read_holidays
from domain.errors import DeskError, Invalid, TooLarge

YEARS = range(2025, 2030)


def ics(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{body}END:VCALENDAR\r\n".encode()


def days(*events: str) -> list[str]:
    return [str(day) for day in read_holidays(ics(*events), YEARS).dates]


def test_an_event_of_one_day_is_a_holiday() -> None:
    assert days("DTSTART;VALUE=DATE:20261001\r\nSUMMARY:国庆节") == ["2026-10-01"]


def test_an_event_of_several_days_ends_before_its_end_date() -> None:
    expected = ["2026-10-01", "2026-10-02", "2026-10-03"]
    assert days("DTSTART;VALUE=DATE:20261001\r\nDTEND;VALUE=DATE:20261004") == expected
    assert days("DTSTART;VALUE=DATE:20261001\r\nDURATION:P3D") == expected


def test_a_meeting_a_cancelled_day_and_a_clock_change_are_no_holidays() -> None:
    assert (
        days(
            "DTSTART:20261001T090000Z\r\nDTEND:20261001T100000Z\r\nRRULE:FREQ=WEEKLY",
            "DTSTART;VALUE=DATE:20261002\r\nSTATUS:CANCELLED",
            "DTSTART;VALUE=DATE:20261025\r\nSUMMARY:Daylight Saving Time ends",
        )
        == []
    )


def test_a_yearly_event_comes_every_year_of_the_window() -> None:
    found = days("DTSTART;VALUE=DATE:19491001\r\nRRULE:FREQ=YEARLY")
    assert found == [f"{year}-10-01" for year in YEARS]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", ["2025-05-26", "2026-05-25"]),  # Memorial Day
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2025-11-27", "2026-11-26"]),  # Thanksgiving
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=22,23,24,25,26,27,28;BYDAY=TH", ["2025-11-27", "2026-11-26"]),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1", ["2025-12-31", "2026-12-31"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", []),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=1", ["2026-01-01"]),
        ("FREQ=YEARLY;COUNT=27;BYMONTH=1;BYMONTHDAY=2", ["2025-01-02", "2026-01-02"]),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=1;BYMONTHDAY=2", []),
        ("FREQ=YEARLY;UNTIL=20251231;BYMONTH=1;BYMONTHDAY=2", ["2025-01-02"]),
    ],
)
def test_a_yearly_rule_names_its_days(rule: str, expected: list[str]) -> None:
    # The first day of the event itself, in 2000, lies outside the window.
    content = ics(f"DTSTART;VALUE=DATE:20000101\r\nRRULE:{rule}")
    assert [str(day) for day in read_holidays(content, range(2025, 2027)).dates] == expected


def test_exceptions_and_extra_dates_count() -> None:
    found = days(
        "DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;UNTIL=20270101\r\n"
        "EXDATE;VALUE=DATE:20260101\r\nRDATE;VALUE=DATE:20260102"
    )
    assert found == ["2025-01-01", "2026-01-02", "2027-01-01"]


def test_an_event_that_is_endless_is_cut_by_the_window() -> None:
    found = days("DTSTART;VALUE=DATE:20290101\r\nDTEND;VALUE=DATE:99991231")
    assert (found[0], found[-1], len(found)) == ("2029-01-01", "2029-12-31", 365)


def test_the_name_and_the_time_zone_of_the_file_are_given() -> None:
    head = "X-WR-CALNAME:Feiertage\r\nX-WR-TIMEZONE:Europe/Berlin\r\n"
    found = read_holidays(ics(head=head), YEARS)
    assert (found.name, found.time_zone, found.dates) == ("Feiertage", "Europe/Berlin", ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a calendar",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\nX:\x00\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        ics("SUMMARY:no start"),
        ics("DTSTART;VALUE=DATE:99999999"),
        ics("DTSTART;VALUE=DATE:20261001\r\nDTEND:20261001T100000Z"),
        ics("DTSTART;VALUE=DATE:20261001\r\nRRULE:FREQ=YEARLY;BYMONTH=13"),
        ics("DTSTART;VALUE=DATE:20261001\r\nRRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=XX"),
        ics(*["DTSTART;VALUE=DATE:19010101\r\nRRULE:FREQ=YEARLY;COUNT=900"] * 200),
        ics("DTSTART;VALUE=DATE:20261001\r\nDTSTART;VALUE=DATE:20261002"),
        ics(*["DTSTART;VALUE=DATE:20261001"] * (EVENTS_LIMIT + 1)),
    ],
)
def test_a_broken_file_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_holidays(content, YEARS)
    assert refused.value.code == "invalid_ics"


@pytest.mark.parametrize(
    "rule",
    [
        "nonsense",
        "FREQ=SECONDLY",
        "FREQ=WEEKLY;BYDAY=SU",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=YEARLY;BYDAY=20MO",
    ],
)
def test_a_recurrence_that_is_not_yearly_is_refused(rule: str) -> None:
    with pytest.raises(Invalid):
        read_holidays(ics(f"DTSTART;VALUE=DATE:20261001\r\nRRULE:{rule}"), YEARS)


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        read_holidays(b"x" * (BYTES_LIMIT + 1), YEARS)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_damage_never_raises_anything_else(noise: bytes, position: int) -> None:
    good = ics("DTSTART;VALUE=DATE:20261001\r\nDTEND;VALUE=DATE:20261004\r\nRRULE:FREQ=YEARLY;BYMONTH=10")
    try:
        found = read_holidays(good[:position] + noise + good[position:], YEARS).dates
    except DeskError:
        return
    assert all(date(2025, 1, 1) <= day < date(2030, 1, 1) for day in found)
