"""What each action does to a feedback item: one function an action, on the draft of the decision.

Whether an action is allowed was checked before (`process.check`, `domain/authorization.py`).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.calendar import working
from domain.feedback.draft import Draft
from domain.feedback.fields import EXCERPT, Assessment, Kind, Status
from domain.feedback.messages import Act, Answer, Edit, Facts, News
from domain.feedback.moves import Action, target
from domain.feedback.promises import ASSESSING
from domain.feedback.state import Opinion
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.ticket.fields import Visibility

CHECK_AFTER: Final = (timedelta(days=14), timedelta(days=30))
"""When people are asked again whether it really helped, counted from the shipping."""

SHORTEST: Final = timedelta(minutes=1)
"""Of the times that an assessment may take, also when it is due at once."""

REOPENING_SHARE: Final = 5
"""A check reopens when more than one in so many of those who were asked say no."""


def carry_out(draft: Draft, act: Act) -> None:
    _DOES[act.action](draft, act)


def _triage(draft: Draft, act: Act) -> None:
    """A human confirms or corrects what was guessed; the first time it is the triage, which shows it to everybody
    unless it is a complaint."""
    first, public = draft.before.status is Status.SUBMITTED, act.public
    if first and public is None:
        public = (act.kind or draft["kind"]) is not Kind.COMPLAINT
    given = {"category": act.category, "kind": act.kind, "importance": act.importance, "public": public}
    draft.change_of("classified", act.action, **{name: one for name, one in given.items() if one is not None})
    _tag(draft, act)
    if act.owner_id is not None:
        _assign(draft, act)
    draft.want("policy")
    _move(draft, act)
    if first:
        draft.tell(NoticeKind.FEEDBACK_MOVED)


def _assign(draft: Draft, act: Act) -> None:
    if act.owner_id != draft["owner_id"]:
        draft.change_of("assigned", act.action, owner_id=act.owner_id)
        draft.notify(NoticeKind.FEEDBACK_ASSIGNED, Audience.ASSIGNEE)


def _delegate(draft: Draft, act: Act) -> None:
    """Somebody has to give an assessment until a time; without one, the policy says until when."""
    assert act.assessment is not None
    clock, policy = ASSESSING[act.assessment], draft.board.policy
    known = {Assessment(one): opinion for one, opinion in draft["assessments"].items()}
    draft.set(assessments={**known, act.assessment: Opinion(owner_id=act.owner_id)})
    draft.event("delegated", assessment=act.assessment, owner_id=act.owner_id, due_at=act.due_at)
    draft.board.cancel(clock, draft.now, act.action)
    given = None
    if act.due_at is not None and policy is not None:
        given = max(working(policy.calendar, draft.now, max(draft.now, act.due_at)), SHORTEST)
    draft.board.start(clock, draft.priority, draft.now, act.action, given)
    running = draft.board.clocks.get(clock)
    due_at = None if running is None or policy is None else running.due_at(policy)
    draft.notify(
        NoticeKind.FEEDBACK_ASSESSMENT,
        Audience.NAMED,
        people=[] if act.owner_id is None else [str(act.owner_id)],
        assessment=act.assessment,
        due_at=None if due_at is None else due_at.isoformat(),
    )


def _assess(draft: Draft, act: Act) -> None:
    """The result of one assessment; with the last of them the item is assessed."""
    assert act.assessment is not None
    known: dict[Assessment, Opinion] = dict(draft["assessments"])
    owner_id = known.get(act.assessment, Opinion()).owner_id or act.actor_id
    known[act.assessment] = Opinion(owner_id=owner_id, verdict=act.verdict, result=act.text, at=draft.now)
    draft.set(assessments=known)
    draft.event("assessed", assessment=act.assessment, verdict=act.verdict)
    draft.board.satisfy(ASSESSING[act.assessment], draft.now, act.action)
    everything = all(one in known and known[one].verdict is not None for one in Assessment)
    if everything and draft.status is Status.TRIAGED:
        draft.move(Status.ASSESSED, act.action)
        draft.tell(NoticeKind.FEEDBACK_MOVED)
        draft.notify(NoticeKind.FEEDBACK_ASSIGNED, Audience.ASSIGNEE)


def _plan(draft: Draft, act: Act) -> None:
    draft.set(decided_at=draft.now)
    _move(draft, act)
    draft.tell(NoticeKind.FEEDBACK_PLANNED, reason=_excerpt(act))


def _decline(draft: Draft, act: Act) -> None:
    """The reason is a human's answer, and goes to all."""
    _write(draft, act, Visibility.PUBLIC)
    draft.set(decided_at=draft.now, answered_at=draft.now)
    _move(draft, act)
    draft.event("declined", reason=_excerpt(act))
    draft.tell(NoticeKind.FEEDBACK_DECLINED, reason=_excerpt(act))


def _start(draft: Draft, act: Act) -> None:
    _move(draft, act)
    draft.tell(NoticeKind.FEEDBACK_STARTED)


def _ship(draft: Draft, act: Act) -> None:
    """Thanks to all, and the question to those who asked for it: is it solved?"""
    draft.set(
        shipped_at=draft.now,
        release_id=act.release_id,
        first_round=draft["round"] + 1,
        checks=tuple(draft.now + after for after in CHECK_AFTER),
    )
    _move(draft, act)
    _ask(draft, "shipped")
    draft.tell(NoticeKind.FEEDBACK_SHIPPED, reason=_excerpt(act), round=draft["round"])


def _ask(draft: Draft, why: str) -> None:
    draft.set(round=draft["round"] + 1, asking=why)


def ask_again(draft: Draft) -> None:
    """The effect check that is due."""
    _ask(draft, "check")
    draft.event("checked", cause="timer", round=draft["round"])
    draft.tell(NoticeKind.FEEDBACK_CHECK, requesters_only=True, round=draft["round"])


def _confirm(draft: Draft, act: Act) -> None:
    """Somebody who asked for it says whether it is solved. What follows depends on what the others said."""
    assert act.actor_id is not None
    assert act.solved is not None
    draft.answer = Answer(
        person_id=act.actor_id, round=act.round or draft["round"], solved=act.solved, reason=act.text
    )
    draft.event("confirmed", solved=act.solved, round=draft.answer.round, reason=_excerpt(act))
    draft.want("answers")


def weigh(draft: Draft, answer: Answer, facts: Facts) -> None:
    """After the shipping the first no reopens, and the first yes verifies. A later check needs more than one no in
    five of those who were asked."""
    asked = draft["asking"] == "shipped" or facts.no * REOPENING_SHARE > facts.asked
    if not answer.solved and asked and draft.status in (Status.SHIPPED, Status.VERIFIED):
        _reopen_to(draft, Status.IN_PROGRESS, Action.CONFIRM, answer.reason)
    elif answer.solved and draft.status is Status.SHIPPED:
        draft.set(verified_at=draft.now)
        draft.move(Status.VERIFIED, Action.CONFIRM)
        draft.tell(NoticeKind.FEEDBACK_MOVED)


def _verify(draft: Draft, act: Act) -> None:
    draft.set(verified_at=draft.now)
    _move(draft, act)
    draft.tell(NoticeKind.FEEDBACK_MOVED)


def close(draft: Draft, cause: str) -> None:
    draft.set(closed_at=draft.now, checks=(), asking=None)
    draft.move(Status.CLOSED, cause)
    draft.tell(NoticeKind.FEEDBACK_MOVED)


def _close(draft: Draft, act: Act) -> None:
    close(draft, act.action)


def _reopen(draft: Draft, act: Act) -> None:
    _reopen_to(draft, target(draft.status, act.action), act.action, act.text)


def _reopen_to(draft: Draft, status: Status, cause: str, reason: str | None) -> None:
    draft.change_of("reopened", cause, reopen_count=draft["reopen_count"] + 1)
    draft.set(shipped_at=None, verified_at=None, closed_at=None, decided_at=None, checks=(), asking=None)
    draft.move(status, cause)
    reason = (reason or "")[:EXCERPT]
    draft.tell(NoticeKind.FEEDBACK_REOPENED, reason=reason)
    draft.notify(NoticeKind.FEEDBACK_ASSIGNED, Audience.ASSIGNEE, reason=reason)


def _merge(draft: Draft, act: Act) -> None:
    """The other item goes on with all who follow this one. Whether it can take them is checked in the transaction,
    where it cannot change."""
    for name in list(draft.board.clocks):
        draft.board.cancel(name, draft.now, act.action)
    draft.merge = act.into
    draft.set(merged_into=act.into, before_merge=draft.status)
    _move(draft, act)
    draft.event("merged", into=act.into)
    draft.tell(NoticeKind.FEEDBACK_MERGED, into=str(act.into))


def _unmerge(draft: Draft, act: Act) -> None:
    """It goes on where it was, with a new cycle of its clock; those who came to the other one by it leave that one."""
    draft.unmerge = draft["merged_into"]
    status = draft["before_merge"] or target(draft.status, act.action)
    draft.event("unmerged", feedback_id=draft.unmerge)
    draft.set(merged_into=None, before_merge=None)
    draft.move(Status(status), act.action)
    draft.want("policy")
    draft.tell(NoticeKind.FEEDBACK_UNMERGED)


def take_in(draft: Draft, news: News) -> None:
    """Another item was merged into this one, or taken out again; what is known already changes nothing."""
    assert news.feedback_id is not None
    other, merged = news.feedback_id, news.cause == "merged"
    if news.version is not None:
        if news.version <= draft["merges"].get(other, 0):
            return
        draft.set(merges={**draft["merges"], other: news.version})
    known: tuple[UUID, ...] = draft["merged_from"]
    if merged != (other in known):
        rest = tuple(one for one in known if one != other)
        draft.set(merged_from=(*rest, other) if merged else rest)
        draft.event("merged_from" if merged else "unmerged_from", feedback_id=other)


def _answer(draft: Draft, act: Act) -> None:
    _write(draft, act, Visibility.PUBLIC)
    draft.set(answered_at=draft.now)
    draft.event("answered", comment_id=act.text_id)
    draft.tell(NoticeKind.FEEDBACK_ANSWERED, excerpt=_excerpt(act))


def _note(draft: Draft, act: Act) -> None:
    _write(draft, act, Visibility.INTERNAL)
    draft.event("noted", comment_id=act.text_id)
    draft.notify(NoticeKind.FEEDBACK_NOTED, Audience.ASSIGNEE, excerpt=_excerpt(act))


def _edit(draft: Draft, act: Act) -> None:
    given = {"kind": act.kind, "category": act.category, "public": act.public}
    draft.change_of("classified", act.action, **{name: one for name, one in given.items() if one is not None})
    if act.title is not None or act.body is not None:
        draft.edit = Edit(title=act.title, body=act.body)
        draft.event("edited", fields=[name for name in ("body", "title") if getattr(act, name) is not None])
    draft.want("policy")


def _tag(draft: Draft, act: Act) -> None:
    if act.add or act.remove:
        draft.tags[0].extend(act.add)
        draft.tags[1].extend(act.remove)
        draft.event("tagged", added=act.add, removed=act.remove)


def _link(draft: Draft, act: Act) -> None:
    """From now on the ticket's requester is told like everybody else."""
    if act.ticket_id is not None:
        linking = act.action is Action.LINK
        (draft.link if linking else draft.unlink).append(act.ticket_id)
        draft.event("linked" if linking else "unlinked", ticket_id=act.ticket_id)


def _acknowledge(draft: Draft, act: Act) -> None:
    draft.board.acknowledge(draft.now, act.action)
    draft.event("acknowledged")


def _move(draft: Draft, act: Act) -> None:
    draft.move(target(draft.status, act.action), act.action)


def _write(draft: Draft, act: Act, visibility: Visibility) -> None:
    if act.text is not None and act.text_id is not None:
        draft.write(act.text, visibility, act.text_id)


def _excerpt(act: Act) -> str:
    return (act.text or "")[:EXCERPT]


_DOES: Final[dict[Action, Callable[[Draft, Act], None]]] = {
    Action.TRIAGE: _triage,
    Action.ASSIGN: _assign,
    Action.DELEGATE: _delegate,
    Action.ASSESS: _assess,
    Action.PLAN: _plan,
    Action.DECLINE: _decline,
    Action.START: _start,
    Action.SHIP: _ship,
    Action.CONFIRM: _confirm,
    Action.VERIFY: _verify,
    Action.CLOSE: _close,
    Action.REOPEN: _reopen,
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
    Action.ANSWER: _answer,
    Action.NOTE: _note,
    Action.EDIT: _edit,
    Action.TAG: _tag,
    Action.LINK: _link,
    Action.UNLINK: _link,
    Action.ACKNOWLEDGE: _acknowledge,
}
