"""The rounds of a campaign: when one begins, who of the audience is drawn, a page at a time, and when it has enough.

A page is drawn in the transaction of the process (`storage/survey/commit.py`), which holds the survey's row. The ids of
invitations follow from survey, round and person, so a page that is drawn again makes the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Integer, Select, Uuid, bindparam, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from domain.survey.definition import Audience, Contents, State
from domain.survey.invitation import State as InvitationState
from domain.survey.invitation import invitation_id, of_round
from domain.survey.schedule import ask_at, begins_at, is_drawn, round_due
from storage.database import Reader, Writer
from storage.pipeline import Statement, pipeline
from storage.tables.account import PersonRow
from storage.tables.survey import SurveyInvitationRow, SurveyPersonRow, SurveyRow
from storage.tables.ticket import TicketRow

DRAWN: Final = 1000
"""People whom one commit looks at."""

_INVITE: Final = Statement(
    text("""
    INSERT INTO survey_invitations (
        id, survey_id, person_id, round, state, ask_at, next_at, organization_id
    )
    SELECT new.id, :survey_id, new.person_id, :round, 'waiting', new.ask_at, new.ask_at, new.organization_id
    FROM jsonb_to_recordset(:rows) AS new (id uuid, person_id uuid, ask_at timestamptz, organization_id uuid)
    ON CONFLICT DO NOTHING
""").bindparams(
        bindparam("survey_id", type_=Uuid()),
        bindparam("round", type_=Integer()),
        bindparam("rows", type_=JSONB),
    )
)
_ROUND: Final = Statement(
    text("""
    UPDATE surveys SET round = :round, round_at = :round_at, building = :building, cursor = :cursor, invited = :invited
    WHERE id = :id
""").bindparams(
        *(bindparam(name, type_=Uuid()) for name in ("id", "cursor")),
        *(bindparam(name, type_=Integer()) for name in ("round", "invited")),
        bindparam("round_at", type_=DateTime(timezone=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Round:
    """Where a campaign stands: its last round, whether people are still drawn for it, and when the next one begins.
    `changed` says whether this commit did something."""

    number: int
    building: bool
    next_at: datetime | None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a round would meet now: the audience, how many of them rest, and how many are drawn of all."""

    audience: int
    resting: int
    drawn: int


async def draw(writer: Writer, survey: Any, contents: Contents, now: datetime) -> Round:
    """Begins the round that is due, and draws the next page of its people. `survey` is its row, locked."""
    schedule, audience = contents.schedule, contents.audience
    assert schedule is not None
    assert audience is not None
    number, building = survey.round, survey.building
    begun_at, cursor, invited = survey.round_at, survey.cursor, survey.invited
    due = None if building else round_due(schedule, survey.started_at, number, now)
    if due is not None:
        number, building, begun_at, cursor, invited = due, True, now, None, 0
    if building:
        people = await _page(writer, audience, cursor, now)
        drawn = [one for one in people if is_drawn(survey.id, number, one.id, contents.sample)]
        await _invite(writer, survey.id, number, drawn, begun_at, invited, contents.per_day)
        building = len(people) == DRAWN
        async with pipeline(writer) as asking:
            asking.ask(
                _ROUND,
                id=survey.id,
                round=number,
                round_at=begun_at,
                building=building,
                cursor=people[-1].id if people else cursor,
                invited=invited + len(drawn),
            )
        return Round(number, building, begins_at(schedule, survey.started_at, number + 1), changed=True)
    return Round(number, building, begins_at(schedule, survey.started_at, number + 1))


async def full_rounds(
    writer: Writer, survey_id: UUID, numbers: Collection[int], quota: int | None
) -> frozenset[int]:
    """Those of these rounds in which enough people have answered."""
    if quota is None or not numbers:
        return frozenset()
    answered = (
        SurveyInvitationRow.survey_id == survey_id,
        SurveyInvitationRow.round.in_(numbers),
        SurveyInvitationRow.state == InvitationState.ANSWERED,
    )
    grouped = select(SurveyInvitationRow.round).where(*answered).group_by(SurveyInvitationRow.round)
    full = await writer.scalars(grouped.having(func.count() >= quota))
    return frozenset(number for number in full if number is not None)


async def end_if_over(writer: Writer, survey_id: UUID, current: Round, next_at: datetime | None) -> None:
    """A campaign ends by itself when it has had its last round and nobody can answer any more."""
    if next_at is None and not current.building and current.next_at is None:
        over = (SurveyRow.id == survey_id, SurveyRow.state == State.ACTIVE)
        await writer.execute(update(SurveyRow).where(*over).values(state=State.ENDED))


async def foresee(
    reader: Reader, survey_id: UUID, contents: Contents, number: int, now: datetime
) -> Foreseen:
    """What round `number` would meet if it began now."""
    audience = contents.audience or Audience()
    whole = _audience(audience, now).subquery()
    count = await reader.scalar(select(func.count()).select_from(whole)) or 0
    resting = 0
    if contents.rest is not None:
        asked = SurveyPersonRow.asked_at > now - contents.rest
        rests = exists().where(SurveyPersonRow.person_id == whole.c.id, asked)
        resting = await reader.scalar(select(func.count()).select_from(whole).where(rests)) or 0
    if contents.sample == 1:
        return Foreseen(count, resting, count)
    drawn, cursor = 0, None
    while people := await _page(reader, audience, cursor, now):
        drawn += sum(is_drawn(survey_id, number, one.id, contents.sample) for one in people)
        cursor = people[-1].id
    return Foreseen(count, resting, drawn)


async def _page(
    session: Reader | Writer, audience: Audience, cursor: UUID | None, now: datetime
) -> Sequence[Any]:
    statement = _audience(audience, now).order_by(PersonRow.id).limit(DRAWN)
    if cursor is not None:
        statement = statement.where(PersonRow.id > cursor)
    found: Sequence[Any] = (await session.execute(statement)).all()
    return found


def _audience(audience: Audience, now: datetime) -> Select[Any]:
    statement: Any = select(PersonRow.id, PersonRow.organization_id).where(
        PersonRow.active, PersonRow.roles.overlap([str(role) for role in audience.roles])
    )
    if audience.organizations:
        statement = statement.where(PersonRow.organization_id.in_(audience.organizations))
    if audience.locales:
        statement = statement.where(PersonRow.locale.in_(audience.locales))
    if audience.people:
        statement = statement.where(PersonRow.id.in_(audience.people))
    if audience.ticket_within is not None:
        since = TicketRow.created_at >= now - audience.ticket_within
        statement = statement.where(exists().where(TicketRow.requester_id == PersonRow.id, since))
    found: Select[Any] = statement
    return found


async def _invite(
    writer: Writer,
    survey_id: UUID,
    number: int,
    people: Sequence[Any],
    begun_at: datetime,
    invited: int,
    per_day: int | None,
) -> None:
    rows = [
        {
            "id": invitation_id(survey_id, of_round(number), one.id),
            "person_id": one.id,
            "ask_at": ask_at(begun_at, invited + place, per_day),
            "organization_id": one.organization_id,
        }
        for place, one in enumerate(people)
    ]
    if rows:
        async with pipeline(writer) as asking:
            asking.ask(_INVITE, survey_id=survey_id, round=number, rows=rows)
