"""Bulk actions: one action on up to 10,000 tickets, as a durable process with a dry run and a result for each."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.errors import problems
from api.forms import Form, as_request
from api.page import Page, PageQuery, page_of
from api.ticket.create import fingerprint
from api.ticket.forms import FORMS
from api.ticket.listing import Filters
from domain import ids
from domain.account import Principal
from domain.authorization import Owned, check, ticket_visibility
from domain.bulk import ACTIONS, LIMIT, Bulk, DryRun, Item, ItemState
from domain.errors import Invalid
from domain.ticket.fields import Status
from domain.ticket.moves import MOVES, Action
from storage import bulk as bulks

router = APIRouter(prefix="/bulk", tags=["bulk"])


class NewBulk(Form):
    """The tickets by `ids` or by `filter`, which has the fields of the list's query; `fields` are what the action
    takes. With `dry_run` nothing happens, and the answer says what would."""

    action: Action
    fields: dict[str, Any] = {}
    ids: Annotated[list[UUID], Field(min_length=1, max_length=LIMIT)] | None = None
    filter: Filters | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise PydanticCustomError("one_of", "Name the tickets by ids or by filter, one of them.")
        return self


class ItemsQuery(PageQuery):
    state: ItemState | None = None


_WOULD: Final[dict[int | str, dict[str, Any]]] = {200: {"model": DryRun, "description": "What it would do"}}


@router.post("", status_code=202, response_model=Bulk | DryRun, responses={**_WOULD, **problems(403, 409)})
async def start_bulk(
    form: NewBulk, caller: Caller, desk: CurrentDesk, key: IdempotencyKey, response: Response
) -> Bulk | DryRun:
    """Starts the action on all tickets that the caller sees of those that are meant, chosen now."""
    check(caller, "bulk.start")
    fields = _checked(form)
    visible = ticket_visibility(caller)
    wanted = bulks.Wanted(visible, _ids(form), (form.filter or Filters()).filter(caller))
    if form.dry_run:
        response.status_code = 200
        async with desk.database.reading() as reader:
            return _foreseen(form.action, await bulks.by_status(reader, wanted))
    bulk_id = uuid4() if key is None else ids.ticket_id(f"bulk:{caller.person_id}", key)
    known_by = fingerprint(form.model_dump(mode="json"))
    async with desk.database.writing() as writer:
        made = await bulks.begin(writer, bulk_id, caller, known_by, form.action, fields, wanted)
        if not made:
            response.headers["Idempotent-Replayed"] = "true"
        response.headers["Location"] = f"/api/v1/bulk/{bulk_id}"
        return await bulks.bulk(writer, bulk_id)


@router.get("")
async def list_bulks(
    query: Annotated[PageQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Bulk]:
    """The caller's own, the newest first."""
    check(caller, "bulk.start")
    after = query.start("created_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await bulks.bulks(reader, person_id=caller.person_id, after=after, size=query.size)
    return page_of(request, query, found, "created_at", lambda one: (one.created_at, one.id))


@router.get("/{bulk_id}", responses=problems(404))
async def read_bulk(bulk_id: UUID, caller: Caller, desk: CurrentDesk) -> Bulk:
    async with desk.database.reading() as reader:
        return await _own(reader, caller, bulk_id)


@router.get("/{bulk_id}/items", responses=problems(404))
async def list_items(
    bulk_id: UUID,
    query: Annotated[ItemsQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Item]:
    """How each ticket fared."""
    after = query.start("position", int)
    async with desk.database.reading() as reader:
        await _own(reader, caller, bulk_id)
        found = await bulks.items(reader, bulk_id, state=query.state, after=after, size=query.size)
    return page_of(request, query, found, "position", lambda one: (one.position,))


@router.post("/{bulk_id}/cancel", responses=problems(404))
async def cancel_bulk(bulk_id: UUID, caller: Caller, desk: CurrentDesk) -> Bulk:
    """What is not begun is left; what is done stays done."""
    async with desk.database.writing() as writer:
        await _own(writer, caller, bulk_id)
        await bulks.cancel(writer, bulk_id)
        return await bulks.bulk(writer, bulk_id)


async def _own(reader: Any, caller: Principal, bulk_id: UUID) -> Bulk:
    found = await bulks.bulk(reader, bulk_id)
    check(caller, "bulk.read", Owned(found.person.id))
    return found


def _ids(form: NewBulk) -> tuple[UUID, ...] | None:
    return None if form.ids is None else tuple(dict.fromkeys(form.ids))


def _checked(form: NewBulk) -> dict[str, Any]:
    """The fields as the action's own form accepts them."""
    if form.action not in ACTIONS:
        raise Invalid(
            "not_in_bulk",
            f"This cannot be done to many at once. Actions: {', '.join(ACTIONS)}.",
            field="action",
        )
    with as_request("fields"):
        accepted = FORMS[form.action].model_validate(form.fields)
    return accepted.model_dump(mode="json", exclude_unset=True)


def _foreseen(action: Action, statuses: dict[str, int]) -> DryRun:
    refused = {status: count for status, count in statuses.items() if action not in MOVES[Status(status)]}
    return DryRun(total=sum(statuses.values()), refused=refused)
