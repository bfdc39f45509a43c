"""The roadmap and the changelog: what is planned, in progress and shipped, and releases that name what they ship."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, Visitor
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from api.ticket.create import fingerprint
from domain import ids
from domain.account import Principal
from domain.authorization import check, may
from domain.errors import Invalid
from domain.feedback.record import Release, RoadmapItem
from domain.text import Body, Name
from storage.feedback import release as store

router = APIRouter(tags=["feedback"])

Items = Annotated[list[UUID], Field(max_length=1000)]


class Roadmap(BaseModel):
    planned: list[RoadmapItem]
    in_progress: list[RoadmapItem]
    shipped: list[RoadmapItem]


class NewRelease(Form):
    """`items` are the feedback that it ships when it is published."""

    name: Name
    notes: Body
    items: Items = []


class ReleaseChanges(Form):
    """Only the fields that are sent change, each as a whole."""

    name: Name = Field(default_factory=absent)
    notes: Body = Field(default_factory=absent)
    items: Items = Field(default_factory=absent)


@router.get("/roadmap")
async def get_roadmap(desk: CurrentDesk, visitor: Visitor) -> Roadmap:
    """What is planned, in progress and shipped; without signing in where `PUBLIC_ROADMAP` says so."""
    _check_reading(visitor)
    async with desk.database.reading() as reader:
        found = await store.roadmap(reader)
    return Roadmap(**{str(status): items for status, items in found.items()})


@router.get("/releases", response_model=Page[Release])
async def list_releases(
    request: Request, query: Annotated[PageQuery, Query()], desk: CurrentDesk, visitor: Visitor
) -> Page[Release]:
    """The changelog, the newest first; the staff sees drafts, too."""
    _check_reading(visitor)
    after = query.start("created_at", datetime, UUID)
    async with desk.database.reading() as reader:
        rows = await store.releases(reader, drafts=_sees_drafts(visitor), after=after, size=query.size)
    return page_of(request, query, rows, "created_at", lambda row: (row.created_at.astimezone(UTC), row.id))


@router.post("/releases", status_code=201, response_model=Release, responses=problems(403, 409))
async def create_release(
    form: NewRelease, desk: CurrentDesk, caller: Caller, key: IdempotencyKey, response: Response
) -> Release:
    """A draft. The same `Idempotency-Key` gives the same release."""
    check(caller, "release.write")
    release_id = uuid4() if key is None else ids.ticket_id(f"release:{caller.person_id}", key)
    known_by = fingerprint(form.model_dump(mode="json"))
    async with desk.database.writing() as writer:
        made = await store.create(
            writer, release_id, known_by, form.name, form.notes, form.items, caller.person_id
        )
        if not made:
            response.headers["Idempotent-Replayed"] = "true"
        response.headers["Location"] = f"/api/v1/releases/{release_id}"
        return await store.release(writer, release_id, drafts=True)


@router.get("/releases/{release_id}", response_model=Release, responses=problems(404))
async def get_release(release_id: UUID, desk: CurrentDesk, visitor: Visitor) -> Release:
    _check_reading(visitor)
    async with desk.database.reading() as reader:
        return await store.release(reader, release_id, drafts=_sees_drafts(visitor))


@router.patch("/releases/{release_id}", response_model=Release, responses=problems(403, 404, 409))
async def change_release(
    release_id: UUID, form: ReleaseChanges, desk: CurrentDesk, caller: Caller
) -> Release:
    """Only a draft changes."""
    check(caller, "release.write")
    if not form.model_fields_set:
        raise Invalid("nothing_to_change", "Name at least one field to change.")
    values: dict[str, Any] = {name: getattr(form, name) for name in form.model_fields_set - {"items"}}
    items = form.items if "items" in form.model_fields_set else None
    async with desk.database.writing() as writer:
        await store.change(writer, release_id, values, items)
        return await store.release(writer, release_id, drafts=True)


@router.post("/releases/{release_id}/publish", response_model=Release, responses=problems(403, 404, 409))
async def publish_release(release_id: UUID, desk: CurrentDesk, caller: Caller) -> Release:
    """Ships everything that it names; whoever waited for it is told, once. A second time changes nothing."""
    check(caller, "release.write")
    async with desk.database.writing() as writer:
        await store.publish(writer, release_id, datetime.now(UTC))
        return await store.release(writer, release_id, drafts=True)


def _check_reading(visitor: Principal | None) -> None:
    if visitor is not None:
        check(visitor, "release.read")


def _sees_drafts(visitor: Principal | None) -> bool:
    return visitor is not None and may(visitor, "release.draft")
