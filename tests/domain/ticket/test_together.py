"""Working together, decided without any server: macros, merging, mentions."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalMove
from domain.macro import filled
from domain.notification.kind import Kind as NoticeKind
from domain.sla.ledger import Entry
from domain.ticket import process
from domain.ticket.fields import Status
from domain.ticket.mentions import LIMIT, mentioned
from domain.ticket.messages import Merge, Reconsider, Step
from domain.ticket.moves import Action
from tests.domain.ticket.steps import T0, act, after, minutes, opened


def test_a_macro_is_checked_as_its_steps_follow_each_other() -> None:
    steps = [
        Step(action=Action.REPLY, body="hello", body_id=uuid4()),
        Step(action=Action.RESOLVE, body="done", body_id=uuid4()),
        Step(action=Action.CLOSE),
    ]
    state, (change,) = after(opened(), (1, act(Action.APPLY, steps=steps)))
    assert (state.status, state.event_number) == (Status.CLOSED, 2)
    assert [comment.at - change.at for comment in change.comments] == [minutes(0), minutes(1) / 60_000_000]
    with pytest.raises(IllegalMove):
        process.check(opened(), act(Action.APPLY, steps=[steps[2], steps[1]]))


def test_merging_cancels_the_clocks_and_taking_out_starts_a_new_cycle() -> None:
    other = uuid4()
    merged, (change,) = after(opened(), (1, act(Action.MERGE, merge=Merge(into=other))))
    assert (merged.status, merged.merged_into, merged.clocks) == (Status.MERGED, other, {})
    assert {row.kind for row in change.ledger} == {Entry.CANCEL}
    assert [timer.name for timer in process.timers(merged)] == ["finish"]
    assert not process.is_finished(merged, T0)
    again, _ = after(merged, (2, act(Action.UNMERGE)))
    assert (again.status, again.merged_into, again.finish_at) == (Status.ASSIGNED, None, None)
    assert {clock.cycle for clock in again.clocks.values()} == {2}


OTHER = uuid4()


def test_word_of_a_merge_counts_once_however_often_it_comes() -> None:
    state, other = opened(), uuid4()
    for cause, count in (("merged", 1), ("merged", 0), ("unmerged", 1), ("unmerged", 0)):
        change = process.reconsidered(state, Reconsider(cause=cause, ticket_id=other), T0)
        assert len(change.events) == count
        assert [notice.kind for notice in change.notices] == [NoticeKind.TICKET_MERGED] * count
        state = change.state if count else state
    assert state.merged_from == ()


@given(st.lists(st.integers(0, 4), max_size=6))
def test_merges_that_are_told_again_from_some_place_on_happened_once(begins: list[int]) -> None:
    """As after a relay that died before it noted how far it had come."""
    words = [
        Reconsider(cause=cause, ticket_id=OTHER, version=version)
        for version, cause in enumerate(("merged", "unmerged") * 2, start=2)
    ]
    state, told = opened(), []
    for begin in (0, *begins):
        for word in words[begin:]:
            change = process.reconsidered(state, word, T0)
            told += [event.type for event in change.events]
            state = state if process.is_empty(change) else change.state
    assert told == ["merged_from", "unmerged_from"] * 2
    assert state.merged_from == ()


def test_a_mention_is_an_address_after_a_sign_of_its_own() -> None:
    text = "请看 @Lin.Wei@desk.example，and @bob+x@a-b.example. Not me@desk.example, x@@y.z, @nobody"
    assert mentioned(text) == ["lin.wei@desk.example", "bob+x@a-b.example"]
    assert len(mentioned(" ".join(f"@p{n}@desk.example" for n in range(100)))) == LIMIT


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through_for_mentions(text: str) -> None:
    assert len(mentioned(text)) <= LIMIT


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_is_filled_in_is_never_a_place_again(name: str, subject: str) -> None:
    values = {"requester.name": name, "ticket.subject": subject}
    action = {"action": "reply", "body": "{{requester.name}}|{{ ticket.subject }}|{{agent.name}}"}
    assert filled(action, values) == {"body": f"{name}|{subject}|{{{{agent.name}}}}"}
