"""Invitations as they are read: whom a survey asked, or did not, and how far each has come."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Select, select

from domain.account import Ref, Value
from domain.survey.invitation import Skip, State
from storage.database import Reader
from storage.page import Order, in_order, page
from storage.tables.account import PersonRow
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow
from storage.tables.ticket import TicketRow

NEWEST_FIRST: Final = Order((SurveyInvitationRow.ask_at, SurveyInvitationRow.id), descending=True)


class Invitation(Value):
    """`ask_at` is when the question may come, `asked_at` when it did; `reason` says why somebody was skipped. `score`
    and `comment` are what was answered."""

    id: UUID
    person: Ref
    ticket: Ref | None
    number: int | None
    cycle: int | None
    round: int | None
    state: State
    reason: Skip | None
    ask_at: AwareDatetime
    asked_at: AwareDatetime | None
    reminded_at: AwareDatetime | None
    closes_at: AwareDatetime | None
    answered_at: AwareDatetime | None
    score: int | None
    comment: str | None


async def invitations(
    reader: Reader,
    survey_id: UUID,
    *,
    state: State | None,
    number: int | None,
    after: Sequence[Any] | None,
    size: int,
) -> list[Invitation]:
    """The latest first; `number` is the round of a campaign."""
    statement = _invitations().where(SurveyInvitationRow.survey_id == survey_id)
    if state is not None:
        statement = statement.where(SurveyInvitationRow.state == state)
    if number is not None:
        statement = statement.where(SurveyInvitationRow.round == number)
    return [_invitation(row) for row in await reader.execute(page(statement, NEWEST_FIRST, after, size))]


async def of_ticket(reader: Reader, ticket_id: UUID) -> list[Invitation]:
    """One for each time that the ticket was resolved, the latest first."""
    statement = _invitations().where(SurveyInvitationRow.ticket_id == ticket_id)
    rows = await reader.execute(statement.order_by(*in_order(NEWEST_FIRST)))
    return [_invitation(row) for row in rows]


def _invitations() -> Select[Any]:
    statement: Any = (
        select(
            SurveyInvitationRow,
            PersonRow.name.label("person_name"),
            TicketRow.number,
            TicketRow.subject,
            SurveyAnswerRow.answered_at,
            SurveyAnswerRow.score,
            SurveyAnswerRow.comment,
        )
        .join(PersonRow, PersonRow.id == SurveyInvitationRow.person_id)
        .outerjoin(TicketRow, TicketRow.id == SurveyInvitationRow.ticket_id)
        .outerjoin(SurveyAnswerRow, SurveyAnswerRow.invitation_id == SurveyInvitationRow.id)
    )
    found: Select[Any] = statement
    return found


def _invitation(row: Any) -> Invitation:
    kept: SurveyInvitationRow = row.SurveyInvitationRow
    return Invitation(
        id=kept.id,
        person=Ref(id=kept.person_id, name=row.person_name),
        ticket=Ref.of(kept.ticket_id, row.subject),
        number=row.number,
        cycle=kept.cycle,
        round=kept.round,
        state=State(kept.state),
        reason=None if kept.reason is None else Skip(kept.reason),
        ask_at=kept.ask_at,
        asked_at=kept.asked_at,
        reminded_at=kept.reminded_at,
        closes_at=kept.closes_at,
        answered_at=row.answered_at,
        score=row.score,
        comment=row.comment,
    )
