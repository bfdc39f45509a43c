"""Who is told, by which channel, and when."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.notification.delivery import (
    DeliveryDelayed,
    DeliveryRefused,
    NotificationInput,
    message_id,
    outbox_key,
    subject_tag,
    thread_headers,
)
from domain.notification.kind import DEFAULT_CHANNELS, URGENT, Audience, Channel, Kind
from domain.notification.notice import Notice, event_key, plan
from domain.notification.preferences import Preferences, QuietHours, Recipient, send_after

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
TICKET = UUID(int=7)
NIGHT = QuietHours(start=time(22), end=time(7))


def _notice(kind: Kind = Kind.TICKET_REPLIED, **fields: object) -> Notice:
    return Notice.model_validate({"kind": kind, "audience": [Audience.REQUESTER], **fields})


def _someone(quiet_hours: QuietHours | None = None, time_zone: str = "Asia/Shanghai") -> Recipient:
    return Recipient(uuid4(), "zh-CN", time_zone, Preferences(quiet_hours=quiet_hours))


def test_every_kind_has_channels_and_a_notice_in_the_app() -> None:
    assert set(DEFAULT_CHANNELS) == set(Kind)
    assert all(Channel.IN_APP in channels for channels in DEFAULT_CHANNELS.values())


def test_each_recipient_is_told_once_on_each_channel() -> None:
    someone = _someone()
    rows = plan(_notice(), "key", {"number": 7}, [someone, someone, _someone()], NOW)
    assert len(rows) == 4
    assert {row.channel for row in rows} == set(Channel)
    assert all(row.params["number"] == 7 and row.locale == "zh-CN" for row in rows)


def test_nobody_is_told_of_their_own_act() -> None:
    actor, other = _someone(), _someone()
    rows = plan(_notice(exclude=[actor.person_id]), "key", {}, [actor, other], NOW)
    assert {row.recipient_id for row in rows} == {other.person_id}


def test_planning_the_same_event_again_names_the_same_rows() -> None:
    someone = _someone()
    first = plan(_notice(), "key", {}, [someone], NOW)
    again = plan(_notice(), "key", {}, [someone], NOW + timedelta(hours=1))
    other = plan(_notice(), "other key", {}, [someone], NOW)
    assert [row.id for row in first] == [row.id for row in again]
    assert not {row.id for row in first} & {row.id for row in other}


def test_a_choice_beats_the_default() -> None:
    chosen = {Kind.TICKET_REPLIED: {Channel.EMAIL: False}, Kind.TICKET_NOTED: {Channel.EMAIL: True}}
    picky = Recipient(uuid4(), preferences=Preferences(channels=chosen))
    replied = plan(_notice(), "key", {}, [picky], NOW)
    noted = plan(_notice(Kind.TICKET_NOTED), "key", {}, [picky], NOW)
    assert [row.channel for row in replied] == [Channel.IN_APP]
    assert len(noted) == 2


def test_steps_of_two_clocks_in_one_event_are_two_events() -> None:
    keys = {
        event_key(TICKET, 3, _notice(Kind.SLA_BREACHED, params={"clock": clock, "step": "100%"}))
        for clock in ("first_response", "resolution")
    }
    assert keys == {
        f"ticket:{TICKET}:3:sla_breached:first_response:100%",
        f"ticket:{TICKET}:3:sla_breached:resolution:100%",
    }


def test_quiet_hours_hold_a_mail_until_the_morning_of_its_reader() -> None:
    midnight_in_shanghai = datetime(2026, 11, 20, 16, tzinfo=UTC)
    morning = send_after(Kind.TICKET_REPLIED, _someone(NIGHT), midnight_in_shanghai)
    assert morning == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_quiet_hours_hold_nothing_by_day_and_nothing_urgent() -> None:
    midnight_in_shanghai = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert send_after(Kind.TICKET_REPLIED, _someone(NIGHT), NOW) is None
    assert send_after(Kind.TICKET_REPLIED, _someone(), midnight_in_shanghai) is None
    for kind in URGENT:
        assert send_after(kind, _someone(NIGHT), midnight_in_shanghai) is None


def test_only_the_mail_waits_for_quiet_hours() -> None:
    midnight_in_shanghai = datetime(2026, 11, 20, 16, tzinfo=UTC)
    rows = plan(_notice(), "key", {}, [_someone(NIGHT)], midnight_in_shanghai)
    assert {row.channel: row.send_after is not None for row in rows} == {
        Channel.IN_APP: False,
        Channel.EMAIL: True,
    }


@given(
    now=st.timedeltas(timedelta(0), timedelta(days=2000)).map(lambda passed: NOW + passed),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_a_held_mail_leaves_at_the_first_end_of_quiet_hours(
    now: datetime, start: time, end: time, zone: str
) -> None:
    if start == end:
        return
    quiet = QuietHours(start=start, end=end)
    at = send_after(Kind.TICKET_REPLIED, _someone(quiet, zone), now)
    if at is None:
        assert not quiet.cover(now.astimezone(ZoneInfo(zone)).time())
    else:
        assert now < at <= now + timedelta(hours=26)


def test_a_clock_set_back_ends_quiet_hours_at_the_second_reading() -> None:
    """At 01:10 for the second time, 01:30 is twenty minutes away, not a day."""
    quiet = QuietHours(start=time(0), end=time(1, 30))
    second_reading = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)
    at = send_after(Kind.TICKET_REPLIED, _someone(quiet, "America/New_York"), second_reading)
    assert at == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"), [("07:00", "07:00"), ("22:00Z", "07:00"), ("25:00", "07:00"), ("22:00", "")]
)
def test_impossible_quiet_hours_are_refused(start: str, end: str) -> None:
    with pytest.raises(ValidationError):
        QuietHours.model_validate({"start": start, "end": end})


def test_an_outbox_row_leads_to_its_delivery() -> None:
    job = NotificationInput.from_outbox(outbox_key(TICKET, 3), {"send_after": "2026-11-21T06:00:00+00:00"})
    assert job == NotificationInput(notification_id=TICKET, generation=3, send_after=NOW)
    assert NotificationInput.from_outbox(outbox_key(TICKET, 0), {}).send_after is None


def test_mails_of_a_ticket_form_a_thread() -> None:
    assert message_id(TICKET, "desk.example") == f"<notification.{TICKET}@desk.example>"
    root = f"<ticket.{TICKET}@desk.example>"
    assert thread_headers(TICKET, "desk.example") == {"In-Reply-To": root, "References": root}
    assert subject_tag(12) == "[#12]"


def test_a_failure_says_whether_a_retry_helps_and_keeps_names_out_of_its_message() -> None:
    refused = DeliveryRefused("mail_refused", "Refused.", reply_code=550, reply="<lin@x.example>\n unknown")
    assert (refused.permanent, refused.retryable) == (True, False)
    assert not DeliveryDelayed("smtp_away", "Away.").permanent
    assert refused.told == "Refused. 550 <lin@x.example> unknown"
    assert "lin" not in str(refused)
