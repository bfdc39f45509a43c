"""Lists of feedback, and what is similar to a text."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.feedback.access import shown_to
from api.page import Page, PageQuery, page_of, whole
from api.ticket.access import ticket_for
from domain.account import Principal
from domain.authorization import feedback_visibility
from domain.errors import Invalid
from domain.feedback.fields import Kind, Source, Status
from domain.feedback.record import Feedback, Similar
from domain.text import Body, Text, Word
from domain.ticket.fields import REASON_LIMIT, Priority
from domain.ticket.filter import Term
from storage.feedback import listing
from storage.feedback.similar import similar

router = APIRouter(tags=["feedback"])

Reference = UUID | Literal["none", "me"]


class SortedQuery(PageQuery):
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "score", "-score"] = "-created_at"


class FeedbackQuery(SortedQuery):
    """A filter may be repeated to allow several values; `none` stands for an empty field, `me` for the caller.
    `followed` are the items that the caller asked or voted for."""

    status: list[Status] = []
    kind: list[Kind] = []
    source: list[Source] = []
    priority: list[Priority] = []
    category: list[Word] = []
    tags: list[Word] = []
    owner: list[Reference] = []
    requester: list[UUID | Literal["me"]] = []
    release: UUID | None = None
    followed: bool = False
    breached: bool | None = None
    q: Text | None = None

    def wanted(self, caller: Principal) -> listing.Wanted:
        mine = {"me": caller.person_id, "none": None}
        return listing.Wanted(
            status=tuple(self.status),
            kind=tuple(self.kind),
            source=tuple(self.source),
            priority=tuple(self.priority),
            category=tuple(self.category),
            tags=tuple(self.tags),
            owner=tuple(mine[one] if isinstance(one, str) else one for one in self.owner),
            requester=tuple(caller.person_id if one == "me" else UUID(str(one)) for one in self.requester),
            followed_by=caller.person_id if self.followed else None,
            release=self.release,
            breached=self.breached,
            terms=tuple(Term(word) for word in (self.q or "").split()),
        )


class SimilarQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[
        Body, Field(max_length=REASON_LIMIT, description="What shall be said, or the title of it.")
    ]


@router.get("/feedback", response_model=Page[Feedback])
async def list_feedback(
    request: Request, query: Annotated[FeedbackQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[Feedback]:
    """Feedback that the caller may see, in pages. `q` takes words, English and Chinese."""
    to = feedback_visibility(caller)
    wanted = query.wanted(caller)
    if not to.everything and (wanted.tags or wanted.breached is not None):
        raise Invalid("staff_only", "Only the staff can ask for tags and broken promises.", field="tags")
    return await _listed(request, query, wanted, desk, caller)


@router.get("/tickets/{ticket_id}/feedback", response_model=Page[Feedback], responses=problems(404))
async def list_feedback_of_ticket(
    ticket_id: UUID,
    request: Request,
    query: Annotated[SortedQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[Feedback]:
    """The feedback that a ticket is linked to, as far as the caller may see it."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.read")
    return await _listed(request, query, listing.Wanted(ticket=ticket_id), desk, caller)


async def _listed(
    request: Request, query: SortedQuery, wanted: listing.Wanted, desk: Desk, caller: Principal
) -> Page[Feedback]:
    to = feedback_visibility(caller)
    column, kind = listing.ORDERS[query.sort.removeprefix("-")]
    after = query.start(query.sort, kind, UUID)
    async with desk.database.reading() as reader:
        rows = await listing.find(reader, to, wanted, query.sort, after, query.size)
    shown = [shown_to(caller, row) for row in rows]
    name = column.key
    return page_of(request, query, shown, query.sort, lambda row: (_key(row, name), row.id))


def _key(row: Feedback, name: str) -> Any:
    value: datetime | int = getattr(row, name)
    return value


@router.get("/feedback/similar", response_model=Page[Similar])
async def list_similar(
    query: Annotated[SimilarQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[Similar]:
    """What was said before that may be the same, the likest first: to vote for it instead of saying it again."""
    to = feedback_visibility(caller)
    async with desk.database.reading() as reader:
        return whole(await similar(reader, to, query.text))
