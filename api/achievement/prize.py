"""Prizes: what can be won, what one costs, and the budget for all of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from domain.achievement.claim import Amount, Prize, PrizeContents
from domain.authorization import check
from domain.text import Body, Name
from storage.achievement import prize as prizes

router = APIRouter(prefix="/prizes")


class NewPrize(PrizeContents, Form):
    """`cost` and `budget` are in the smallest unit of the currency."""


class PrizeChanges(Form):
    """Only the fields that are sent change. Claims that there are cost what they cost, so the currency stays."""

    name: Name = Field(default_factory=absent)
    description: Body = Field(default_factory=absent)
    cost: Amount = Field(default_factory=absent)
    budget: Amount = Field(default_factory=absent)


@router.get("", responses=problems(403))
async def list_prizes(
    query: Annotated[PageQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Prize]:
    """The newest first, with what is `reserved` and `spent` of each budget."""
    check(caller, "prize.read")
    after = query.start("created_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await prizes.prizes(reader, after=after, size=query.size)
    return page_of(request, query, found, "created_at", lambda one: (one.created_at, one.id))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_prize(form: NewPrize, caller: Caller, desk: CurrentDesk, response: Response) -> Prize:
    """Achievements name it in their `reward`."""
    check(caller, "prize.write")
    async with desk.database.writing() as writer:
        made = await prizes.create(writer, form.model_dump())
    response.headers["Location"] = f"/api/v1/prizes/{made.id}"
    return made


@router.get("/{prize_id}", responses=problems(403, 404))
async def read_prize(prize_id: UUID, caller: Caller, desk: CurrentDesk) -> Prize:
    check(caller, "prize.read")
    async with desk.database.reading() as reader:
        return await prizes.prize(reader, prize_id)


@router.patch("/{prize_id}", responses=problems(403, 404, 409, 412))
async def change_prize(
    prize_id: UUID, form: PrizeChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Prize:
    """A budget is never less than what is reserved and spent."""
    check(caller, "prize.write")
    changes = form.model_dump(include=set(form.model_fields_set))
    async with desk.database.writing() as writer:
        return await prizes.change(writer, prize_id, changes, if_match)
