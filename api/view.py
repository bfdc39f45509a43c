"""Saved views over HTTP. The tickets of one are `GET /tickets` with its `query` as `q` and its `sort`."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from api.ticket.listing import Filters, Sort
from domain.account import Principal
from domain.authorization import check, ticket_visibility
from domain.errors import Invalid
from domain.text import Name, Text
from domain.ticket.query import LENGTH
from domain.view import View
from storage import view as views
from storage.database import Reader

router = APIRouter(prefix="/views", tags=["views"])

Teams = Annotated[list[UUID], Field(max_length=100)]
Queried = Annotated[Text, Field(min_length=1, max_length=LENGTH)]
Position = Annotated[int, Field(ge=0, le=10_000)]


class NewView(Form):
    """Views are listed by `position`, then by name. `personal` views are one's own."""

    name: Name
    personal: bool = False
    teams: Teams = []
    query: Queried
    sort: Sort = "-created_at"
    position: Position = 0

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if self.personal and self.teams:
            raise PydanticCustomError("one_of", "A view is personal or for teams, not both.")
        return self


class ViewChanges(Form):
    """Only the fields that are sent change."""

    name: Name = Field(default_factory=absent)
    teams: Teams = Field(default_factory=absent)
    query: Queried = Field(default_factory=absent)
    sort: Sort = Field(default_factory=absent)
    position: Position = Field(default_factory=absent)


class ViewsQuery(PageQuery):
    counts: bool = False


@router.get("")
async def list_views(
    query: Annotated[ViewsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[View]:
    """Those that the caller may use; with `counts=true` also how many tickets each holds for them."""
    check(caller, "view.read")
    after = query.start("position", int, str, UUID)
    async with desk.database.reading() as reader:
        found = await views.views(reader, caller, after=after, size=query.size)
        if query.counts:
            found = [await _counted(reader, caller, one) for one in found[: query.size]] + found[query.size :]
    return page_of(request, query, found, "position", lambda one: (one.position, one.name, one.id))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_view(form: NewView, caller: Caller, desk: CurrentDesk, response: Response) -> View:
    check(caller, "view.personal" if form.personal else "view.write")
    wanted = Filters(q=form.query).filter(caller)
    fields = form.model_dump(include={"name", "query", "sort", "position"})
    owner = caller.person_id if form.personal else None
    async with desk.database.writing() as writer:
        await views.check(writer, ticket_visibility(caller), wanted, form.sort)
        made = await views.create(writer, caller, {**fields, "owner_id": owner, "team_ids": form.teams})
    response.headers["Location"] = f"/api/v1/views/{made.id}"
    return made


@router.get("/{view_id}", responses=problems(404))
async def read_view(view_id: UUID, caller: Caller, desk: CurrentDesk) -> View:
    check(caller, "view.read")
    async with desk.database.reading() as reader:
        return await _counted(reader, caller, await views.view(reader, caller, view_id))


@router.patch("/{view_id}", responses=problems(403, 404, 409, 412))
async def change_view(
    view_id: UUID, form: ViewChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> View:
    changes = form.model_dump(include=set(form.model_fields_set))
    if "teams" in changes:
        changes["team_ids"] = changes.pop("teams")
    async with desk.database.writing() as writer:
        known = await views.view(writer, caller, view_id)
        _check_owner(caller, known)
        if {"query", "sort"} & changes.keys():
            now = known.model_copy(update=changes)
            wanted = Filters(q=now.query).filter(caller)
            await views.check(writer, ticket_visibility(caller), wanted, now.sort)
        return await views.change(writer, caller, view_id, changes, if_match)


@router.delete("/{view_id}", status_code=204, responses=problems(403, 404))
async def remove_view(view_id: UUID, caller: Caller, desk: CurrentDesk) -> None:
    async with desk.database.writing() as writer:
        _check_owner(caller, await views.view(writer, caller, view_id))
        await views.remove(writer, view_id)


async def _counted(reader: Reader, caller: Principal, view: View) -> View:
    """The view with its count; without one where its query names somebody who has left since."""
    try:
        wanted = Filters(q=view.query).filter(caller)
        count = await views.count(reader, ticket_visibility(caller), wanted)
    except Invalid:
        return view
    return view.model_copy(update={"count": count})


def _check_owner(caller: Principal, view: View) -> None:
    check(caller, "view.write" if view.owner_id is None else "view.personal")
