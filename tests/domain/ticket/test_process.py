"""The decisions of a ticket process, step by step: pure, so time is whatever a test says."""

from datetime import timedelta

import pytest

from domain.errors import Conflict, IllegalMove, StaleVersion
from domain.notification.kind import Kind as NoticeKind
from domain.sla.ledger import Entry
from domain.sla.policy import DEFAULT_POLICY, ClockName, LadderStep
from domain.ticket import process
from domain.ticket.fields import Priority, Status
from domain.ticket.messages import Change, Facts, Reconsider
from domain.ticket.moves import Action
from tests.domain.ticket.steps import (
    ADA,
    DEE,
    DEFAULT,
    REQUESTER,
    T0,
    act,
    after,
    command,
    minutes,
    opened,
    policy,
)


def kinds(change: Change, clock: ClockName = ClockName.RESOLUTION) -> list[Entry]:
    return [row.kind for row in change.ledger if row.clock == clock]


def test_an_opened_ticket_is_assigned_and_its_promises_run() -> None:
    state = opened()
    assert (state.status, state.assignee_id, state.event_number) == (Status.ASSIGNED, ADA, 1)
    assert state.clocks[ClockName.FIRST_RESPONSE].due_at(DEFAULT) == T0 + minutes(120)
    assert state.clocks[ClockName.RESOLUTION].due_at(DEFAULT) == T0 + minutes(1440)
    assert process.next_deadline(state) == T0 + minutes(90)


def test_nobody_free_leaves_it_open_with_a_named_reason() -> None:
    state = opened(assignee=None)
    assert (state.status, state.waiting_reason, state.wants_assignee) == (Status.OPEN, "all_full", True)


def test_an_imported_ticket_keeps_its_past_and_is_promised_from_now_on() -> None:
    old = command(created_at=T0 - timedelta(days=900))
    facts = Facts(number=1, requester_id=REQUESTER, matched=True, policy=DEFAULT)
    state = process.with_facts(process.opened(old, T0), facts).state
    assert state.created_at == T0 - timedelta(days=900)
    assert state.clocks[ClockName.RESOLUTION].started_at == T0


def test_a_public_reply_is_the_first_response_and_a_note_is_not() -> None:
    state, _ = after(opened(), (10, act(Action.NOTE, body="hm")))
    assert state.first_responded_at is None
    assert ClockName.FIRST_RESPONSE in state.clocks
    state, changes = after(state, (20, act(Action.REPLY, body="Have a look at /var")))
    assert state.first_responded_at == T0 + minutes(20)
    assert kinds(changes[0], ClockName.FIRST_RESPONSE) == [Entry.SATISFY]
    assert state.status is Status.IN_PROGRESS


def test_a_status_flip_is_no_response() -> None:
    state, _ = after(opened(), (5, act(Action.START)), (6, act(Action.WAIT)))
    assert state.first_responded_at is None


def test_waiting_pauses_the_resolution_and_keeps_what_is_left() -> None:
    state, changes = after(opened(), (60, act(Action.WAIT)))
    clock = state.clocks[ClockName.RESOLUTION]
    assert kinds(changes[0]) == [Entry.PAUSE]
    assert (clock.paused, clock.spent, clock.due_at(DEFAULT)) == (True, minutes(60), None)
    state, changes = after(state, (360, act(Action.RESUME)))
    assert kinds(changes[0]) == [Entry.RESUME]
    assert state.clocks[ClockName.RESOLUTION].due_at(DEFAULT) == T0 + minutes(1440 + 300)


def test_on_hold_pauses_only_if_the_policy_says_so() -> None:
    state, _ = after(opened(), (60, act(Action.HOLD)))
    assert not state.clocks[ClockName.RESOLUTION].paused
    strict = policy(pause_on=(Status.WAITING, Status.ON_HOLD))
    state, _ = after(opened(version=strict), (60, act(Action.HOLD)))
    assert state.clocks[ClockName.RESOLUTION].paused


def test_nothing_fires_while_paused() -> None:
    state, _ = after(opened(), (10, act(Action.REPLY, body="x")), (60, act(Action.WAIT)))
    change = process.settled(state, T0 + timedelta(days=30))
    assert process.is_empty(change)


def test_every_step_fires_once_at_its_time_and_climbs_the_tiers() -> None:
    state = opened()
    change = process.settled(state, T0 + minutes(90))
    assert [(row.kind, row.step, row.due_at) for row in change.ledger] == [
        (Entry.WARN, "75%", T0 + minutes(90))
    ]
    assert [notice.kind for notice in change.notices] == [NoticeKind.SLA_WARNING]
    assert process.is_empty(process.settled(change.state, T0 + minutes(91)))
    change = process.settled(change.state, T0 + minutes(120))
    assert [(row.kind, row.step) for row in change.ledger] == [(Entry.BREACH, "100%")]
    assert (change.state.tier, change.wants, change.state.breached) == (2, ["assignee"], True)
    change = process.settled(change.state, T0 + minutes(180))
    assert [(row.kind, row.step) for row in change.ledger] == [(Entry.ESCALATE, "150%")]
    assert change.state.tier == 3
    change = process.settled(change.state, T0 + minutes(300))
    assert [(row.kind, row.step, row.due_at) for row in change.ledger] == [
        (Entry.ESCALATE, "250%", T0 + minutes(300))
    ]


def test_after_an_outage_each_step_fires_once_and_says_how_late() -> None:
    now = T0 + minutes(500)
    change = process.settled(opened(), now)
    first = [row for row in change.ledger if row.clock is ClockName.FIRST_RESPONSE]
    assert [row.step for row in first] == ["75%", "100%", "150%", "250%", "350%"]
    assert all(row.fired_at == now for row in first)
    assert [notice.kind for notice in change.notices].count(NoticeKind.TICKET_ESCALATED) == 1


def test_a_very_long_outage_is_counted_not_listed() -> None:
    change = process.settled(opened(), T0 + timedelta(days=2000))
    repeats = [row for row in change.ledger if row.clock is ClockName.FIRST_RESPONSE]
    assert len(repeats) < 120
    assert sum(row.missed for row in repeats) > 20_000
    assert process.is_empty(process.settled(change.state, T0 + timedelta(days=2000)))


def test_a_breach_cured_a_second_later_is_still_a_breach() -> None:
    _, changes = after(opened(), (120 + 1 / 60, act(Action.REPLY, body="sorry")))
    assert kinds(changes[0], ClockName.FIRST_RESPONSE) == [Entry.WARN, Entry.BREACH, Entry.SATISFY]


def test_a_reply_in_time_cancels_the_ladder_of_its_clock() -> None:
    state, _ = after(opened(), (119, act(Action.REPLY, body="here")))
    change = process.settled(state, T0 + minutes(500))
    assert all(row.clock is not ClockName.FIRST_RESPONSE for row in change.ledger)


def test_a_new_priority_keeps_the_time_spent_and_takes_the_new_target() -> None:
    state, changes = after(opened(), (60, act(Action.SET_PRIORITY, priority=Priority.CRITICAL)))
    assert kinds(changes[0]) == [Entry.RETARGET]
    clock = state.clocks[ClockName.RESOLUTION]
    assert (clock.spent, clock.due_at(DEFAULT)) == (minutes(60), T0 + minutes(240))


def test_a_breach_is_nobodys_act_also_when_somebody_acts_first() -> None:
    """The assignee answers before the timer fires: they hear of the breach all the same."""
    state, (change,) = after(opened(), (130, act(Action.REPLY)))
    assert state.first_responded_at == T0 + minutes(130)
    actors = {event.type: event.actor_id for event in change.events}
    assert actors["sla_breached"] is None
    assert actors["escalated"] is None
    assert actors["replied"] == ADA
    excluded = {notice.kind: notice.exclude for notice in change.notices}
    assert excluded[NoticeKind.SLA_BREACHED] == []
    assert excluded[NoticeKind.TICKET_REPLIED] == [ADA]


def test_a_target_that_was_passed_already_is_due_at_once_and_not_before() -> None:
    state, _ = after(opened(), (60, act(Action.SET_PRIORITY, priority=Priority.CRITICAL)))
    change = process.settled(state, T0 + minutes(60))
    rows = [row for row in change.ledger if row.clock is ClockName.FIRST_RESPONSE]
    assert [(row.kind, row.due_at) for row in rows[:2]] == [
        (Entry.WARN, T0 + minutes(60)),
        (Entry.BREACH, T0 + minutes(60)),
    ]


def test_restart_begins_the_target_anew() -> None:
    version = policy(on_priority_change="restart")
    state, _ = after(opened(version=version), (60, act(Action.SET_PRIORITY, priority=Priority.CRITICAL)))
    assert state.clocks[ClockName.RESOLUTION].due_at(version) == T0 + minutes(60 + 240)


def test_lowering_the_priority_never_takes_back_a_breach() -> None:
    state = process.settled(opened(), T0 + minutes(130)).state
    state, _ = after(state, (140, act(Action.SET_PRIORITY, priority=Priority.LOW)))
    assert state.clocks[ClockName.FIRST_RESPONSE].breached_at == T0 + minutes(120)
    change = process.settled(state, T0 + minutes(480))
    assert Entry.BREACH not in kinds(change, ClockName.FIRST_RESPONSE)


def test_resolving_keeps_the_promise_and_closes_after_three_days() -> None:
    state, changes = after(opened(), (100, act(Action.RESOLVE, body="Cleaned /var")))
    assert kinds(changes[0]) == [Entry.SATISFY]
    assert (state.clocks, state.resolved_at) == ({}, T0 + minutes(100))
    assert process.next_deadline(state) == T0 + minutes(100) + timedelta(days=3)
    state = process.settled(state, T0 + minutes(100) + timedelta(days=3)).state
    assert state.status is Status.CLOSED
    assert state.finish_at == T0 + minutes(100) + timedelta(days=17)
    assert process.is_finished(state, T0 + timedelta(days=18))


def test_a_late_escalation_looks_for_nobody_once_the_ticket_is_resolved() -> None:
    """Steps that an outage held up fire before the action that finds them; the ticket is done after it."""
    late = T0 + 3 * DEFAULT_POLICY.targets[Priority.HIGH][ClockName.RESOLUTION]
    change = process.acted(opened(), act(Action.RESOLVE, body="Done"), late)
    assert (change.state.tier, change.state.assignee_id, change.wants) == (3, ADA, [])


def test_reopening_starts_a_new_cycle_and_the_old_one_stays() -> None:
    state, _ = after(opened(), (100, act(Action.RESOLVE, body="done")), (200, act(Action.REOPEN, body="no")))
    clock = state.clocks[ClockName.RESOLUTION]
    assert (clock.cycle, clock.started_at, state.reopen_count) == (2, T0 + minutes(200), 1)
    assert (state.auto_close_at, state.resolved_at) == (None, None)


def test_a_policy_may_resume_the_old_cycle() -> None:
    version = policy(on_reopen="resume")
    state, _ = after(
        opened(version=version),
        (100, act(Action.RESOLVE, body="done")),
        (200, act(Action.REOPEN, body="no")),
    )
    clock = state.clocks[ClockName.RESOLUTION]
    assert (clock.cycle, clock.spent) == (1, minutes(100))
    assert clock.due_at(version) == T0 + minutes(1440 + 100)


def test_a_late_answer_of_the_requester_reopens() -> None:
    state, _ = after(
        opened(),
        (100, act(Action.RESOLVE, body="done")),
        (200, act(Action.COMMENT, actor=REQUESTER, body="still full")),
    )
    assert (state.status, state.reopen_count) == (Status.IN_PROGRESS, 1)


def test_next_response_runs_from_the_oldest_unanswered_message_after_the_first_response() -> None:
    targets = {Priority.HIGH: {**DEFAULT_POLICY.targets[Priority.HIGH], ClockName.NEXT_RESPONSE: minutes(60)}}
    state = opened(version=policy(targets=targets))
    state, _ = after(state, (5, act(Action.COMMENT, actor=REQUESTER, body="hello?")))
    assert ClockName.NEXT_RESPONSE not in state.clocks
    state, _ = after(
        state,
        (10, act(Action.REPLY, body="hi")),
        (20, act(Action.COMMENT, actor=REQUESTER, body="one")),
        (30, act(Action.COMMENT, actor=REQUESTER, body="two")),
    )
    assert state.clocks[ClockName.NEXT_RESPONSE].started_at == T0 + minutes(20)
    state, _ = after(state, (40, act(Action.REPLY, body="answer")))
    assert ClockName.NEXT_RESPONSE not in state.clocks


def test_periodic_updates_start_again_with_each_reply() -> None:
    targets = {
        Priority.HIGH: {**DEFAULT_POLICY.targets[Priority.HIGH], ClockName.PERIODIC_UPDATE: minutes(30)}
    }
    state, _ = after(opened(version=policy(targets=targets)), (20, act(Action.REPLY, body="working on it")))
    clock = state.clocks[ClockName.PERIODIC_UPDATE]
    assert (clock.cycle, clock.started_at) == (2, T0 + minutes(20))
    _, changes = after(state, (30, act(Action.RESOLVE, body="done")))
    assert kinds(changes[0], ClockName.PERIODIC_UPDATE) == [Entry.SATISFY]


def test_acknowledging_stops_the_repeats_and_nothing_else() -> None:
    state = process.settled(opened(), T0 + minutes(180)).state
    state, _ = after(state, (181, act(Action.ACKNOWLEDGE)))
    change = process.settled(state, T0 + minutes(1079))
    assert change.ledger == []
    change = process.settled(state, T0 + minutes(1080))
    assert [(row.clock, row.step) for row in change.ledger] == [(ClockName.RESOLUTION, "75%")]


def test_a_breach_without_a_step_of_its_own_is_written_all_the_same() -> None:
    version = policy(ladder=(LadderStep(at="50%", do=("notify:assignee",)),))
    change = process.settled(opened(version=version), T0 + minutes(121))
    rows = [(row.kind, row.step) for row in change.ledger if row.clock is ClockName.FIRST_RESPONSE]
    assert rows == [(Entry.WARN, "50%"), (Entry.BREACH, None)]


def test_steps_before_and_after_the_due_time() -> None:
    ladder = (
        LadderStep(clock=ClockName.FIRST_RESPONSE, at="-PT15M", do=("notify:assignee",)),
        LadderStep(clock=ClockName.FIRST_RESPONSE, at="+PT30M", do=("tag:late",), repeat="PT10M"),
    )
    change = process.settled(opened(version=policy(ladder=ladder)), T0 + minutes(161))
    rows = [(row.step, row.due_at) for row in change.ledger if row.clock is ClockName.FIRST_RESPONSE]
    assert rows == [
        ("-PT15M", T0 + minutes(105)),
        (None, T0 + minutes(120)),
        ("+PT30M", T0 + minutes(150)),
        ("+PT40M", T0 + minutes(160)),
    ]
    assert change.tags == (["late"], [])


def test_a_stale_version_and_an_illegal_move_are_refused() -> None:
    state = opened()
    with pytest.raises(StaleVersion):
        process.check(state, act(Action.START, expected_version=7))
    with pytest.raises(IllegalMove):
        process.check(state, act(Action.REOPEN, body="x"))


def test_the_same_request_happens_once_and_another_body_is_refused() -> None:
    message = act(Action.START)
    state, _ = after(opened(), (1, message))
    seen = process.check(state, message)
    assert seen is not None
    assert seen.version == state.event_number
    with pytest.raises(Conflict, match="idempotency key"):
        process.check(state, message.model_copy(update={"fingerprint": "other"}))


def test_an_absent_assignee_loses_the_ticket_and_it_waits_for_someone() -> None:
    state = opened()
    change = process.reconsidered(state, Reconsider(cause="absence", person_id=ADA), T0 + minutes(1))
    assert change.wants == ["assignee"]
    lost = process.with_facts(change, Facts(routed=True, unassigned=True, waiting_reason="all_absent"))
    assert (lost.state.status, lost.state.assignee_id, lost.state.waiting_reason) == (
        Status.OPEN,
        None,
        "all_absent",
    )
    given = process.with_facts(change, Facts(routed=True, assignee_id=DEE, assignee_tier=2))
    assert (given.state.status, given.state.assignee_id) == (Status.ASSIGNED, DEE)


def test_news_that_change_nothing_are_not_committed() -> None:
    state = opened()
    other = process.reconsidered(state, Reconsider(cause="absence", person_id=DEE), T0)
    assert process.is_empty(other)
    assert not other.wants
    same = process.reconsidered(state, Reconsider(cause="policy"), T0 + minutes(1))
    assert process.is_empty(process.with_facts(same, Facts(matched=True, policy=state.policy)))


def test_new_promises_reach_an_open_ticket() -> None:
    state = opened()
    shorter = policy(targets={Priority.HIGH: {ClockName.RESOLUTION: minutes(10)}})
    shorter = shorter.model_copy(update={"version": 2})
    change = process.reconsidered(state, Reconsider(cause="policy"), T0 + minutes(20))
    done = process.with_facts(change, Facts(matched=True, policy=shorter))
    assert {(row.clock, row.kind) for row in done.ledger} == {
        (ClockName.FIRST_RESPONSE, Entry.CANCEL),
        (ClockName.RESOLUTION, Entry.RETARGET),
    }
    assert process.next_deadline(done.state) == T0 + minutes(20)
