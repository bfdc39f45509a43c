"""Who was asked, or was not and why, and what they said: of a survey, and of a ticket."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, PageQuery, page_of, whole
from api.ticket.access import ticket_for
from domain.authorization import check
from domain.survey.invitation import State
from storage.survey import definition, invitation
from storage.survey.invitation import Invitation

router = APIRouter()

_ORDER: Final = "-ask_at"


class InvitationsQuery(PageQuery):
    """`round` is that of a campaign."""

    state: State | None = None
    round: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


@router.get("/surveys/{survey_id}/invitations", responses=problems(403, 404))
async def list_invitations(
    survey_id: UUID,
    query: Annotated[InvitationsQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Invitation]:
    """Whom the survey asked, or did not and why, the latest first."""
    check(caller, "survey.results")
    after = query.start(_ORDER, datetime, UUID)
    async with desk.database.reading() as reader:
        await definition.survey(reader, survey_id)
        found = await invitation.invitations(
            reader, survey_id, state=query.state, number=query.round, after=after, size=query.size
        )
    return page_of(request, query, found, _ORDER, lambda one: (one.ask_at, one.id))


@router.get("/tickets/{ticket_id}/surveys", responses=problems(403, 404))
async def list_surveys_of_ticket(ticket_id: UUID, caller: Caller, desk: CurrentDesk) -> Page[Invitation]:
    """What the requester was asked after each resolution of the ticket, and answered, the latest first; for those who
    work on it."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "survey.ticket")
        return whole(await invitation.of_ticket(reader, ticket_id))
