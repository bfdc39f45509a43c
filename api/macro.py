"""Macros and canned replies: kept for oneself, for teams or for everybody; applied by the action `apply`."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent, as_request
from api.page import Page, PageQuery, page_of
from api.ticket.access import ticket_for
from api.ticket.forms import FORMS
from api.ticket.steps import variables
from domain.account import Principal
from domain.authorization import check
from domain.macro import ACTIONS, ACTIONS_LIMIT, Macro, check_places, filled
from domain.text import Line, Name
from domain.ticket.moves import Action
from storage import macro as macros

router = APIRouter(prefix="/macros", tags=["macros"])

Actions = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=ACTIONS_LIMIT)]
Teams = Annotated[list[UUID], Field(max_length=100)]


class NewMacro(Form):
    """`actions` are those of a ticket with their fields, such as `{"action": "reply", "body": "Dear
    {{requester.name}}, ..."}`, in the order in which they happen. `personal` macros are one's own."""

    name: Name
    description: Line | None = None
    personal: bool = False
    teams: Teams = []
    actions: Actions

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if self.personal and self.teams:
            raise PydanticCustomError("one_of", "A macro is personal or for teams, not both.")
        return self


class MacroChanges(Form):
    """Only the fields that are sent change."""

    name: Name = Field(default_factory=absent)
    description: Line = Field(default_factory=absent)
    teams: Teams = Field(default_factory=absent)
    actions: Actions = Field(default_factory=absent)


class Preview(Form):
    ticket: UUID


class Worded(Form):
    """The actions of a macro with their words filled in for a ticket; nothing has happened yet."""

    actions: list[dict[str, Any]]


@router.get("")
async def list_macros(
    query: Annotated[PageQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Macro]:
    """Those that the caller may use, by name."""
    check(caller, "macro.read")
    after = query.start("name", str, UUID)
    async with desk.database.reading() as reader:
        found = await macros.macros(reader, caller, after=after, size=query.size)
    return page_of(request, query, found, "name", lambda one: (one.name, one.id))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_macro(form: NewMacro, caller: Caller, desk: CurrentDesk, response: Response) -> Macro:
    check(caller, "macro.personal" if form.personal else "macro.write")
    fields = {
        "name": form.name,
        "description": form.description or "",
        "owner_id": caller.person_id if form.personal else None,
        "team_ids": form.teams,
        "actions": _checked(form.actions),
    }
    async with desk.database.writing() as writer:
        made = await macros.create(writer, caller, fields)
    response.headers["Location"] = f"/api/v1/macros/{made.id}"
    return made


@router.get("/{macro_id}", responses=problems(404))
async def read_macro(macro_id: UUID, caller: Caller, desk: CurrentDesk) -> Macro:
    check(caller, "macro.read")
    async with desk.database.reading() as reader:
        return await macros.macro(reader, caller, macro_id)


@router.patch("/{macro_id}", responses=problems(403, 404, 409, 412))
async def change_macro(
    macro_id: UUID, form: MacroChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Macro:
    changes = form.model_dump(include=set(form.model_fields_set))
    if "teams" in changes:
        changes["team_ids"] = changes.pop("teams")
    if "actions" in changes:
        changes["actions"] = _checked(form.actions)
    async with desk.database.writing() as writer:
        _check_owner(caller, await macros.macro(writer, caller, macro_id))
        return await macros.change(writer, caller, macro_id, changes, if_match)


@router.delete("/{macro_id}", status_code=204, responses=problems(403, 404))
async def remove_macro(macro_id: UUID, caller: Caller, desk: CurrentDesk) -> None:
    async with desk.database.writing() as writer:
        _check_owner(caller, await macros.macro(writer, caller, macro_id))
        await macros.remove(writer, macro_id)


@router.post("/{macro_id}/preview", responses=problems(403, 404))
async def preview_macro(macro_id: UUID, form: Preview, caller: Caller, desk: CurrentDesk) -> Worded:
    """What the macro would say on this ticket: for an answer that is read, and perhaps changed, before it is sent."""
    check(caller, "macro.read")
    async with desk.database.reading() as reader:
        wanted = await macros.macro(reader, caller, macro_id)
        ticket = await ticket_for(reader, caller, form.ticket, "ticket.note")
    values = variables(ticket, caller)
    return Worded(actions=[{"action": one["action"], **filled(one, values)} for one in wanted.actions])


def _check_owner(caller: Principal, macro: Macro) -> None:
    check(caller, "macro.write" if macro.owner_id is None else "macro.personal")


def _checked(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions as their own forms accept them."""
    found = []
    for index, action in enumerate(actions):
        with as_request("actions", str(index)):
            found.append(_Checked.model_validate({"fields": action}).fields)
    return found


class _Checked(Form):
    """One action of a macro; it is refused where the form of the action refuses it."""

    fields: dict[str, Any]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        name = self.fields.get("action")
        if name not in ACTIONS:
            raise PydanticCustomError(
                "unknown_action",
                "A macro cannot do that. Actions: {known}.",
                {"known": ", ".join(ACTIONS)},
            )
        given = {field: value for field, value in self.fields.items() if field != "action"}
        form = FORMS[Action(name)].model_validate(given)
        check_places(given.values())
        self.fields.clear()
        self.fields.update(action=name, **form.model_dump(mode="json", exclude_unset=True))
        return self
