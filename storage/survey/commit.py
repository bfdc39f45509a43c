"""What a survey's process commits: everything that is due, a page at a time, in one transaction with its mails.

The survey's row is locked from the first statement on, so there is one at a time; how far each invitation has come
stands in its row. Whoever repeats a commit, because its answer was lost or Temporal's store was restored, finds it
done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.notification.kind import Audience, Channel, Kind
from domain.notification.notice import NewNotification, Notice, plan
from domain.notification.preferences import Recipient
from domain.survey.definition import Contents, Timing
from domain.survey.definition import State as SurveyState
from domain.survey.invitation import (
    PURPOSE,
    Course,
    Skip,
    State,
    Step,
    closes_at,
    due_at,
    may_ask,
    step,
)
from domain.survey.messages import PAGE, Advance, Advanced
from domain.survey.messages import SurveyState as ProcessState
from domain.survey.questions import SCALES
from storage import link, notification
from storage.database import Writer
from storage.pipeline import Statement, pipeline
from storage.survey import campaign, task
from storage.survey.invite import lock

_ID: Final = bindparam("id", type_=Uuid())
_NOW: Final = bindparam("now", type_=DateTime(timezone=True))
_PEOPLE: Final = bindparam("people", type_=ARRAY(Uuid()))

_SURVEY: Final = Statement(text("SELECT * FROM surveys WHERE id = :id FOR NO KEY UPDATE").bindparams(_ID))
_DUE: Final = Statement(
    text("""
    SELECT invitation.*, ticket.number, ticket.subject, person.active, person.locale, person.time_zone,
        preference.choices
    FROM survey_invitations AS invitation
    JOIN people AS person ON person.id = invitation.person_id
    LEFT JOIN tickets AS ticket ON ticket.id = invitation.ticket_id
    LEFT JOIN notification_preferences AS preference ON preference.person_id = invitation.person_id
    WHERE invitation.survey_id = :id AND invitation.next_at <= :now AND (:active OR invitation.state <> 'waiting')
    ORDER BY invitation.next_at, invitation.id LIMIT :most
    FOR UPDATE OF invitation
""").bindparams(_ID, _NOW, bindparam("active", type_=Boolean()), bindparam("most", type_=BigInteger()))
)
_MEET: Final = Statement(
    text("""
    INSERT INTO survey_people (person_id)
    SELECT person FROM unnest(:people) AS person ORDER BY person ON CONFLICT DO NOTHING
""").bindparams(_PEOPLE)
)
_RESTING: Final = Statement(
    text("""
    SELECT person_id, asked_at FROM survey_people WHERE person_id = ANY(:people) ORDER BY person_id FOR UPDATE
""").bindparams(_PEOPLE)
)
_ASKED: Final = Statement(
    text("UPDATE survey_people SET asked_at = :now WHERE person_id = ANY(:people)").bindparams(_NOW, _PEOPLE)
)
_WRITE: Final = Statement(
    text("""
    UPDATE survey_invitations AS known SET state = new.state, reason = new.reason, asked_at = new.asked_at,
        reminded_at = new.reminded_at, closes_at = new.closes_at, next_at = new.next_at
    FROM jsonb_to_recordset(:rows) AS new (
        id uuid, state text, reason text, asked_at timestamptz, reminded_at timestamptz, closes_at timestamptz,
        next_at timestamptz
    )
    WHERE known.id = new.id
""").bindparams(bindparam("rows", type_=JSONB))
)
_FINISH: Final = Statement(
    text("""
    UPDATE surveys SET steps = :steps, next_at = least(
        (SELECT min(next_at) FROM survey_invitations WHERE survey_id = :id AND (:active OR state <> 'waiting')),
        (SELECT min(next_at) FROM survey_tasks WHERE survey_id = :id),
        :round_at
    ) WHERE id = :id RETURNING next_at
""").bindparams(
        _ID,
        bindparam("steps", type_=Integer()),
        bindparam("active", type_=Boolean()),
        bindparam("round_at", type_=DateTime(timezone=True)),
    )
)

_NOTICES: Final = {Step.ASK: Kind.SURVEY_ASKED, Step.REMIND: Kind.SURVEY_REMINDED}


@dataclass(frozen=True, slots=True)
class _Taken:
    """What becomes of one invitation: where it stands now, and what its person is told."""

    row: Any
    course: Course
    told: Step | None = None
    reason: Skip | None = None


async def advance(writer: Writer, wanted: Advance, *, mail: bool) -> Advanced:
    """Does what is due. Without anything, only the time of the next look is written."""
    survey_id, now = wanted.survey_id, wanted.now
    async with pipeline(writer) as asking:
        answer = asking.ask(_SURVEY, id=survey_id)
    survey = answer.one_or_none()
    if survey is None:
        return Advanced(state=ProcessState(survey_id=survey_id), more=False)
    active = survey.state == SurveyState.ACTIVE
    contents = Contents.model_validate(survey.contents)
    timing = _timing(contents, active=active)
    current = await campaign.draw(writer, survey, contents, now) if active and contents.audience else None
    async with pipeline(writer) as asking:
        due = asking.ask(_DUE, id=survey_id, now=now, active=active, most=PAGE + 1)
    rows = due.rows[:PAGE]
    rounds = {row.round for row in rows if row.round is not None}
    full = await campaign.full_rounds(writer, survey_id, rounds, contents.quota)
    taken = await _taken(writer, rows, _Rules(timing, full), now)
    late = await task.take_overdue(writer, survey_id, now)
    notices = [one for each in taken if each.told for one in _notifications(each, contents, survey_id, now)]
    if notices:
        await link.ensure_key(writer)
    await notification.add(writer, [*notices, *late.notifications], smtp_configured=mail)
    changed = bool(rows or late.count) or (current is not None and current.changed)
    steps = survey.steps + changed
    round_at = None if current is None else current.next_at
    async with pipeline(writer) as asking:
        if taken:
            asking.ask(_WRITE, rows=[_values(one, timing) for one in taken])
        lock(asking, survey_id)
        finished = asking.ask(_FINISH, id=survey_id, steps=steps, active=active, round_at=round_at)
    next_at = finished.scalar()
    if current is not None:
        await campaign.end_if_over(writer, survey_id, current, next_at)
    state = ProcessState(survey_id=survey_id, event_number=steps, next_at=next_at)
    more = len(due.rows) > PAGE or late.more or (current is not None and current.building)
    return Advanced(state=state, more=more)


def _timing(contents: Contents, *, active: bool) -> Timing:
    """A survey that is paused reminds nobody."""
    timing = Timing.model_validate(contents.model_dump(include=set(Timing.model_fields)))
    return timing if active else timing.model_copy(update={"remind_after": None})


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for everybody of one commit. In the rounds that are `full`, enough have answered."""

    timing: Timing
    full: frozenset[int]

    def refuse(self, row: Any) -> Skip | None:
        return Skip.QUOTA if row.round in self.full else None


async def _taken(writer: Writer, rows: Sequence[Any], rules: _Rules, now: datetime) -> list[_Taken]:
    """The step of each row, in their order: somebody who is asked by the first is asked already at the second."""
    asking = sorted({row.person_id for row in rows if step(_course(row), rules.timing, now) is Step.ASK})
    last = await _last_asked(writer, asking)
    asked: set[UUID] = set()
    found = []
    for row in rows:
        one = _take(row, rules, last.get(row.person_id), now)
        if one.told is Step.ASK:
            last[row.person_id] = now
            asked.add(row.person_id)
        found.append(one)
    if asked:
        async with pipeline(writer) as pipe:
            pipe.ask(_ASKED, people=sorted(asked), now=now)
    return found


async def _last_asked(writer: Writer, people: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """When each was last asked; their rows are locked, so that no other survey asks them at this moment."""
    if not people:
        return {}
    async with pipeline(writer) as asking:
        asking.ask(_MEET, people=people)
        resting = asking.ask(_RESTING, people=people)
    return {row.person_id: row.asked_at for row in resting.rows}


def _take(row: Any, rules: _Rules, last_asked_at: datetime | None, now: datetime) -> _Taken:
    course, timing = _course(row), rules.timing
    match step(course, timing, now):
        case Step.ASK:
            reason = rules.refuse(row) or _reason(row, timing, last_asked_at, now)
            if reason is not None:
                return _Taken(row, Course(State.SKIPPED, course.ask_at), reason=reason)
            end = closes_at(timing, now)
            return _Taken(row, Course(State.ASKED, course.ask_at, asked_at=now, closes_at=end), Step.ASK)
        case Step.REMIND:
            told = Course(State.ASKED, course.ask_at, course.asked_at, now, course.closes_at)
            silent = not row.active or rules.refuse(row) is not None
            return _Taken(row, told, None if silent else Step.REMIND)
        case Step.CLOSE:
            ended = Course(
                State.EXPIRED, course.ask_at, course.asked_at, course.reminded_at, course.closes_at
            )
            return _Taken(row, ended)
    return _Taken(row, course)


def _reason(row: Any, timing: Timing, last_asked_at: datetime | None, now: datetime) -> Skip | None:
    """Why this person is not asked."""
    if not row.active:
        return Skip.INACTIVE
    wanted = notification.recipient(_as_recipient(row)).preferences
    if not any(wanted.want(Kind.SURVEY_ASKED, channel) for channel in Channel):
        return Skip.UNWANTED
    return None if may_ask(last_asked_at, timing.rest, now) else Skip.RESTS


@dataclass(frozen=True, slots=True)
class _Person:
    id: UUID
    locale: str
    time_zone: str
    choices: Any


def _as_recipient(row: Any) -> _Person:
    return _Person(row.person_id, row.locale, row.time_zone, row.choices)


def _course(row: Any) -> Course:
    return Course(State(row.state), row.ask_at, row.asked_at, row.reminded_at, row.closes_at)


def _notifications(one: _Taken, contents: Contents, survey_id: UUID, now: datetime) -> list[NewNotification]:
    row, end = one.row, one.course.closes_at
    assert one.told is not None
    assert end is not None
    scale = SCALES.get(contents.kind)
    facts = {
        "ticket_id": row.ticket_id and str(row.ticket_id),
        "number": row.number,
        "subject": row.subject,
        "survey_id": str(survey_id),
        "survey": contents.name,
        "survey_kind": contents.kind,
        "scores": None if scale is None else [scale.low, scale.high],
        "due_at": end.isoformat(),
        "link": {"purpose": PURPOSE, "id": str(row.id), "expires_at": end.isoformat()},
    }
    recipient: Recipient = notification.recipient(_as_recipient(row))
    notice = Notice(kind=_NOTICES[one.told], audience=[Audience.NAMED])
    return plan(notice, f"survey:{row.id}:{one.told}", facts, [recipient], now)


def _values(one: _Taken, timing: Timing) -> dict[str, Any]:
    course = one.course
    return {
        "id": one.row.id,
        "state": course.state,
        "reason": one.reason,
        "asked_at": course.asked_at,
        "reminded_at": course.reminded_at,
        "closes_at": course.closes_at,
        "next_at": due_at(course, timing),
    }
