"""What each action does to a ticket: one function an action, on the draft of the decision.

Whether an action is allowed was checked before (`process.check`, `domain/authorization.py`).
"""

from collections.abc import Callable
from uuid import UUID

from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.sla.policy import ClockName
from domain.ticket.draft import Draft
from domain.ticket.fields import Relation, Status, Visibility
from domain.ticket.mentions import mentioned
from domain.ticket.messages import Act, Facts, Link, Reconsider, Step
from domain.ticket.moves import Action, target

HIGHEST_TIER = 3
EXCERPT = 500


def carry_out(draft: Draft, act: Act) -> None:
    for step in act.steps if act.action is Action.APPLY else [act]:
        _DOES[step.action](draft, step)


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


def _assign(draft: Draft, act: Step) -> None:
    """By hand: the tier asked for counts as served, whoever was chosen."""
    if act.assignee_id == draft["assignee_id"]:
        return
    tier = max(act.assignee_tier or 1, draft["tier"])
    _give_to(draft, Facts(assignee_id=act.assignee_id, assignee_tier=tier), cause="assign")


def _accept(draft: Draft, act: Step) -> None:
    """The actor takes the ticket, or confirms that they have it."""
    _assign(draft, act)
    draft.change_of("accepted", accepted=True)


def _move(draft: Draft, act: Step) -> None:
    draft.move(target(draft.status, act.action), act.action)


def _wait(draft: Draft, act: Step) -> None:
    _move(draft, act)
    draft.notify(NoticeKind.TICKET_WAITING, Audience.REQUESTER, Audience.COLLABORATORS)


def _reply(draft: Draft, act: Step) -> None:
    """A public answer of the staff: the first one is the first response."""
    _write(draft, act, Visibility.PUBLIC)
    draft.event("replied", comment_id=act.body_id)
    _answered(draft, "reply")
    _move(draft, act)
    draft.notify(
        NoticeKind.TICKET_REPLIED,
        Audience.REQUESTER,
        Audience.COLLABORATORS,
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


def _comment(draft: Draft, act: Step) -> None:
    """A message of the requester or a collaborator: it may resume or reopen, and it waits for an answer."""
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
        Audience.REQUESTER,
        Audience.COLLABORATORS,
        Audience.WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _note(draft: Draft, act: Step) -> None:
    _write(draft, act, Visibility.INTERNAL)
    draft.event("noted", comment_id=act.body_id)
    draft.notify(
        NoticeKind.TICKET_NOTED,
        Audience.ASSIGNEE,
        Audience.STAFF_WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _escalate(draft: Draft, act: Step) -> None:
    """By hand, up the same tiers that the ladder climbs."""
    tier = min(draft["tier"] + 1, HIGHEST_TIER)
    draft.event("escalation_requested", reason=act.body)
    draft.raise_tier(tier, "escalate")
    draft.notify(NoticeKind.TICKET_ESCALATED, Audience.LEAD, Audience.MANAGERS, reason=_excerpt(act))


def _acknowledge(draft: Draft, act: Step) -> None:
    draft.board.acknowledge(draft.now, act.action)
    draft.event("acknowledged")


def _set_priority(draft: Draft, act: Step) -> None:
    if act.priority is not None and act.priority != draft.priority:
        draft.change_of("priority_changed", act.action, priority=act.priority)
        draft.want("policy")


def _set_category(draft: Draft, act: Step) -> None:
    """A new category may mean another team, another agent and other promises."""
    if act.category != draft["category"]:
        draft.change_of("category_changed", act.action, category=act.category)
        draft.want("policy", "assignee")


def _resolve(draft: Draft, act: Step) -> None:
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
        Audience.COLLABORATORS,
        Audience.WATCHERS,
        excerpt=_excerpt(act),
        comment_id=act.body_id,
    )


def _reopen(draft: Draft, act: Step) -> None:
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


def _close(draft: Draft, act: Step) -> None:
    _move(draft, act)
    draft.set(closed_at=draft.now)
    draft.notify(NoticeKind.TICKET_CLOSED, Audience.REQUESTER)


def _edit(draft: Draft, act: Step) -> None:
    """Contents stand in the database only; the history names what was changed, not what it said."""
    if act.kind is not None:
        draft.change_of("kind_changed", act.action, kind=act.kind)
    if act.edit is not None:
        draft.edit = act.edit
        draft.event("edited", fields=sorted(act.edit.model_dump(exclude_none=True)))


def _tag(draft: Draft, act: Step) -> None:
    draft.tags[0].extend(act.add)
    draft.tags[1].extend(act.remove)
    draft.event("tagged", added=act.add, removed=act.remove)


def _watch(draft: Draft, act: Step) -> None:
    if act.watcher_id is not None:
        (draft.watch if act.action is Action.WATCH else draft.unwatch).append(act.watcher_id)
        draft.event("watched" if act.action is Action.WATCH else "unwatched", watcher_id=act.watcher_id)


def _link(draft: Draft, act: Step) -> None:
    if act.linked_id is not None and act.relation is not None:
        draft.link.append(Link(ticket_id=act.linked_id, relation=act.relation))
        draft.event("linked", ticket_id=act.linked_id, relation=act.relation)


def _unlink(draft: Draft, act: Step) -> None:
    if act.linked_id is not None:
        draft.unlink.append(act.linked_id)
        draft.event("unlinked", ticket_id=act.linked_id)


def _share(draft: Draft, act: Step) -> None:
    """Collaborators follow and answer a ticket like its requester."""
    if act.person_id is not None:
        (draft.share if act.action is Action.SHARE else draft.unshare).append(act.person_id)
        draft.event(f"{act.action}d", person_id=act.person_id)
        if act.action is Action.SHARE:
            draft.notify(NoticeKind.TICKET_SHARED, Audience.NAMED, people=[str(act.person_id)])


def _merge(draft: Draft, act: Step) -> None:
    """The other ticket goes on with both stories; nothing is moved, so a merge can be taken back. Whether the
    other can take it is checked in the transaction, where it cannot change."""
    assert act.merge is not None
    for name in list(draft.board.clocks):
        draft.board.cancel(name, draft.now, act.action)
    draft.merge = act.merge
    draft.set(merged_into=act.merge.into, waiting_reason=None)
    _move(draft, act)
    draft.event("merged", into=act.merge.into)
    draft.link.append(Link(ticket_id=act.merge.into, relation=Relation.MERGED_INTO))
    draft.notify(NoticeKind.TICKET_MERGED, Audience.REQUESTER, Audience.ASSIGNEE)


def take_in(draft: Draft, message: Reconsider) -> None:
    """Another ticket was merged into this one, or taken out again; what is known already changes nothing."""
    assert message.ticket_id is not None
    other, merged = message.ticket_id, message.cause == "merged"
    if message.version is not None:
        if message.version <= draft["merges"].get(other, 0):
            return
        draft.set(merges={**draft["merges"], other: message.version})
    known: tuple[UUID, ...] = draft["merged_from"]
    if merged == (other in known):
        return
    draft.set(merged_from=(*known, other) if merged else tuple(one for one in known if one != other))
    draft.event("merged_from" if merged else "unmerged_from", ticket_id=other)
    draft.notify(NoticeKind.TICKET_MERGED, Audience.ASSIGNEE, Audience.STAFF_WATCHERS)


def _unmerge(draft: Draft, act: Step) -> None:
    other = draft["merged_into"]
    draft.set(merged_into=None, resolved_at=None)
    draft.unmerge = other
    draft.unlink.append(other)
    draft.event("unmerged", ticket_id=other)
    draft.move(Status.OPEN if draft["assignee_id"] is None else Status.ASSIGNED, act.action)
    if draft["first_responded_at"] is None:
        draft.start(ClockName.FIRST_RESPONSE, act.action)
    draft.board.reopen(draft.priority, draft.now, act.action)
    draft.start(ClockName.PERIODIC_UPDATE, act.action)
    draft.want("assignee")


def _split(draft: Draft, act: Step) -> None:
    """The new ticket is opened once this is committed, and writes the link to this one."""
    draft.split = act.split
    draft.event("split", ticket_id=act.linked_id)


def _write(draft: Draft, act: Step, visibility: Visibility) -> None:
    """The comment, and word to the colleagues whom it mentions."""
    if act.body is None or act.body_id is None:
        return
    draft.write(act.body, visibility, act.body_id)
    if addresses := mentioned(act.body):
        draft.notify(
            NoticeKind.TICKET_MENTIONED,
            Audience.MENTIONED,
            excerpt=_excerpt(act),
            comment_id=act.body_id,
            mentions=addresses,
        )


def _excerpt(act: Step) -> str:
    return (act.body or "")[:EXCERPT]


_DOES: dict[Action, Callable[[Draft, Step], None]] = {
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
    Action.SHARE: _share,
    Action.UNSHARE: _share,
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
    Action.SPLIT: _split,
}
