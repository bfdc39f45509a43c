"""Teams."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.account.people import Words
from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from domain.account import Team
from domain.authorization import check
from domain.text import Line, Name
from storage.account import teams

router = APIRouter(prefix="/teams", tags=["teams"])

Members = Annotated[list[UUID], Field(max_length=1000)]


class NewTeam(Form):
    name: Name
    lead: UUID | None = None
    categories: Words = Field([])
    members: Members = Field([])


class TeamChanges(Form):
    """Only the fields that are sent change; `lead` may be null."""

    name: Name = Field(default_factory=absent)
    lead: UUID | None = None
    categories: Words = Field(default_factory=absent)
    members: Members = Field(default_factory=absent)


class TeamsQuery(PageQuery):
    name: Line | None = None
    q: Line | None = None


@router.get("")
async def list_teams(
    query: Annotated[TeamsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Team]:
    check(caller, "team.read")
    after = query.start("name", str, UUID)
    async with desk.database.reading() as reader:
        found = await teams.teams(reader, name=query.name, q=query.q, after=after, size=query.size)
    return page_of(request, query, found, "name", lambda team: (team.name, team.id))


@router.post("", status_code=201, responses=problems(409))
async def create_team(body: NewTeam, caller: Caller, desk: CurrentDesk, response: Response) -> Team:
    check(caller, "team.write")
    fields = {"name": body.name, "lead_id": body.lead, "categories": list(dict.fromkeys(body.categories))}
    async with desk.database.writing() as writer:
        team = await teams.create_team(writer, fields, body.members)
    response.headers["Location"] = f"/api/v1/teams/{team.id}"
    return team


@router.get("/{team_id}", responses=problems(404))
async def read_team(team_id: UUID, caller: Caller, desk: CurrentDesk) -> Team:
    check(caller, "team.read")
    async with desk.database.reading() as reader:
        return await teams.team(reader, team_id)


@router.patch("/{team_id}", responses=problems(404, 409, 412))
async def update_team(
    team_id: UUID, body: TeamChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Team:
    check(caller, "team.write")
    sent = body.model_fields_set
    changes = body.model_dump(include=set(sent - {"members"}))
    if "lead" in changes:
        changes["lead_id"] = changes.pop("lead")
    members = body.members if "members" in sent else None
    async with desk.database.writing() as writer:
        return await teams.update_team(writer, team_id, changes, members, if_match)
