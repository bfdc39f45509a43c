"""The decisions of a feedback process: what each message, each due time and each found fact changes.

Every function here is pure: a state, a message and the time in, a `Change` out. The workflow calls them in the
order of what happens; the activity commits the change. Where a decision needs facts that only the database knows,
the change says so in `wants`, and `with_facts` completes it, once in the activity that found them and once in the
workflow that hears of them.
"""

from datetime import datetime, timedelta
from typing import Final

from domain.errors import Conflict
from domain.feedback import actions
from domain.feedback.draft import Draft
from domain.feedback.fields import ENDED, OPEN, Kind, Status, priority_of
from domain.feedback.messages import Act, Change, Facts, News, Submit
from domain.feedback.moves import MOVES, Action, check_move
from domain.feedback.state import FeedbackState
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.process import OpenTimer
from domain.repetition import Seen, earlier
from domain.sla.clock import next_steps

CLOSE_AFTER: Final = timedelta(days=37)
"""From the shipping: a week after the last effect check, a verified item closes by itself."""

REOPEN_WINDOW: Final = timedelta(days=90)
"""How long what has ended can be reopened."""

_ENDING: Final = (Action.CLOSE, Action.MERGE)


def submitted(command: Submit, now: datetime) -> Change:
    """The first change of an item. Its clocks start when its promises are known."""
    state = FeedbackState(
        id=command.feedback_id,
        fingerprint=command.fingerprint,
        kind=command.kind,
        priority=priority_of(1, command.importance),
        importance=command.importance,
        category=command.category,
        created_at=now,
    )
    draft = Draft(state, now, command.created_by)
    draft.submitted = command
    draft.event("submitted", cause=command.source, kind=command.kind, guessed=command.guessed)
    if command.ticket_id is not None:
        draft.link.append(command.ticket_id)
    draft.tell(NoticeKind.FEEDBACK_RECEIVED, requesters_only=True, actor_too=True)
    draft.notify(NoticeKind.FEEDBACK_ARRIVED, Audience.ASSIGNEE)
    draft.want("requester", "policy")
    return draft.finish()


def check(state: FeedbackState, act: Act) -> Seen | None:
    """Whether `act` may happen now; the earlier outcome if it has happened already.

    Raises IllegalMove, StaleVersion, or Conflict: for a request id that was used for another body, a complaint that
    no human has answered, an answer to a question that is no longer asked.
    """
    seen = earlier(state.seen, act, state.event_number)
    if seen is not None:
        return seen
    check_move(state.status, act.action)
    if act.action is Action.CONFIRM:
        check_asked(state, act.round or state.round)
    if act.action in _ENDING and _owes_answer(state):
        raise Conflict(
            "answer_first", "A complaint is answered by a human before it ends. Use `answer` first."
        )
    if act.into is not None and act.into == state.id:
        raise Conflict("merge_into_itself", "Feedback cannot be merged into itself.", field="into")
    return None


def check_asked(state: FeedbackState, number: int) -> None:
    """Raises IllegalMove, or Conflict `not_asked`, unless the question of that round may still be answered."""
    check_move(state.status, Action.CONFIRM)
    if not (state.asking and state.first_round <= number <= state.round):
        raise not_asked()


def not_asked() -> Conflict:
    return Conflict("not_asked", "This question is no longer asked: the feedback has moved on since.")


def already_answered() -> Conflict:
    return Conflict("already_answered", "You have answered this question already.")


def _owes_answer(state: FeedbackState) -> bool:
    return state.kind is Kind.COMPLAINT and state.answered_at is None


def acted(state: FeedbackState, act: Act, now: datetime) -> Change:
    """The change that an allowed action makes, after every step that was due before it."""
    draft = Draft(state, now, act.actor_id)
    draft.take_due()
    actions.carry_out(draft, act)
    _set_deadlines(draft)
    draft.remember(act)
    return draft.finish()


def settled(state: FeedbackState, now: datetime) -> Change:
    """Everything that is due by `now`: steps of the ladders, an effect check, closing, the end of the process."""
    draft = Draft(state, now)
    draft.take_due()
    due = [at for at in state.checks if at <= now]
    if due:
        draft.set(checks=state.checks[len(due) :])
        actions.ask_again(draft)
    if state.close_at is not None and state.close_at <= now:
        actions.close(draft, "auto_close")
    _set_deadlines(draft)
    return draft.finish()


def considered(state: FeedbackState, news: News, now: datetime) -> Change:
    """What a fact from outside may change. Without effect, the change is empty and is not committed."""
    draft = Draft(state, now)
    draft.take_due()
    if news.cause == "restored":
        draft.want("state")  # finds nothing, unless the database knows more than we do
    if news.cause in ("reach", "policy", "merged", "unmerged") and state.status not in ENDED:
        draft.want("policy")
    if news.cause in ("merged", "unmerged") and news.feedback_id is not None:
        actions.take_in(draft, news)
    if (
        news.cause == "released"
        and news.release_id != state.release_id
        and Action.SHIP in MOVES[state.status]
    ):
        ship = Act(action=Action.SHIP, actor_id=None, request_id="", release_id=news.release_id)
        actions.carry_out(draft, ship)
    _set_deadlines(draft)
    return draft.finish()


def with_facts(change: Change, facts: Facts) -> Change:
    """The change completed by what the transaction found."""
    draft = Draft(change.state, change.at, change.actor_id)
    if change.submitted is not None:
        draft.set(number=facts.number, requester_id=facts.requester_id)
    if facts.reach is not None and draft.status not in ENDED:
        _adopt(draft, facts, facts.reach)
    if change.answer is not None:
        actions.weigh(draft, change.answer, facts)
        _set_deadlines(draft)
    done = draft.finish()
    return change.model_copy(
        update={
            "state": done.state.model_copy(update={"event_number": change.state.event_number}),
            "events": [*change.events, *done.events],
            "ledger": [*change.ledger, *done.ledger],
            "notices": [*change.notices, *done.notices],
            "turns": [*change.turns, *done.turns],
            "wants": [],
        }
    )


def _adopt(draft: Draft, facts: Facts, reach: int) -> None:
    """The priority that follows from the reach, and the promises that follow from the priority."""
    level = priority_of(reach, draft["importance"])
    if draft.status in OPEN:
        draft.change_of("priority_changed", "reach", priority=level)
    draft.board.adopt(facts.policy, draft.priority, draft.now, "policy")
    draft.start_stage("policy")


def is_empty(change: Change) -> bool:
    """Whether a completed change says nothing new; such a change is not committed."""
    return not (change.events or change.ledger or change.turns)


def _set_deadlines(draft: Draft) -> None:
    """The deadlines that follow from the status alone."""
    status, before = draft.status, draft.before
    answered = draft["kind"] is not Kind.COMPLAINT or draft["answered_at"] is not None
    shipped_at: datetime | None = draft["shipped_at"]
    closes = status is Status.VERIFIED and answered and shipped_at is not None
    draft.set(close_at=shipped_at + CLOSE_AFTER if closes and shipped_at is not None else None)
    ended = status in ENDED
    draft.set(finish_at=(before.finish_at or draft.now + REOPEN_WINDOW) if ended else None)


def timers(state: FeedbackState) -> list[OpenTimer]:
    """Everything that will happen by itself, the earliest first."""
    found = []
    if state.policy is not None:
        for clock in state.clocks.values():
            found += [
                OpenTimer(name=f"{clock.name} {due.step or due.kind}", due_at=due.due_at)
                for due in next_steps(clock, state.policy)
            ]
    found += [OpenTimer(name="effect_check", due_at=at) for at in state.checks]
    if state.close_at is not None:
        found.append(OpenTimer(name="auto_close", due_at=state.close_at))
    if state.finish_at is not None:
        found.append(OpenTimer(name="finish", due_at=state.finish_at))
    return sorted(found, key=lambda timer: timer.due_at)


def next_deadline(state: FeedbackState) -> datetime | None:
    return next((timer.due_at for timer in timers(state)), None)


def is_finished(state: FeedbackState, now: datetime) -> bool:
    """Ended, and past the time in which that could be taken back."""
    return state.finish_at is not None and state.finish_at <= now
