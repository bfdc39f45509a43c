"""What each action does to a ticket: one function an action, on the draft of the decision.

Whether an action is allowed was checked before (`process.check`, `domain/authorization.py`).
"""

from collections.abc import Callable

from domain.notification import Audience
from domain.notification import Kind as NoticeKind
from domain.sla.policy import ClockName
from domain.ticket.draft import Draft
from domain.ticket.fields import Status, Visibility
from domain.ticket.messages import Act, Facts, Link
from domain.ticket.moves import Action, target

HIGHEST_TIER = 3
EXCERPT = 500


def carry_out(draft: Draft, act: Act) -> None:
    _DOES[act.action](draft, act)


def route(draft: Draft, facts: Facts) -> None:
    """Applies what the routing found: a new assignee, or the reason why the ticket waits.

    A ticket that was raised above its assignee's tier stays with its assignee until someone higher has room.
    """
    if facts.team_id is not None:
        draft.set(team_id=facts.team_id)
    draft.set(waiting_reason=facts.waiting_reason)
    if facts.assignee_id is not None:
        if facts.assignee_id != draft["assignee_id"]:
            _give_to(draft, facts, cause="routed")
        return
    if facts.unassigned:
        draft.change_of("unassigned", "absence", assignee_id=None, assignee_tier=None)
        if draft.status in (Status.ASSIGNED, Status.IN_PROGRESS):
            draft.move(Status.OPEN, "absence")
        draft.start(ClockName.ASSIGNMENT, "absence")
    elif draft["waiting_reason"] != draft.before.waiting_reason:
        draft.event("waiting_for_agent", cause=facts.waiting_reason)


def _give_to(draft: Draft, facts: Facts, cause: str) -> None:
    draft.change_of("assigned", cause, assignee_id=facts.assignee_id)
    draft.set(assignee_tier=facts.assignee_tier, waiting_reason=None, accepted=False)
    if draft.status in (Status.OPEN, Status.IN_PROGRESS):
        draft.move(Status.ASSIGNED, cause)
    draft.board.satisfy(ClockName.ASSIGNMENT, draft.now, "assigned")
    draft.notify(NoticeKind.TICKET_ASSIGNED, Audience.ASSIGNEE)


def _assign(draft: Draft, act: Act) -> None:
    """By hand: the tier asked for counts as served, whoever was chosen."""
    if act.assignee_id == draft["assignee_id"]:
        return
    tier = max(act.assignee_tier or 1, draft["tier"])
    _give_to(draft, Facts(assignee_id=act.assignee_id, assignee_tier=tier), cause="assign")


def _accept(draft: Draft, act: Act) -> None:
    """The actor takes the ticket, or confirms that they have it."""
    _assign(draft, act)
    draft.change_of("accepted", accepted=True)


def _move(draft: Draft, act: Act) -> None:
    draft.move(target(draft.status, act.action), act.action)


def _wait(draft: Draft, act: Act) -> None:
    _move(draft, act)
    draft.notify(NoticeKind.TICKET_WAITING, Audience.REQUESTER)


def _reply(draft: Draft, act: Act) -> None:
    """A public answer of the staff: the first one is the first response."""
    _write(draft, act, Visibility.PUBLIC)
    draft.event("replied", comment_id=act.body_id)
    _answered(draft, "reply")
    _move(draft, act)
    draft.notify(
        NoticeKind.TICKET_REPLIED,
        Audience.REQUESTER,
        Audience.WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _answered(draft: Draft, cause: str, *, last: bool = False) -> None:
    """After the `last` answer no further update is owed."""
    if draft["first_responded_at"] is None:
        draft.set(first_responded_at=draft.now)
    draft.board.satisfy(ClockName.FIRST_RESPONSE, draft.now, cause)
    draft.board.satisfy(ClockName.NEXT_RESPONSE, draft.now, cause)
    draft.board.satisfy(ClockName.PERIODIC_UPDATE, draft.now, cause)
    if draft.status is not Status.RESOLVED and not last:
        draft.start(ClockName.PERIODIC_UPDATE, cause)


def _comment(draft: Draft, act: Act) -> None:
    """A message of the requester: it may resume or reopen, and it waits for an answer."""
    _write(draft, act, Visibility.PUBLIC)
    draft.event("commented", comment_id=act.body_id)
    if draft.status in (Status.RESOLVED, Status.CLOSED):
        _open_again(draft, "comment")
    else:
        _move(draft, act)
    if draft["first_responded_at"] is not None:
        draft.start(ClockName.NEXT_RESPONSE, "comment")
    draft.notify(
        NoticeKind.TICKET_REPLIED,
        Audience.ASSIGNEE,
        Audience.WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _note(draft: Draft, act: Act) -> None:
    _write(draft, act, Visibility.INTERNAL)
    draft.event("noted", comment_id=act.body_id)
    draft.notify(
        NoticeKind.TICKET_NOTED,
        Audience.ASSIGNEE,
        Audience.STAFF_WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _escalate(draft: Draft, act: Act) -> None:
    """By hand, up the same tiers that the ladder climbs."""
    tier = min(draft["tier"] + 1, HIGHEST_TIER)
    draft.event("escalation_requested", reason=act.body)
    draft.raise_tier(tier, "escalate")
    draft.notify(NoticeKind.TICKET_ESCALATED, Audience.LEAD, Audience.MANAGERS, reason=_excerpt(act))


def _acknowledge(draft: Draft, act: Act) -> None:
    draft.board.acknowledge(draft.now, act.action)
    draft.event("acknowledged")


def _set_priority(draft: Draft, act: Act) -> None:
    if act.priority is not None and act.priority != draft.priority:
        draft.change_of("priority_changed", act.action, priority=act.priority)
        draft.want("policy")


def _set_category(draft: Draft, act: Act) -> None:
    """A new category may mean another team, another agent and other promises."""
    if act.category != draft["category"]:
        draft.change_of("category_changed", act.action, category=act.category)
        draft.want("policy", "assignee")


def _resolve(draft: Draft, act: Act) -> None:
    """The resolution is a public answer; the promises that still ran are kept or no longer apply."""
    if act.kind is not None:
        draft.change_of("kind_changed", act.action, kind=act.kind)
    _write(draft, act, Visibility.PUBLIC)
    draft.set(resolved_at=draft.now, waiting_reason=None)
    _answered(draft, "resolve", last=True)
    draft.board.satisfy(ClockName.RESOLUTION, draft.now, "resolve")
    draft.board.cancel(ClockName.ASSIGNMENT, draft.now, "resolve")
    _move(draft, act)
    draft.event("resolved", comment_id=act.body_id)
    draft.notify(
        NoticeKind.TICKET_RESOLVED,
        Audience.REQUESTER,
        Audience.WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _reopen(draft: Draft, act: Act) -> None:
    draft.event("reopen_requested", reason=act.body)
    _open_again(draft, act.action)


def _open_again(draft: Draft, cause: str) -> None:
    draft.move(Status.IN_PROGRESS, cause)
    draft.change_of("reopened", cause, reopen_count=draft["reopen_count"] + 1)
    draft.set(resolved_at=None, closed_at=None)
    draft.board.reopen(draft.priority, draft.now, cause)
    draft.start(ClockName.PERIODIC_UPDATE, cause)
    draft.notify(NoticeKind.TICKET_REOPENED, Audience.ASSIGNEE, Audience.REQUESTER)
    draft.want("assignee")  # who had it may be away by now; whoever is there keeps it


def _close(draft: Draft, act: Act) -> None:
    _move(draft, act)
    draft.set(closed_at=draft.now)
    draft.notify(NoticeKind.TICKET_CLOSED, Audience.REQUESTER)


def _edit(draft: Draft, act: Act) -> None:
    """Contents stand in the database only; the history names what was changed, not what it said."""
    if act.kind is not None:
        draft.change_of("kind_changed", act.action, kind=act.kind)
    if act.edit is not None:
        draft.edit = act.edit
        draft.event("edited", fields=sorted(act.edit.model_dump(exclude_none=True)))


def _tag(draft: Draft, act: Act) -> None:
    draft.tags[0].extend(act.add)
    draft.tags[1].extend(act.remove)
    draft.event("tagged", added=act.add, removed=act.remove)


def _watch(draft: Draft, act: Act) -> None:
    if act.watcher_id is not None:
        (draft.watch if act.action is Action.WATCH else draft.unwatch).append(act.watcher_id)
        draft.event("watched" if act.action is Action.WATCH else "unwatched", watcher_id=act.watcher_id)


def _link(draft: Draft, act: Act) -> None:
    if act.linked_id is not None and act.relation is not None:
        draft.link.append(Link(ticket_id=act.linked_id, relation=act.relation))
        draft.event("linked", ticket_id=act.linked_id, relation=act.relation)


def _unlink(draft: Draft, act: Act) -> None:
    if act.linked_id is not None:
        draft.unlink.append(act.linked_id)
        draft.event("unlinked", ticket_id=act.linked_id)


def _write(draft: Draft, act: Act, visibility: Visibility) -> None:
    if act.body is not None and act.body_id is not None:
        draft.write(act.body, visibility, act.body_id)


def _excerpt(act: Act) -> str:
    return (act.body or "")[:EXCERPT]


_DOES: dict[Action, Callable[[Draft, Act], None]] = {
    Action.ASSIGN: _assign,
    Action.ACCEPT: _accept,
    Action.START: _move,
    Action.REPLY: _reply,
    Action.COMMENT: _comment,
    Action.NOTE: _note,
    Action.WAIT: _wait,
    Action.HOLD: _move,
    Action.RESUME: _move,
    Action.ESCALATE: _escalate,
    Action.ACKNOWLEDGE: _acknowledge,
    Action.SET_PRIORITY: _set_priority,
    Action.SET_CATEGORY: _set_category,
    Action.RESOLVE: _resolve,
    Action.REOPEN: _reopen,
    Action.CLOSE: _close,
    Action.EDIT: _edit,
    Action.TAG: _tag,
    Action.WATCH: _watch,
    Action.UNWATCH: _watch,
    Action.LINK: _link,
    Action.UNLINK: _unlink,
}
