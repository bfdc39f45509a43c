"""The life of a feedback item as pure decisions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict, IllegalMove
from domain.feedback import process
from domain.feedback.fields import ENDED, Assessment, Kind, Status, priority_of
from domain.feedback.likeness import likeness, telling
from domain.feedback.messages import Act, Change, Facts, News, Submit
from domain.feedback.moves import MOVES, Action
from domain.feedback.promises import COMPLAINTS, DEFAULT, STAGES, policy_for
from domain.feedback.state import FeedbackState
from domain.feedback.triage import guess
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.sla.ledger import Entry
from domain.sla.policy import ClockName
from domain.ticket.fields import Priority
from domain.ticket.messages import Requester

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ASKER, OWNER = UUID(int=1), UUID(int=2)


def opened(**fields: Any) -> FeedbackState:
    values = {
        "feedback_id": uuid4(),
        "fingerprint": "one",
        "title": "Dark mode",
        "body": "Please",
        "requester": Requester(person_id=ASKER),
        "importance": 3,
        **fields,
    }
    command = Submit.model_validate(values)
    policy = COMPLAINTS if command.kind is Kind.COMPLAINT else DEFAULT
    facts = Facts(number=1, requester_id=ASKER, reach=1, policy=policy)
    return process.with_facts(process.submitted(command, T0), facts).state


def step(state: FeedbackState, action: Action, at: datetime = T0, **fields: Any) -> Change:
    """The completed change of an allowed action; everybody who was asked has answered no, if somebody does."""
    values = {"actor_id": None, "request_id": uuid4().hex, "text_id": uuid4(), "text": "Because.", **fields}
    act = Act.model_validate({"action": action, **values})
    assert process.check(state, act) is None
    change = process.acted(state, act, at)
    said = act.solved is True
    facts = Facts(reach=1, policy=state.policy, asked=1, yes=int(said), no=int(not said))
    return process.with_facts(change, facts) if change.wants else change


def walked(state: FeedbackState, *actions: Action, at: datetime = T0) -> FeedbackState:
    for action in actions:
        state = step(state, action, at).state
    return state


def assessed(state: FeedbackState) -> FeedbackState:
    state = walked(state, Action.TRIAGE)
    for one in Assessment:
        state = step(state, Action.ASSESS, assessment=one, verdict="for").state
    return state


def shipped(state: FeedbackState | None = None) -> FeedbackState:
    return walked(assessed(state or opened()), Action.PLAN, Action.START, Action.SHIP)


def told(change: Change) -> list[NoticeKind]:
    return [turn.kind for turn in change.turns]


def test_each_stage_has_its_clock_and_no_other() -> None:
    state = opened()
    for status, actions in [
        (Status.SUBMITTED, []),
        (Status.TRIAGED, [Action.TRIAGE]),
    ]:
        state = walked(state, *actions)
        assert state.status is status
        assert set(state.clocks) == {STAGES[status], ClockName.SILENCE}
    state = assessed(opened())
    for status, action in [
        (Status.ASSESSED, None),
        (Status.PLANNED, Action.PLAN),
        (Status.IN_PROGRESS, Action.START),
        (Status.SHIPPED, Action.SHIP),
    ]:
        state = state if action is None else walked(state, action)
        assert state.status is status
        assert set(state.clocks) == {STAGES[status], ClockName.SILENCE}
    assert walked(state, Action.VERIFY).clocks == {}


def test_every_change_of_state_tells_everybody() -> None:
    state = opened()
    for action in (Action.TRIAGE, Action.DECLINE, Action.REOPEN, Action.MERGE):
        change = step(state, action, into=uuid4() if action is Action.MERGE else None)
        assert len(change.turns) == 1, action
        state = change.state


@pytest.mark.parametrize(("kind", "hours"), [(Kind.SUGGESTION, 72), (Kind.COMPLAINT, 4)])
def test_a_complaint_is_triaged_sooner(kind: Kind, hours: int) -> None:
    state = opened(kind=kind, importance=1)
    assert state.policy is not None
    assert state.clocks[ClockName.TRIAGE].due_at(state.policy) == T0 + timedelta(hours=hours)


def test_what_a_stage_does_not_reach_in_time_climbs_the_ladder() -> None:
    state = opened()
    change = process.settled(state, T0 + 4.5 * DAY)
    rows = [(row.kind, row.step) for row in change.ledger if row.clock is ClockName.TRIAGE]
    assert rows == [(Entry.WARN, "75%"), (Entry.BREACH, "100%"), (Entry.ESCALATE, "150%")]
    audiences = [(notice.kind, notice.audience) for notice in change.notices]
    assert (NoticeKind.FEEDBACK_OVERDUE, [Audience.MANAGERS]) in audiences
    assert change.state.breached


def test_silence_of_thirty_days_nudges_the_owner_and_then_the_managers() -> None:
    state = step(assessed(opened()), Action.PLAN).state
    nudge = process.settled(state, T0 + 30 * DAY)
    assert [(one.kind, one.audience) for one in nudge.notices] == [
        (NoticeKind.FEEDBACK_SILENT, [Audience.ASSIGNEE])
    ]
    assert not nudge.state.breached
    later = process.settled(nudge.state, T0 + 45 * DAY)
    assert [one.audience for one in later.notices] == [[Audience.MANAGERS]]
    spoken = step(state, Action.ANSWER, T0 + 29 * DAY).state
    assert process.next_deadline(spoken) == T0 + 59 * DAY


def test_an_assessment_has_an_owner_and_a_due_time_that_reach_has_no_say_in() -> None:
    state = walked(opened(), Action.TRIAGE)
    due_at = T0 + 2 * DAY
    state = step(state, Action.DELEGATE, assessment="need", owner_id=OWNER, due_at=due_at).state
    news = News(cause="reach")
    change = process.considered(state, news, T0 + DAY)
    facts = Facts(reach=100, policy=DEFAULT)
    state = process.with_facts(change, facts).state
    assert state.priority is Priority.CRITICAL
    assert state.policy is not None
    assert state.clocks[ClockName.NEED].due_at(state.policy) == due_at
    late = process.settled(state, due_at)
    named = [one for one in late.notices if one.params["clock"] == ClockName.NEED]
    assert [one.params["people"] for one in named if one.audience == [Audience.NAMED]] == [[str(OWNER)]] * 2


@pytest.mark.parametrize("due_at", [T0 - DAY, T0, T0 + timedelta(microseconds=1)])
def test_an_assessment_that_is_due_at_once_climbs_its_ladder_and_comes_to_an_end(due_at: datetime) -> None:
    state = walked(opened(), Action.TRIAGE)
    state = step(state, Action.DELEGATE, assessment="need", owner_id=OWNER, due_at=due_at).state
    later = process.settled(state, T0 + DAY).state
    assert (process.next_deadline(later) or T0) > T0 + DAY


def test_the_last_of_four_assessments_leads_to_the_decision() -> None:
    state = walked(opened(), Action.TRIAGE)
    for one in list(Assessment)[:3]:
        state = step(state, Action.ASSESS, assessment=one, verdict="for").state
    assert state.status is Status.TRIAGED
    with pytest.raises(IllegalMove):
        step(state, Action.PLAN)
    assert (
        step(state, Action.ASSESS, assessment="resources", verdict="against").state.status is Status.ASSESSED
    )


@pytest.mark.parametrize("action", [Action.CLOSE, Action.MERGE])
def test_a_complaint_owes_a_human_answer(action: Action) -> None:
    state = shipped(opened(kind=Kind.COMPLAINT)) if action is Action.CLOSE else opened(kind=Kind.COMPLAINT)
    state = walked(state, Action.VERIFY) if action is Action.CLOSE else state
    assert state.close_at is None
    with pytest.raises(Conflict, match="answered by a human"):
        step(state, action, into=uuid4())
    state = walked(state, Action.ANSWER)
    assert step(state, action, into=uuid4()).state.status in ENDED


def test_effects_are_asked_for_after_14_and_30_days_and_then_it_closes() -> None:
    state = walked(shipped(), Action.VERIFY)
    found = []
    while (due := process.next_deadline(state)) is not None and state.status is not Status.CLOSED:
        change = process.settled(state, due)
        found += [((due - T0).days, kind) for kind in told(change)]
        state = change.state
    assert found == [
        (14, NoticeKind.FEEDBACK_CHECK),
        (30, NoticeKind.FEEDBACK_CHECK),
        (37, NoticeKind.FEEDBACK_MOVED),
    ]


def test_the_first_no_reopens_and_a_later_check_needs_more_than_one_in_five() -> None:
    state = shipped()
    assert step(state, Action.CONFIRM, solved=False, actor_id=ASKER).state.status is Status.IN_PROGRESS
    verified = step(state, Action.CONFIRM, solved=True, actor_id=ASKER).state
    checked = process.settled(verified, T0 + 14 * DAY).state
    no = Act(action=Action.CONFIRM, actor_id=ASKER, request_id="no", solved=False)
    change = process.acted(checked, no, T0 + 15 * DAY)
    for asked, noes, status in [
        (10, 2, Status.VERIFIED),
        (10, 3, Status.IN_PROGRESS),
        (1, 1, Status.IN_PROGRESS),
    ]:
        facts = Facts(asked=asked, yes=0, no=noes)
        assert process.with_facts(change, facts).state.status is status


def test_word_of_a_merge_or_its_taking_back_that_comes_again_is_known() -> None:
    state, other = opened(), uuid4()
    for cause, told in (("merged", "merged_from"), ("unmerged", "unmerged_from")):
        news = News.model_validate({"cause": cause, "feedback_id": other})
        first = process.considered(state, news, T0)
        assert [event.type for event in first.events] == [told]
        state = first.state
        again = process.considered(state, news, T0)
        assert process.is_empty(process.with_facts(again, Facts(reach=1, policy=state.policy)))


def test_merges_and_their_ends_that_come_together_are_all_told() -> None:
    state, other, events = opened(), uuid4(), list[str]()
    for version, cause in ((2, "merged"), (3, "unmerged"), (4, "merged"), (3, "unmerged"), (5, "unmerged")):
        news = News.model_validate({"cause": cause, "feedback_id": other, "version": version})
        change = process.considered(state, news, T0)
        events += [event.type for event in change.events]
        state = change.state
    assert events == ["merged_from", "unmerged_from", "merged_from", "unmerged_from"]
    assert state.merged_from == ()


def test_what_is_taken_out_of_a_merge_goes_on_where_it_was() -> None:
    planned = walked(assessed(opened()), Action.PLAN)
    merged = step(planned, Action.MERGE, into=uuid4()).state
    assert (merged.status, merged.clocks, merged.finish_at) == (Status.MERGED, {}, T0 + process.REOPEN_WINDOW)
    alone = step(merged, Action.UNMERGE, at=T0 + DAY)
    assert (alone.state.status, alone.state.merged_into, alone.state.finish_at) == (
        Status.PLANNED,
        None,
        None,
    )
    assert alone.state.clocks[ClockName.BEGINNING].started_at == T0 + DAY
    assert told(alone) == [NoticeKind.FEEDBACK_UNMERGED]


def test_a_question_of_an_earlier_shipping_is_no_longer_answered() -> None:
    state = shipped()
    old = state.round
    again = step(step(state, Action.REOPEN).state, Action.SHIP).state
    with pytest.raises(Conflict) as refused:
        step(again, Action.CONFIRM, solved=True, actor_id=ASKER, round=old)
    assert refused.value.code == "not_asked"


def test_what_is_in_no_row_of_the_table_is_refused() -> None:
    for status, moves in MOVES.items():
        state = opened().model_copy(update={"status": status, "answered_at": T0})
        for action in set(Action) - set(moves):
            with pytest.raises(IllegalMove):
                process.check(state, Act(action=action, actor_id=None, request_id="x"))


@given(st.integers(1, 10_000), st.integers(1, 5))
def test_more_people_and_more_importance_never_lower_the_priority(reach: int, importance: int) -> None:
    level = priority_of(reach, importance).weight
    assert priority_of(reach + 1, importance).weight >= level
    assert priority_of(reach, min(5, importance + 1)).weight >= level


@settings(max_examples=60)
@given(st.lists(st.sampled_from(Action), max_size=25), st.lists(st.integers(0, 20), min_size=25, max_size=25))
def test_whatever_is_done_in_whatever_order_the_item_stays_sound(
    actions: list[Action], days: list[int]
) -> None:
    state, now = opened(), T0
    for action, wait in zip(actions, days, strict=False):
        now += wait * DAY
        change = process.settled(state, now)
        state = state if process.is_empty(change) else change.state
        if process.is_finished(state, now):
            break
        values = {"assessment": "need", "verdict": "for", "solved": wait % 2 == 0, "actor_id": ASKER}
        try:
            change = step(state, action, now, owner_id=OWNER, into=uuid4(), **values)
        except Conflict:
            continue
        assert change.state.event_number == state.event_number + 1
        moved = change.state.status is not state.status
        assert moved <= bool(change.turns)
        state = change.state
        assert (state.finish_at is not None) == (state.status in ENDED)
        assert (state.shipped_at is not None) == (
            state.status in (Status.SHIPPED, Status.VERIFIED, Status.CLOSED)
        )
        deadline = process.next_deadline(state)
        assert deadline is None or deadline > now
        assert FeedbackState.model_validate_json(state.model_dump_json()) == state


def test_a_desk_s_own_policy_comes_before_the_default() -> None:
    own = DEFAULT.model_copy(
        update={
            "policy": DEFAULT.policy.model_copy(
                update={"match": DEFAULT.policy.match.model_copy(update={"kind": ("praise",)})}
            )
        }
    )
    assert policy_for([own], Kind.PRAISE, None, Priority.LOW) is own
    assert policy_for([own], Kind.PROBLEM, None, Priority.LOW) is DEFAULT
    assert policy_for([own], Kind.COMPLAINT, None, Priority.LOW) is COMPLAINTS


def test_a_rare_word_makes_two_texts_more_alike_than_a_frequent_one() -> None:
    frequencies = {"mode": 50, "dark": 1}
    rare = likeness(["dark", "mode"], ["dark"], frequencies, 50)
    assert rare > 0.9 > likeness(["dark", "mode"], ["mode"], frequencies, 50)
    assert likeness([], [], {}, 0) == 0
    assert telling(["夜间", "间", "a"]) == ["夜间"]
    assert telling(["夜"]) == ["夜"]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("I complain: this is unacceptable", Kind.COMPLAINT),
        ("我要投诉你们的客服态度", Kind.COMPLAINT),
        ("zzz", None),
    ],
)
def test_the_words_tell_the_kind_or_nothing(title: str, kind: Kind | None) -> None:
    assert guess(title, "")["kind"] is kind
