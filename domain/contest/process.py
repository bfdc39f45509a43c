"""The decisions of a contest's process: what each message, each due time and each found fact changes.

Every function here is pure: a state, a message and the time in, a `Change` out. The workflow calls them in the order of
what happens; the activity commits the change. Where a decision needs what only the database knows, or does, the
change says so in `wants`, and `with_facts` completes it, once in the activity and once in the workflow.

Whatever concerns all entries or all participants is done page by page, a commit each: who judges what, the
telling of participants, the taking back of points.
"""

from datetime import datetime
from functools import partial
from typing import Final

from domain.contest import actions
from domain.contest.checks import check_act, is_beyond_appeal
from domain.contest.draft import Draft
from domain.contest.fields import APPEALS, GRACE, Status
from domain.contest.messages import Act, Change, CreateContest, Facts, Filled, News
from domain.contest.state import ContestState
from domain.notification.kind import Audience, Kind
from domain.process import OpenTimer
from domain.repetition import Seen, earlier

EXCERPT: Final = 500
"""How much of an answer goes into a notice."""


def created(command: CreateContest, now: datetime) -> Change:
    """The first change of a contest: a draft that nobody but the managers sees."""
    state = ContestState(
        id=command.contest_id,
        fingerprint=command.fingerprint,
        rules=command.rules,
        judges=tuple(dict.fromkeys(command.judges)),
        created_at=now,
    )
    draft = Draft(state, now, command.created_by)
    draft.parts["created"] = command
    draft.parts["appoint"] = list(state.judges)
    draft.event("created")
    return draft.finish()


def check(state: ContestState, act: Act, now: datetime) -> Seen | None:
    """Whether `act` may happen now; the earlier outcome if it has happened already.

    Raises IllegalMove, StaleVersion, Invalid, or Conflict, also for a request id that was used for another body.
    """
    seen = earlier(state.seen, act, state.event_number)
    if seen is None:
        check_act(state, act, now)
    return seen


def acted(state: ContestState, act: Act, now: datetime) -> Change:
    """The change that an allowed action makes. Everything that was due before it is settled."""
    draft = Draft(state, now, act.actor_id)
    actions.carry_out(draft, act)
    draft.remember(act)
    return draft.finish()


def is_due(state: ContestState, now: datetime) -> bool:
    """Whether something should have happened by `now`."""
    return any(timer.due_at <= now for timer in timers(state))


def settled(state: ContestState, now: datetime) -> Change:
    """The first thing that is due by `now`, or else the next page of what goes on; empty if there is neither."""
    draft = Draft(state, now)
    if not is_due(state, now):
        _work(draft)
    elif state.status is Status.SCHEDULED:
        draft.move(Status.ACTIVE, "opens", due_at=state.rules.opens_at.isoformat())
    elif state.status is Status.ACTIVE:
        closed_at = state.rules.closes_at
        draft.set(closed_at=closed_at, assign_at=closed_at + GRACE)
        draft.move(Status.JUDGING, "closes", due_at=closed_at.isoformat())
    elif state.status is Status.JUDGING:
        _settle_judging(draft)
    else:
        _settle_appeals(draft)
    return draft.finish()


def _settle_judging(draft: Draft) -> None:
    state, now = draft.before, draft.now
    if state.assign_at is not None:
        draft.set(assign_at=None)
        draft.fill(max(state.rules.judging_until, now))
        return
    over = [due for due in state.dues if due.at <= now]
    warned = [due for due in state.dues if due.warn_at is not None and due.warn_at <= now < due.at]
    if over:
        draft.set(dues=tuple(due for due in state.dues if due is not over[0]))
        draft.parts["due_at"] = over[0].at
        draft.want("missed")
    elif warned:
        quiet = warned[0].model_copy(update={"warn_at": None})
        draft.set(dues=tuple(quiet if due is warned[0] else due for due in state.dues))
        draft.parts["due_at"] = warned[0].at
        draft.want("late")


def _settle_appeals(draft: Draft) -> None:
    state = draft.before
    if is_beyond_appeal(state, draft.now):
        draft.move(Status.FINAL, "appeals_over")
        draft.tell(Kind.CONTEST_FINAL)
    else:
        draft.set(appeals_reminded=True)
        draft.notify(Kind.CONTEST_APPEALS_WAIT, Audience.MANAGERS, count=state.open_appeals)


def has_work(state: ContestState) -> bool:
    """Whether something goes on that is done page by page."""
    return bool(state.fill or state.restanding or state.reversing or state.tellings)


def _work(draft: Draft) -> None:
    """The next page."""
    state = draft.before
    if state.fill is not None:
        draft.want("fill")
    elif state.restanding:
        draft.want("standing")
    elif state.reversing:
        draft.want("points")
    elif state.tellings:
        draft.want("audience")


def considered(state: ContestState, news: News, now: datetime) -> Change:
    """Finds nothing, unless the database knows more than we do."""
    draft = Draft(state, now)
    draft.want("state")
    return draft.finish()


def with_facts(change: Change, facts: Facts) -> Change:
    """The change completed by what the transaction found or did."""
    draft = Draft(change.state, change.at, change.actor_id, number=change.state.event_number)
    steps = {
        "entrant": partial(_count_participant, draft, 1),
        "entry": partial(_count_participant, draft, -1),
        "assignment": partial(_scored, draft),
        "late": partial(_warn, draft, change),
        "missed": partial(_replace, draft),
        "fill": partial(_filled, draft),
        "standing": partial(_stand, draft),
        "decision": partial(_answer, draft, change),
        "winners": partial(_congratulate, draft),
        "audience": partial(_told, draft),
        "points": partial(_reversed, draft),
    }
    for want in change.wants:
        if want in steps:
            steps[want](facts)
    done = draft.finish()
    return change.model_copy(
        update={
            "state": done.state,
            "empty": change.empty and done.empty,
            "events": [*change.events, *done.events],
            "notices": [*change.notices, *done.notices],
            "wants": [],
        }
    )


def _count_participant(draft: Draft, step: int, facts: Facts) -> None:
    """Somebody's first entry makes a participant, and without their last one they are none any more."""
    if facts.first:
        draft.set(participants=draft["participants"] + step)


def _scored(draft: Draft, facts: Facts) -> None:
    _end_judging(draft, facts.pending or 0, draft["short"])


def _end_judging(draft: Draft, pending: int, short: int) -> None:
    if pending == 0 and short == 0 and draft["fill"] is None and draft.status is Status.JUDGING:
        draft.set(restanding=True)


def _warn(draft: Draft, change: Change, facts: Facts) -> None:
    assert change.due_at is not None
    if facts.late:
        draft.notify_people(Kind.CONTEST_JUDGING_DUE, facts.late, due_at=change.due_at.isoformat())


def _replace(draft: Draft, facts: Facts) -> None:
    """Who was not ready judges no more; their entries go to others."""
    if not facts.missed:
        return
    draft.set(judges=tuple(one for one in draft["judges"] if one not in facts.missed))
    draft.event("judges_missed", cause="timer", judges=[str(one) for one in facts.missed])
    draft.notify_people(Kind.CONTEST_JUDGE_REPLACED, facts.missed)
    draft.fill_again()


def _filled(draft: Draft, facts: Facts) -> None:
    filled, fill = facts.filled or Filled(after=None), draft["fill"]
    judges = tuple(dict.fromkeys((*fill.judges, *filled.judges)))
    if filled.after is not None:
        draft.set(fill=fill.model_copy(update={"after": filled.after, "judges": judges}))
        return
    before = draft["short"]
    draft.set(fill=None, short=filled.short)
    draft.event("judges_assigned", pending=filled.pending, short=filled.short)
    if judges:
        draft.notify_people(Kind.CONTEST_JUDGING, judges, due_at=fill.due_at.isoformat())
    if filled.short > before:
        draft.notify(Kind.CONTEST_SHORT, Audience.MANAGERS, count=filled.short)
    _end_judging(draft, filled.pending, filled.short)


def _stand(draft: Draft, facts: Facts) -> None:
    """The standing is reckoned: the first time it is published, later it has changed by an appeal."""
    draft.set(restanding=False)
    if draft.status is not Status.JUDGING:
        draft.event("standing_changed", cause="appeal")
        return
    until = draft.now + APPEALS
    draft.set(appeals_until=until, dues=(), assign_at=None)
    draft.move(Status.PROVISIONAL, "judged", until=until.isoformat())
    draft.tell(Kind.CONTEST_PROVISIONAL, due_at=until.isoformat())


def _answer(draft: Draft, change: Change, facts: Facts) -> None:
    decision = change.decision
    assert decision is not None
    if facts.appellant is not None:
        answer = decision.answer[:EXCERPT]
        draft.notify_people(Kind.CONTEST_APPEAL_DECIDED, [facts.appellant], reason=answer)


def _congratulate(draft: Draft, facts: Facts) -> None:
    if facts.winners:
        draft.notify_people(Kind.CONTEST_WON, facts.winners)


def _told(draft: Draft, facts: Facts) -> None:
    first, *others = draft["tellings"]
    more = [] if facts.after is None else [first.model_copy(update={"after": facts.after})]
    draft.set(tellings=(*more, *others))


def _reversed(draft: Draft, facts: Facts) -> None:
    draft.set(reversed_to=facts.after, reversing=facts.after is not None)


def timers(state: ContestState) -> list[OpenTimer]:
    """Everything that will happen by itself, the earliest first; nothing while the standing is to be reckoned."""
    rules, found = state.rules, dict[str, datetime | None]()
    if state.restanding:
        return []
    if state.status is Status.SCHEDULED:
        found = {"opens": rules.opens_at, "closes": rules.closes_at}
    elif state.status is Status.ACTIVE:
        found = {"closes": rules.closes_at}
    elif state.status is Status.JUDGING and state.assign_at is not None:
        found = {"assign": state.assign_at}
    elif state.status is Status.JUDGING:
        for number, due in enumerate(state.dues, 1):
            found |= {f"warn judges {number}": due.warn_at, f"judges {number}": due.at}
    elif state.status is Status.PROVISIONAL:
        reminded = state.open_appeals and state.appeals_reminded
        found = {"appeals": None if reminded else state.appeals_until}
    running = [OpenTimer(name=name, due_at=at) for name, at in found.items() if at is not None]
    return sorted(running, key=lambda timer: timer.due_at)


def next_deadline(state: ContestState) -> datetime | None:
    """When the process has something to do by itself: at once, while anything goes on page by page, and to end."""
    if has_work(state) or state.ended:
        return state.created_at
    return next((timer.due_at for timer in timers(state)), None)


def is_empty(change: Change) -> bool:
    return change.empty


def is_finished(state: ContestState) -> bool:
    """Awarded or cancelled, and everybody knows it."""
    return state.ended and not has_work(state)
