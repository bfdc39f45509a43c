"""What each action does to a contest: one function an action, on the draft of the decision.

Whether it is allowed was checked before (`domain/contest/process.py`, `domain/authorization.py`); what can only be
checked among the rows of the database is checked in the transaction (`storage/contest/commit.py`).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from domain.contest.draft import Draft
from domain.contest.fields import ContestRules, Status
from domain.contest.messages import Act, Decision, DeclaredConflict, NewAppeal, NewEntry, NewScore
from domain.contest.moves import Action
from domain.contest.state import Due
from domain.notification.kind import Audience, Kind


def carry_out(draft: Draft, act: Act) -> None:
    _DOES[act.action](draft, act)


def _edit(draft: Draft, act: Act) -> None:
    assert act.edit is not None
    draft.parts["edit"] = act.edit
    if act.edit.rules is not None:
        draft.set(rules=act.edit.rules)
    draft.event("edited", fields=[name for name, value in act.edit if value is not None])


def _schedule(draft: Draft, act: Act) -> None:
    draft.move(Status.SCHEDULED, act.action)


def _enter(draft: Draft, act: Act) -> None:
    assert act.record_id is not None
    assert act.arrived_at is not None
    draft.parts["entry"] = NewEntry(
        id=act.record_id,
        person_id=act.actor_id,
        text=act.text or "",
        links=act.links,
        arrived_at=act.arrived_at,
    )
    draft.set(entries=draft["entries"] + 1)
    draft.event("entered", entry_id=str(act.record_id), arrived_at=act.arrived_at.isoformat())
    draft.want("entrant")


def _withdraw(draft: Draft, act: Act) -> None:
    draft.parts["withdraw"] = act.entry_id
    draft.set(entries=draft["entries"] - 1)
    draft.event("withdrawn", entry_id=str(act.entry_id))
    draft.want("entry")


def _extend(draft: Draft, act: Act) -> None:
    """Everything that is still to come comes later by the same length."""
    assert act.by is not None
    moved = _extended(draft, act.by)
    draft.set(**moved)
    if draft.status is Status.JUDGING:
        draft.parts["by"] = act.by
    until = _until_of(draft)
    draft.event("extended", by=act.by.total_seconds(), until=until, reason=act.text)
    draft.tell(Kind.CONTEST_EXTENDED, judges=True, due_at=until, reason=act.text)


def _extended(draft: Draft, by: timedelta) -> dict[str, Any]:
    """The fields of the state that an extension moves. The moment after the bell does not get longer by it."""
    rules: ContestRules = draft["rules"]
    moving: dict[Status, tuple[str, ...]] = {
        Status.SCHEDULED: ("opens_at", "closes_at", "judging_until"),
        Status.ACTIVE: ("closes_at", "judging_until"),
        Status.JUDGING: ("judging_until",),
    }
    if draft.status is Status.PROVISIONAL:
        return {"appeals_until": draft["appeals_until"] + by, "appeals_reminded": False}
    update = {name: getattr(rules, name) + by for name in moving[draft.status]}
    fill = draft["fill"]
    return {
        "rules": rules.model_copy(update=update),
        "dues": tuple(_moved(draft, due, by) for due in draft["dues"]),
        "fill": None if fill is None else fill.model_copy(update={"due_at": fill.due_at + by}),
    }


def _moved(draft: Draft, due: Due, by: timedelta) -> Due:
    """Who was warned already is warned again before the new deadline."""
    at = due.at + by
    return draft.due(at) if due.warn_at is None else Due(at=at, warn_at=due.warn_at + by)


def _until_of(draft: Draft) -> str:
    """The deadline that people meet next."""
    rules: ContestRules = draft["rules"]
    if draft.status is Status.PROVISIONAL:
        return str(draft["appeals_until"].isoformat())
    return (rules.judging_until if draft.status is Status.JUDGING else rules.closes_at).isoformat()


def _look_for_judges(draft: Draft) -> None:
    """Not before the entries go to the judges, nor when the standing is about to be published."""
    if draft.before.assigned and not draft.before.restanding:
        draft.fill_again()


def _appoint(draft: Draft, act: Act) -> None:
    new = [one for one in dict.fromkeys(act.people) if one not in draft["judges"]]
    draft.parts["appoint"] = new
    draft.set(judges=(*draft["judges"], *new))
    draft.event("judges_appointed", judges=[str(one) for one in new])
    _look_for_judges(draft)


def _dismiss(draft: Draft, act: Act) -> None:
    draft.parts["dismiss"] = act.person_id
    draft.set(judges=tuple(one for one in draft["judges"] if one != act.person_id))
    draft.event("judge_dismissed", judge=str(act.person_id), reason=act.text)
    _look_for_judges(draft)


def _recuse(draft: Draft, act: Act) -> None:
    """A judge has nothing to do with what one person enters; scores that they gave for it do not count."""
    assert act.person_id is not None
    (judge_id,) = act.people
    draft.parts["conflict"] = DeclaredConflict(judge_id=judge_id, person_id=act.person_id, reason=act.text)
    draft.event("conflict_declared", judge=str(judge_id), person=str(act.person_id), reason=act.text)
    _look_for_judges(draft)


def _score(draft: Draft, act: Act) -> None:
    assert act.entry_id is not None
    draft.parts["score"] = NewScore(
        entry_id=act.entry_id, judge_id=act.actor_id, scores=act.scores, comment=act.text
    )
    draft.event("scored", entry_id=str(act.entry_id))
    draft.want("assignment")


def _publish(draft: Draft, act: Act) -> None:
    """With the scores that are there."""
    draft.set(restanding=True)
    draft.event("publishing", reason=act.text)


def _appeal(draft: Draft, act: Act) -> None:
    assert act.record_id is not None
    assert act.entry_id is not None
    draft.parts["appeal"] = NewAppeal(
        id=act.record_id, entry_id=act.entry_id, person_id=act.actor_id, reason=act.text or ""
    )
    draft.set(open_appeals=draft["open_appeals"] + 1)
    draft.event("appealed", appeal_id=str(act.record_id), entry_id=str(act.entry_id))
    draft.notify(Kind.CONTEST_APPEALED, Audience.MANAGERS)
    draft.want("appeal")


def _decide(draft: Draft, act: Act) -> None:
    assert act.record_id is not None
    decision = Decision(
        appeal_id=act.record_id,
        upheld=bool(act.upheld),
        answer=act.text or "",
        adjustment=act.adjustment if act.upheld else 0,
    )
    draft.parts["decision"] = decision
    draft.set(open_appeals=draft["open_appeals"] - 1)
    if decision.adjustment:
        draft.set(restanding=True)
    draft.event("appeal_decided", appeal_id=str(act.record_id), upheld=decision.upheld)
    draft.want("decision")


def _award(draft: Draft, act: Act) -> None:
    draft.move(Status.AWARDED, act.action)
    draft.want("winners")


def _cancel(draft: Draft, act: Act) -> None:
    """What was given for taking part is taken back, and everybody hears of it."""
    draft.move(Status.CANCELLED, act.action, reason=act.text)
    draft.set(
        assign_at=None,
        fill=None,
        dues=(),
        restanding=False,
        appeals_until=None,
        reversing=draft["participants"] > 0,
    )
    draft.tell(Kind.CONTEST_CANCELLED, judges=True, reason=act.text)


_DOES: Final[dict[Action, Callable[[Draft, Act], None]]] = {
    Action.EDIT: _edit,
    Action.SCHEDULE: _schedule,
    Action.ENTER: _enter,
    Action.WITHDRAW: _withdraw,
    Action.EXTEND: _extend,
    Action.APPOINT: _appoint,
    Action.DISMISS: _dismiss,
    Action.RECUSE: _recuse,
    Action.SCORE: _score,
    Action.PUBLISH: _publish,
    Action.APPEAL: _appeal,
    Action.DECIDE: _decide,
    Action.AWARD: _award,
    Action.CANCEL: _cancel,
}
