"""Lists of tickets, their statistics, and what escalates next."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.dependencies import Caller, CurrentDesk
from api.page import Page, PageQuery, page_of
from api.ticket.access import shown_to
from domain.account import Principal
from domain.authorization import check, ticket_visibility
from domain.errors import Invalid
from domain.text import Line, Name, Word
from domain.ticket.fields import Channel, Kind, Priority, Status
from domain.ticket.record import EscalationRecord, Ticket
from storage.ticket import listing as tickets
from storage.ticket.listing import ORDERS, Filter
from storage.ticket.statistics import statistics

router = APIRouter(tags=["tickets"])

Reference = UUID | Literal["none", "me"]
Sort = Literal[
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "number",
    "-number",
    "priority",
    "-priority",
    "next_step_at",
    "-next_step_at",
]
_REFERENCES: Final = ("requester", "assignee", "team", "organization")


class Filters(BaseModel):
    """A filter may be repeated to allow several values; `none` stands for an empty field, `me` for the caller."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: list[Status] = []
    priority: list[Priority] = []
    category: list[Word] = []
    kind: list[Kind] = []
    channel: list[Channel] = []
    tier: list[Annotated[int, Field(ge=1, le=3)]] = []
    waiting_reason: list[Word] = []
    external_id: list[Name] = []
    requester: list[Reference] = []
    assignee: list[Reference] = []
    team: list[Reference] = []
    organization: list[Reference] = []
    tags: list[Word] = []
    number: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    breached: bool | None = None
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    updated_since: AwareDatetime | None = None
    q: Line | None = None

    def filter(self, caller: Principal) -> Filter:
        """The filter that storage understands; raises Invalid for a period that ends before it begins."""
        if self.created_after and self.created_before and self.created_before < self.created_after:
            raise Invalid("reversed_period", "The period ends before it begins.", field="created_before")
        equal: dict[str, tuple[Any, ...]] = {}
        for name in ("status", "priority", "category", "kind", "channel", "tier", "external_id"):
            if values := getattr(self, name):
                equal[name] = tuple(None if value == "none" else value for value in values)
        if self.waiting_reason:
            equal["waiting_reason"] = tuple(None if one == "none" else one for one in self.waiting_reason)
        for name in _REFERENCES:
            if values := getattr(self, name):
                equal[f"{name}_id"] = tuple(_id(value, caller) for value in values)
        return Filter(
            equal=equal,
            number=self.number,
            tags=tuple(self.tags),
            breached=self.breached,
            text=self.q,
            created_after=self.created_after,
            created_before=self.created_before,
            updated_since=self.updated_since,
        )


def _id(value: UUID | str, caller: Principal) -> UUID | None:
    if value == "me":
        return caller.person_id
    return value if isinstance(value, UUID) else None


class TicketQuery(PageQuery, Filters):
    sort: Sort = "-created_at"


class EscalationQuery(PageQuery):
    due_before: AwareDatetime | None = None


class Times(BaseModel):
    """Seconds of clock time; null where there are none."""

    mean: float | None
    p50: float | None
    p90: float | None


class Statistics(BaseModel):
    """Counts of the tickets that were created in the period and pass the filter."""

    total_tickets: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    by_category: dict[str, int]
    by_channel: dict[str, int]
    by_kind: dict[str, int]
    by_waiting_reason: dict[str, int]
    assigned_tickets: int
    waiting_for_agent: int
    reopened_tickets: int
    first_response_time: Times
    resolution_time: Times


@router.get("/tickets", response_model=Page[Ticket])
async def list_tickets(
    request: Request, query: Annotated[TicketQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[Ticket]:
    """Tickets that the caller may see, in pages. `q` looks for words in English and Chinese."""
    visible = ticket_visibility(caller)
    after = query.start(query.sort, ORDERS[query.sort.removeprefix("-")][1], UUID)
    async with desk.database.reading() as reader:
        rows = await tickets.listing(reader, visible, query.filter(caller), query.sort, after, query.size)
    page = page_of(request, query, rows, query.sort, lambda row: row[1])
    return Page(data=[shown_to(caller, row[0]) for row in page.data], meta=page.meta, links=page.links)


@router.get("/tickets/statistics", response_model=Statistics)
async def get_statistics(
    filters: Annotated[Filters, Query()], desk: CurrentDesk, caller: Caller
) -> dict[str, Any]:
    check(caller, "ticket.statistics")
    async with desk.database.reading() as reader:
        return await statistics(reader, ticket_visibility(caller), filters.filter(caller))


@router.get("/escalations", response_model=Page[EscalationRecord], tags=["escalations"])
async def list_escalations(
    request: Request, query: Annotated[EscalationQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[EscalationRecord]:
    """What will fire next by itself, the earliest first."""
    check(caller, "escalation.list")
    after = query.start("due_at", datetime, UUID)
    async with desk.database.reading() as reader:
        rows = await tickets.escalations(
            reader, ticket_visibility(caller), query.due_before, after, query.size
        )
    return page_of(request, query, rows, "due_at", lambda row: (row.due_at.astimezone(UTC), row.ticket_id))
