"""Organizations of customers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from domain.account import Organization
from domain.authorization import check
from domain.text import Host, Line, Name
from storage.account import organizations

router = APIRouter(prefix="/organizations", tags=["organizations"])

Domains = Annotated[list[Host], Field(max_length=100)]


class NewOrganization(Form):
    name: Name
    domains: Domains = Field([])


class OrganizationChanges(Form):
    """Only the fields that are sent change."""

    name: Name = Field(default_factory=absent)
    domains: Domains = Field(default_factory=absent)


class OrganizationsQuery(PageQuery):
    name: Line | None = None
    q: Line | None = None


@router.get("")
async def list_organizations(
    query: Annotated[OrganizationsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Organization]:
    check(caller, "organization.read")
    after = query.start("name", str, UUID)
    async with desk.database.reading() as reader:
        found = await organizations.organizations(
            reader, name=query.name, q=query.q, after=after, size=query.size
        )
    return page_of(request, query, found, "name", lambda one: (one.name, one.id))


@router.post("", status_code=201, responses=problems(409))
async def create_organization(
    body: NewOrganization, caller: Caller, desk: CurrentDesk, response: Response
) -> Organization:
    """People who come later with an address in one of `domains` belong to it."""
    check(caller, "organization.write")
    async with desk.database.writing() as writer:
        made = await organizations.create_organization(writer, body.model_dump())
    response.headers["Location"] = f"/api/v1/organizations/{made.id}"
    return made


@router.get("/{organization_id}", responses=problems(404))
async def read_organization(organization_id: UUID, caller: Caller, desk: CurrentDesk) -> Organization:
    check(caller, "organization.read")
    async with desk.database.reading() as reader:
        return await organizations.organization(reader, organization_id)


@router.patch("/{organization_id}", responses=problems(404, 409, 412))
async def update_organization(
    organization_id: UUID, body: OrganizationChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Organization:
    check(caller, "organization.write")
    changes = body.model_dump(include=set(body.model_fields_set))
    async with desk.database.writing() as writer:
        return await organizations.update_organization(writer, organization_id, changes, if_match)
