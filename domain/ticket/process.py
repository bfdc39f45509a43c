"""The decisions of a ticket process: what each message, each due time and each found fact changes.

Every function here is pure: a state, a message and the time in, a `Change` out. The workflow calls them in the
order of what happens; the activity commits the change. Where a decision needs facts that only the database
knows (who is free, which policy matches), the change says so in `wants`, and `with_facts` completes it, once in
the activity that found them and once in the workflow that hears of them.
"""

from datetime import datetime, timedelta

from domain.classifier.classification import Classification
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.notification.notice import Notice
from domain.process import OpenTimer
from domain.repetition import Seen, earlier
from domain.sla.clock import Clock, next_steps
from domain.sla.policy import ClockName
from domain.ticket import actions
from domain.ticket.draft import Draft
from domain.ticket.fields import ACTIVE, Relation, Status
from domain.ticket.messages import Act, Change, Facts, Link, OpenTicket, Past, Reconsider
from domain.ticket.moves import check_move, target
from domain.ticket.state import TicketState

AUTO_CLOSE_AFTER = timedelta(days=3)
REOPEN_WINDOW = timedelta(days=14)
"""How long a closed ticket can be reopened, and a merged one taken out again."""


def opened(command: OpenTicket, now: datetime) -> Change:
    """The first change of a ticket. Its clocks start when the policy is known."""
    if command.past is not None:
        return _taken_over(command, command.past, now)
    state = TicketState(
        id=command.ticket_id,
        fingerprint=command.fingerprint,
        priority=command.priority,
        category=command.category,
        kind=command.kind,
        created_at=command.created_at or now,
    )
    draft = Draft(state, now, command.created_by)
    draft.opened = command
    draft.event("opened", cause=command.channel, priority=command.priority, category=command.category)
    if command.classification is not None:
        _tell_classification(draft, command.classification)
    if command.follow_up_of is not None:
        draft.link.append(Link(ticket_id=command.follow_up_of, relation=Relation.FOLLOW_UP_OF))
    if command.split_from is not None:
        draft.link.append(Link(ticket_id=command.split_from, relation=Relation.SPLIT_FROM))
    # The requester hears that the ticket has arrived, also when they opened it themselves.
    draft.notices.append(Notice(kind=NoticeKind.TICKET_CREATED, audience=[Audience.REQUESTER]))
    draft.want("requester", "policy", "assignee")
    return draft.finish()


def _tell_classification(draft: Draft, found: Classification) -> None:
    """Nobody's act: the history says which version guessed what, and how sure it was."""
    actor, draft.actor_id = draft.actor_id, None
    draft.event("classified", **found.model_dump(mode="json", exclude_none=True))
    draft.actor_id = actor


def _taken_over(command: OpenTicket, past: Past, now: datetime) -> Change:
    """The first change of a ticket from another desk, of which nobody is told. Its clocks go on from where they
    stood, and its two other deadlines follow from when it was resolved and closed, so what was due on the way fires
    at once, and what has fired does not fire again."""
    state = TicketState(
        id=command.ticket_id,
        fingerprint=command.fingerprint,
        category=command.category,
        kind=command.kind,
        requester_id=command.requester.person_id,
        created_at=command.created_at or now,
        auto_close_at=None if past.resolved_at is None else past.resolved_at + AUTO_CLOSE_AFTER,
        finish_at=(past.closed_at or past.updated_at) + REOPEN_WINDOW,
        **past.model_dump(exclude={"updated_at", "number", "clocks", "cycles", "ended"}),
        clocks={name: _not_later(clock, now) for name, clock in past.clocks.items()},
        cycles=past.cycles,
        ended=past.ended,
    )
    draft = Draft(state, now, command.created_by)
    draft.opened = command
    draft.event("imported", cause="import")
    _set_deadlines(draft)
    draft.want("requester", "policy")
    if state.wants_assignee:
        draft.want("assignee")
    return draft.finish()


def _not_later(clock: Clock, now: datetime) -> Clock:
    """The clock as it was counted by another desk, whose time may be ahead of ours."""
    since = None if clock.running_since is None else min(clock.running_since, now)
    return clock.model_copy(update={"running_since": since, "started_at": min(clock.started_at, now)})


def check(state: TicketState, act: Act) -> Seen | None:
    """Whether `act` may happen now; the earlier outcome if it has happened already.

    Raises IllegalMove, StaleVersion, or Conflict for a request id that was used for another body.
    """
    seen = earlier(state.seen, act, state.event_number)
    if seen is not None:
        return seen
    status = state.status
    for step in (act, *act.steps):
        check_move(status, step.action)
        status = target(status, step.action)
    return None


def acted(state: TicketState, act: Act, now: datetime) -> Change:
    """The change that an allowed action makes, after every step that was due before it."""
    draft = Draft(state, now, act.actor_id)
    draft.take_due()
    actions.carry_out(draft, act)
    _set_deadlines(draft)
    draft.remember(act)
    return draft.finish()


def settled(state: TicketState, now: datetime) -> Change:
    """Everything that is due by `now`: steps of the ladders, closing, the end of the process."""
    draft = Draft(state, now)
    draft.take_due()
    if state.auto_close_at is not None and state.auto_close_at <= now:
        draft.move(Status.CLOSED, "auto_close")
        draft.set(closed_at=now)
        draft.notify(NoticeKind.TICKET_CLOSED, Audience.REQUESTER)
    _set_deadlines(draft)
    return draft.finish()


def reconsidered(state: TicketState, message: Reconsider, now: datetime) -> Change:
    """What a fact from outside may change. Without effect, the change is empty and is not committed."""
    draft = Draft(state, now)
    draft.take_due()
    if state.active and message.cause == "policy":
        draft.want("policy")
    if message.cause == "restored":
        draft.want("state")  # finds nothing, unless the database knows more than we do
    if message.cause == "capacity" and state.wants_assignee:
        draft.want("assignee")
    if message.cause in ("merged", "unmerged") and message.ticket_id is not None:
        actions.take_in(draft, message)
    if message.cause == "absence" and state.active and state.assignee_id == message.person_id:
        draft.want("assignee")
    return draft.finish()


def with_facts(change: Change, facts: Facts) -> Change:
    """The change completed by what the transaction found."""
    draft = Draft(change.state, change.at, change.actor_id)
    if change.opened is not None:
        draft.set(number=facts.number, requester_id=facts.requester_id, organization_id=facts.organization_id)
    if facts.matched:
        _adopt(draft, facts, _why(change))
    if facts.routed:
        actions.route(draft, facts)
    done = draft.finish()
    return change.model_copy(
        update={
            "state": done.state.model_copy(update={"event_number": change.state.event_number}),
            "events": [*change.events, *done.events],
            "ledger": [*change.ledger, *done.ledger],
            "notices": [*change.notices, *done.notices],
            "wants": [],
        }
    )


def is_empty(change: Change) -> bool:
    """Whether a completed change says nothing new; such a change is not committed."""
    return not (
        change.events or change.ledger or change.comments or change.watch or change.unwatch or change.unlink
    )


def _why(change: Change) -> str:
    """What brings the policy into force."""
    if change.opened is None:
        return "policy"
    return "opened" if change.opened.past is None else "import"


def _adopt(draft: Draft, facts: Facts, cause: str) -> None:
    draft.board.adopt(facts.policy, draft.priority, draft.now, cause)
    if draft.status not in ACTIVE:
        return
    if cause == "import":
        draft.pause_or_resume(cause)
    if draft["assignee_id"] is None:
        draft.start(ClockName.ASSIGNMENT, cause)
    if draft["first_responded_at"] is None:
        draft.start(ClockName.FIRST_RESPONSE, cause)
    draft.start(ClockName.PERIODIC_UPDATE, cause)
    draft.start(ClockName.RESOLUTION, cause)


def _set_deadlines(draft: Draft) -> None:
    """The two deadlines that follow from the status alone."""
    status, before = draft.status, draft.before
    if status is Status.RESOLVED:
        draft.set(auto_close_at=before.auto_close_at or draft.now + AUTO_CLOSE_AFTER, finish_at=None)
    elif status in (Status.CLOSED, Status.MERGED):
        draft.set(auto_close_at=None, finish_at=before.finish_at or draft.now + REOPEN_WINDOW)
    else:
        draft.set(auto_close_at=None, finish_at=None)


def timers(state: TicketState) -> list[OpenTimer]:
    """Everything that will happen by itself, the earliest first."""
    found = []
    if state.policy is not None:
        for clock in state.clocks.values():
            found += [
                OpenTimer(name=f"{clock.name} {due.step or due.kind}", due_at=due.due_at)
                for due in next_steps(clock, state.policy)
            ]
    if state.auto_close_at is not None:
        found.append(OpenTimer(name="auto_close", due_at=state.auto_close_at))
    if state.finish_at is not None:
        found.append(OpenTimer(name="finish", due_at=state.finish_at))
    return sorted(found, key=lambda timer: timer.due_at)


def next_deadline(state: TicketState) -> datetime | None:
    return next((timer.due_at for timer in timers(state)), None)


def is_finished(state: TicketState, now: datetime) -> bool:
    """Closed or merged, and past the time in which that could be taken back."""
    return state.finish_at is not None and state.finish_at <= now
