"""A contest's decisions: its timers, its window, what is told, and what is refused."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.contest import process
from domain.contest.actions import carry_out
from domain.contest.fields import APPEALS, FAR, GRACE, Status, check_timetable
from domain.contest.messages import Facts, Filled
from domain.contest.moves import MOVES, Action
from domain.errors import Conflict, DeskError, IllegalMove, Invalid, StaleVersion
from domain.notification.kind import Kind
from tests.domain.contest.play import CLOSES, JUDGED, JUDGES, NOW, OPENS, Play, act, kinds, rules

MS = timedelta(milliseconds=1)
SCORES = {"idea": 5, "form": 5}


def test_a_contest_opens_and_closes_by_its_timers() -> None:
    play = Play()
    assert process.timers(play.state) == []
    play.act(Action.SCHEDULE)
    assert process.next_deadline(play.state) == OPENS
    play.settle(OPENS)
    assert play.state.status is Status.ACTIVE
    assert process.next_deadline(play.state) == CLOSES
    play.settle(CLOSES)
    assert play.state.status is Status.JUDGING
    assert play.state.closed_at == CLOSES
    assert process.next_deadline(play.state) == CLOSES + GRACE


def test_after_an_outage_everything_that_was_missed_happens_in_its_order() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    play.settle(CLOSES + timedelta(hours=1))
    moves = [
        event.cause for change in play.changes for event in change.events if event.type == "status_changed"
    ]
    assert moves == ["schedule", "opens", "closes"]
    assert play.state.fill is not None


@given(
    arrived=st.timedeltas(timedelta(seconds=-20), timedelta(seconds=20)),
    waited=st.timedeltas(timedelta(0), timedelta(seconds=20)),
    edge=st.sampled_from([OPENS, CLOSES]),
)
def test_no_entry_outside_the_window(arrived: timedelta, waited: timedelta, edge: object) -> None:
    """Whatever waits where: only the arrival counts, and in-flight entries come in within the grace."""
    assert edge in (OPENS, CLOSES)
    play = Play()
    play.act(Action.SCHEDULE)
    at = (OPENS if edge is OPENS else CLOSES) + arrived
    inside = OPENS <= at <= CLOSES and at + waited < CLOSES + GRACE
    code = ""
    try:
        play.enter(at, at + waited)
    except DeskError as error:
        code = error.code
    assert inside == (code == "")
    assert inside or code in ("contest_not_open", "contest_closed")
    assert play.state.entries == int(inside)


def test_one_millisecond_after_the_bell_is_refused_and_told_when_it_was() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    play.enter(CLOSES, CLOSES + timedelta(seconds=3))
    with pytest.raises(Conflict) as refused:
        play.enter(CLOSES + MS)
    assert refused.value.code == "contest_closed"
    assert refused.value.extra["closes_at"] == CLOSES.isoformat()


def test_an_entry_that_arrived_in_time_is_refused_after_the_grace() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    with pytest.raises(Conflict):
        play.enter(CLOSES, CLOSES + GRACE + MS)


def test_a_draft_and_a_cancelled_contest_take_no_entries() -> None:
    play = Play()
    with pytest.raises(IllegalMove, match="A contest that is draft cannot enter"):
        play.enter(OPENS)
    play.act(Action.CANCEL, text="No time")
    with pytest.raises(IllegalMove):
        play.enter(OPENS)


def test_a_request_happens_once_and_a_key_is_for_one_body() -> None:
    play = Play()
    wanted = act(Action.SCHEDULE, fingerprint="a")
    play.take(process.acted(play.state, wanted, NOW))
    seen = process.check(play.state, wanted, NOW)
    assert seen is not None
    assert seen.version == play.state.event_number
    with pytest.raises(Conflict, match="another request"):
        process.check(play.state, wanted.model_copy(update={"fingerprint": "b"}), NOW)


def test_a_stale_version_is_refused() -> None:
    play = Play()
    with pytest.raises(StaleVersion):
        process.check(play.state, act(Action.SCHEDULE, expected_version=7), NOW)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"closes_at": OPENS}, "ends_before_it_starts"),
        ({"judging_until": CLOSES}, "judging_too_short"),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone"),
        ({"criteria": []}, "too_short"),
        ({"criteria": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "repeated"),
        ({"prizes": [{"rank": 1, "name": "A"}, {"rank": 1, "name": "B"}]}, "repeated"),
        ({"opens_at": "9999-12-31T23:59:59-14:00"}, "out_of_range"),
    ],
)
def test_rules_that_make_no_sense_are_refused(fields: dict[str, object], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        rules(**fields)
    assert code in {error["type"] for error in refused.value.errors()}


def test_a_contest_of_the_past_or_of_another_age_is_refused() -> None:
    with pytest.raises(Invalid) as past:
        check_timetable(rules(), CLOSES)
    with pytest.raises(Invalid) as far:
        check_timetable(rules(judging_until=NOW + FAR + timedelta(days=1)), NOW)
    assert (past.value.code, far.value.code) == ("closes_in_the_past", "too_far_ahead")


def test_a_contest_with_fewer_judges_than_each_entry_needs_is_not_scheduled() -> None:
    play = Play(judges_per_entry=5)
    with pytest.raises(Invalid) as refused:
        play.act(Action.SCHEDULE)
    assert refused.value.code == "too_few_judges"
    assert play.state.status is Status.DRAFT


@given(by=st.timedeltas(timedelta(seconds=1), timedelta(days=300)))
def test_an_extension_moves_every_timer(by: timedelta) -> None:
    """In each state that has some; while judges work, also those of who took over."""
    judging = Play().to_judging()
    judging.settle(JUDGED, Facts(missed=[JUDGES[0]]))
    later = Filled(after=None, judges=[JUDGES[1]], pending=1)
    judging.work(JUDGED, Facts(filled=later))
    assert len(process.timers(judging.state)) >= 2
    scheduled, active = Play(), Play()
    scheduled.act(Action.SCHEDULE)
    active.act(Action.SCHEDULE)
    active.settle(OPENS)
    for play, now in (
        (scheduled, NOW),
        (active, OPENS),
        (judging, JUDGED),
        (Play().to_provisional(), CLOSES + timedelta(days=1)),
    ):
        before = process.timers(play.state)
        change = play.act(Action.EXTEND, now, by=by)
        assert [(one.name, one.due_at + by) for one in before] == [
            (one.name, one.due_at) for one in process.timers(play.state)
        ]
        telling = play.state.tellings[-1]
        assert (telling.kind, telling.event_number) == (Kind.CONTEST_EXTENDED, change.state.event_number)
        assert kinds(change) == ["contest_extended"]


def test_an_extension_does_not_lengthen_the_moment_after_the_bell() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    play.settle(CLOSES)
    play.act(Action.EXTEND, CLOSES, by=timedelta(days=1))
    assert [one.due_at for one in process.timers(play.state)] == [CLOSES + GRACE]
    assert play.state.rules.judging_until == JUDGED + timedelta(days=1)


def test_judges_are_warned_before_and_replaced_after() -> None:
    play = Play().to_judging(entries=3)
    warn, due = process.timers(play.state)
    assert due.due_at == JUDGED
    assert warn.due_at == JUDGED - timedelta(hours=24)
    play.settle(warn.due_at, Facts(late=[JUDGES[0]]))
    assert kinds(play.changes[-1]) == ["contest_judging_due"]
    play.settle(due.due_at, Facts(missed=[JUDGES[0]]))
    assert kinds(play.changes[-1]) == ["contest_judge_replaced"]
    assert JUDGES[0] not in play.state.judges
    assert play.state.fill is not None
    assert play.state.fill.due_at == JUDGED + timedelta(hours=48)


def test_who_was_warned_is_warned_again_before_a_deadline_that_moved() -> None:
    play = Play().to_judging()
    warn, due = process.timers(play.state)
    play.settle(warn.due_at, Facts(late=[JUDGES[0]]))
    play.act(Action.EXTEND, warn.due_at, by=timedelta(days=5))
    again, moved = process.timers(play.state)
    assert moved.due_at == due.due_at + timedelta(days=5)
    assert again.due_at == moved.due_at - timedelta(hours=24)
    play.settle(again.due_at, Facts(late=[JUDGES[0]]))
    assert kinds(play.changes[-1]) == ["contest_judging_due"]


def test_managers_hear_once_when_nobody_is_left_and_can_publish_or_appoint() -> None:
    play = Play().to_judging(entries=3)
    play.settle(JUDGED, Facts(missed=list(JUDGES)))
    play.work(JUDGED, Facts(filled=Filled(after=None, short=3)))
    assert kinds(play.changes[-1]) == ["contest_short"]
    assert not play.state.restanding
    play.act(Action.APPOINT, JUDGED, people=[uuid4()])
    play.work(JUDGED, Facts(filled=Filled(after=None, short=3)))
    assert kinds(play.changes[-1]) == []
    play.act(Action.PUBLISH, JUDGED)
    play.work(JUDGED, Facts())
    assert play.state.status is Status.PROVISIONAL


def test_a_standing_that_is_about_to_be_published_waits_for_no_other_judge() -> None:
    play = Play().to_judging(entries=3)
    play.act(Action.PUBLISH, JUDGED - MS)
    assert process.timers(play.state) == []
    play.act(Action.APPOINT, JUDGED, people=[uuid4()])
    assert play.state.fill is None
    play.work(JUDGED, Facts())
    assert play.state.status is Status.PROVISIONAL


def test_a_contest_without_entries_comes_to_its_end() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    at = CLOSES + GRACE
    play.settle(at)
    play.work(at, Facts(filled=Filled(after=None)), Facts(), Facts())
    play.settle(at + APPEALS)
    assert play.state.status is Status.FINAL


def test_the_walk_goes_on_page_by_page_and_begins_anew_when_somebody_must_be_replaced() -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    play.enter(OPENS)
    at = CLOSES + GRACE
    play.settle(at)
    middle = uuid4()
    play.work(at, Facts(filled=Filled(after=middle, judges=[JUDGES[0]])))
    assert play.state.fill is not None
    assert play.state.fill.after == middle
    play.act(Action.DISMISS, at, person_id=JUDGES[1])
    assert play.state.fill is not None
    assert (play.state.fill.after, play.state.fill.judges) == (None, (JUDGES[0],))


@pytest.mark.parametrize(
    ("scores", "code"),
    [
        ({"idea": 5}, "wrong_criteria"),
        ({**SCORES, "more": 1}, "wrong_criteria"),
        ({**SCORES, "idea": 11}, "wrong_score"),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores: dict[str, int], code: str) -> None:
    play = Play().to_judging()
    wanted = act(Action.SCORE, actor_id=JUDGES[0], entry_id=uuid4(), scores=scores)
    with pytest.raises(Invalid) as refused:
        process.check(play.state, wanted, CLOSES + timedelta(days=1))
    assert refused.value.code == code


def test_appeals_end_after_72_hours_and_the_last_decision_makes_it_final() -> None:
    play = Play().to_provisional()
    until = play.state.appeals_until
    assert until == CLOSES + timedelta(days=1) + APPEALS
    play.act(Action.APPEAL, until - MS, record_id=uuid4(), entry_id=uuid4(), text="Mine is better")
    assert kinds(play.changes[-1]) == ["contest_appealed"]
    play.settle(until)
    assert play.state.status is Status.PROVISIONAL
    assert kinds(play.changes[-1]) == ["contest_appeals_wait"]
    with pytest.raises(Conflict) as late:
        play.act(Action.APPEAL, until, record_id=uuid4(), entry_id=uuid4(), text="So is mine")
    assert late.value.code == "appeals_closed"
    appellant = uuid4()
    play.act(
        Action.DECIDE,
        until + MS,
        Facts(appellant=appellant),
        record_id=uuid4(),
        text="It is",
        upheld=True,
        adjustment=50,
    )
    assert kinds(play.changes[-1]) == ["contest_appeal_decided"]
    assert play.state.restanding
    play.settle(until + MS)
    assert play.state.status is Status.PROVISIONAL, "the new standing has to be reckoned first"
    while play.state.restanding:
        play.work(until + MS, Facts())
    play.settle(until + MS)
    assert play.state.status is Status.FINAL


def test_prizes_are_given_by_one_move_and_no_second_one() -> None:
    play = Play().to_provisional()
    at = play.state.appeals_until
    assert at is not None
    winner = uuid4()
    play.act(Action.AWARD, at, Facts(winners=[winner]))
    assert play.state.status is Status.AWARDED
    assert kinds(play.changes[-1]) == ["contest_won"]
    with pytest.raises(IllegalMove):
        play.act(Action.AWARD, at)


def test_a_cancelled_contest_tells_everybody_takes_points_back_and_ends() -> None:
    play = Play().to_judging(entries=2)
    at = CLOSES + timedelta(days=1)
    play.act(Action.CANCEL, at, text="Plagiarism")
    assert process.timers(play.state) == []
    assert kinds(play.changes[-1]) == ["contest_cancelled"]
    assert not process.is_finished(play.state)
    half = uuid4()
    play.work(at, Facts(after=half))
    assert play.state.reversed_to == half
    play.work(at, Facts(), Facts(after=half), Facts())
    assert process.is_finished(play.state)


def test_it_can_be_cancelled_from_every_state_that_is_not_the_end() -> None:
    assert {status for status in Status if Action.CANCEL in MOVES[status]} == {
        status for status in Status if MOVES[status]
    }


def test_every_action_is_allowed_somewhere_and_carried_out() -> None:
    assert {action for moves in MOVES.values() for action in moves} == set(Action)
    assert carry_out


@pytest.mark.parametrize("by", [timedelta(0), timedelta(days=-1), FAR])
def test_an_extension_without_a_length_or_without_an_end_is_refused(by: timedelta) -> None:
    play = Play()
    play.act(Action.SCHEDULE)
    with pytest.raises(Invalid):
        play.act(Action.EXTEND, by=by)


def test_a_judge_who_is_needed_is_not_dismissed_before_the_judging() -> None:
    play = Play(judges_per_entry=4)
    play.act(Action.SCHEDULE)
    with pytest.raises(Invalid) as refused:
        play.act(Action.DISMISS, person_id=JUDGES[0])
    assert refused.value.code == "too_few_judges"
