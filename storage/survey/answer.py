"""Answers: what the holder of a link sees, and the one answer that is taken.

Taking it locks the ticket before the invitation, in the order of the ticket's own commits; so does everything that
follows from it: the score on the ticket, the task that a low one asks for, and word to whoever has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Select, insert, select, update

from domain.account import Ref, Value
from domain.link import forged
from domain.survey.definition import AFTER_RESOLUTION, Contents
from domain.survey.invitation import PURPOSE, State, check_open, is_low
from domain.survey.questions import Given, answered, check_answer
from domain.text import Locale, known_locale
from storage import link
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.survey import task
from storage.survey.task import LowScore
from storage.tables.account import PersonRow, TeamRow
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow, SurveyRow
from storage.tables.ticket import TicketRow

NEWEST_FIRST: Final = Order((SurveyAnswerRow.answered_at, SurveyAnswerRow.invitation_id), descending=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation with what its person is asked, and in which language."""

    id: UUID
    survey_id: UUID
    version: int
    contents: Contents
    state: State
    closes_at: datetime | None
    person: Ref
    locale: Locale
    time_zone: str
    ticket_id: UUID | None
    number: int | None
    subject: str | None


class Answer(Value):
    """One answer, for those who read the results. `answers` are those to the desk's own questions."""

    id: UUID
    person: Ref
    ticket: Ref | None
    number: int | None
    team: Ref | None
    score: int | None
    comment: str | None
    answers: dict[str, Any]
    answered_at: AwareDatetime


async def behind_link(session: Reader | Writer, token: str, now: datetime) -> Asked:
    """What the link asks. Raises NotFound `link_unknown`, Gone, and Conflict `already_answered`."""
    asked = await invitation(session, await link.record_of(session, token, PURPOSE, now))
    if asked is None:
        raise forged()
    check_open(asked.state, asked.closes_at, now)
    return asked


async def invitation(session: Reader | Writer, invitation_id: UUID) -> Asked | None:
    row = (await session.execute(_asked().where(SurveyInvitationRow.id == invitation_id))).one_or_none()
    return None if row is None else _read(row)


async def locale_of(session: Reader | Writer, token: str) -> Locale | None:
    """The language of the person whom the link was sent to, also when it has ended; None for one that is not ours."""
    invitation_id = await link.ended_record_of(session, token, PURPOSE)
    asked = None if invitation_id is None else await invitation(session, invitation_id)
    return None if asked is None else asked.locale


async def take(writer: Writer, token: str, given: Given, now: datetime, *, mail: bool) -> Asked:
    """Keeps the answer, once, and what follows from it. Raises as `behind_link` does, and Invalid."""
    invitation_id = await link.record_of(writer, token, PURPOSE, now)
    await _lock(writer, invitation_id)
    asked = await behind_link(writer, token, now)
    check_answer(asked.contents.kind, asked.contents.questions, given)
    values = {
        "survey_id": asked.survey_id,
        "version": asked.version,
        "score": given.score,
        "comment": given.comment,
        "answers": answered(asked.contents.questions, given),
        "answered_at": now,
    }
    await writer.execute(insert(SurveyAnswerRow).values(invitation_id=asked.id, **values))
    of = SurveyInvitationRow.id == asked.id
    await writer.execute(update(SurveyInvitationRow).where(of).values(state=State.ANSWERED, next_at=None))
    if asked.ticket_id is not None and asked.survey_id == AFTER_RESOLUTION:
        ticket = TicketRow.id == asked.ticket_id
        await writer.execute(update(TicketRow).where(ticket).values(satisfaction=given.score, changed_at=now))
    if asked.ticket_id is not None and is_low(given.score, asked.contents.low_score):
        low = LowScore(
            survey_id=asked.survey_id,
            invitation_id=asked.id,
            ticket_id=asked.ticket_id,
            score=given.score or 0,
            comment=given.comment,
            actor=asked.person.name,
        )
        await task.create(writer, low, asked.contents, now, mail=mail)
    return asked


async def answers(reader: Reader, survey_id: UUID, *, after: Sequence[Any] | None, size: int) -> list[Answer]:
    """One by one, the latest first."""
    statement: Any = (
        select(
            SurveyAnswerRow,
            SurveyInvitationRow.person_id,
            SurveyInvitationRow.ticket_id,
            PersonRow.name.label("person_name"),
            TicketRow.number,
            TicketRow.subject,
            SurveyInvitationRow.team_id,
            TeamRow.name.label("team_name"),
        )
        .join(SurveyInvitationRow, SurveyInvitationRow.id == SurveyAnswerRow.invitation_id)
        .join(PersonRow, PersonRow.id == SurveyInvitationRow.person_id)
        .outerjoin(TicketRow, TicketRow.id == SurveyInvitationRow.ticket_id)
        .outerjoin(TeamRow, TeamRow.id == SurveyInvitationRow.team_id)
        .where(SurveyAnswerRow.survey_id == survey_id)
    )
    rows = await reader.execute(page(statement, NEWEST_FIRST, after, size))
    return [_answer(row) for row in rows]


async def _lock(writer: Writer, invitation_id: UUID) -> None:
    """Two who use one link at the same moment come one after the other."""
    of = SurveyInvitationRow.id == invitation_id
    ticket_id = await writer.scalar(select(SurveyInvitationRow.ticket_id).where(of))
    if ticket_id is not None:
        ticket = select(TicketRow.id).where(TicketRow.id == ticket_id)
        await writer.execute(ticket.with_for_update(key_share=True))
    await writer.execute(select(SurveyInvitationRow.id).where(of).with_for_update())


def _asked() -> Select[Any]:
    return (
        select(
            SurveyInvitationRow.id,
            SurveyInvitationRow.survey_id,
            SurveyRow.version,
            SurveyRow.contents,
            SurveyInvitationRow.state,
            SurveyInvitationRow.closes_at,
            SurveyInvitationRow.person_id,
            PersonRow.name,
            PersonRow.locale,
            PersonRow.time_zone,
            SurveyInvitationRow.ticket_id,
            TicketRow.number,
            TicketRow.subject,
        )
        .join(SurveyRow, SurveyRow.id == SurveyInvitationRow.survey_id)
        .join(PersonRow, PersonRow.id == SurveyInvitationRow.person_id)
        .outerjoin(TicketRow, TicketRow.id == SurveyInvitationRow.ticket_id)
    )


def _read(row: Any) -> Asked:
    return Asked(
        id=row.id,
        survey_id=row.survey_id,
        version=row.version,
        contents=Contents.model_validate(row.contents),
        state=State(row.state),
        closes_at=row.closes_at,
        person=Ref(id=row.person_id, name=row.name),
        locale=known_locale(row.locale),
        time_zone=row.time_zone,
        ticket_id=row.ticket_id,
        number=row.number,
        subject=row.subject,
    )


def _answer(row: Any) -> Answer:
    kept: SurveyAnswerRow = row.SurveyAnswerRow
    return Answer(
        id=kept.invitation_id,
        person=Ref(id=row.person_id, name=row.person_name),
        ticket=Ref.of(row.ticket_id, row.subject),
        number=row.number,
        team=Ref.of(row.team_id, row.team_name),
        score=kept.score,
        comment=kept.comment,
        answers=kept.answers,
        answered_at=kept.answered_at,
    )
