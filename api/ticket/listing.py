"""Lists of tickets, their statistics, and what escalates next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as Limited

from api.dependencies import Caller, CurrentDesk
from api.page import Page, PageQuery, page_of
from api.report.answer import figures_model
from api.ticket.access import shown_to
from domain.account import Principal
from domain.authorization import check, may, ticket_visibility
from domain.errors import Invalid
from domain.field import KEY
from domain.report.figures import STATISTICS
from domain.text import Name, Text, Word
from domain.ticket.fields import Channel, Kind, Priority, Status
from domain.ticket.filter import Asking, Condition, Field, Filter, OneOf, Untyped, Within
from domain.ticket.mistake import in_parameter
from domain.ticket.query import CUSTOM, parse
from domain.ticket.record import EscalationRecord, Highlight, Ticket
from storage.database import Reader
from storage.ticket import read
from storage.ticket.find import find
from storage.ticket.highlight import highlights
from storage.ticket.listing import ORDERS, RELEVANCE, escalations, sorted_by
from storage.ticket.statistics import statistics

router = APIRouter(tags=["tickets"])

Reference = UUID | Literal["none", "me"]
_SORTS: Final = rf"-?({'|'.join(ORDERS)}|field\.{KEY})|{RELEVANCE}"
Sort = Annotated[str, Limited(pattern=f"^({_SORTS})$")]
"""A field, or `field.` and the key of a custom one; `-` in front turns it round. By relevance the best come first."""

_SETS: Final[tuple[Field, ...]] = (
    "status",
    "priority",
    "category",
    "kind",
    "channel",
    "tier",
    "external_id",
    "waiting_reason",
)
_REFERENCES: Final[tuple[Field, ...]] = ("requester", "assignee", "team", "organization")


class Filters(BaseModel):
    """A filter may be repeated to allow several values; `none` stands for an empty field, `me` for the caller. `field`
    is a condition on a custom field, such as `environment:prod`; all of several must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: list[Status] = []
    priority: list[Priority] = []
    category: list[Word] = []
    kind: list[Kind | Literal["none"]] = []
    channel: list[Channel] = []
    tier: list[Annotated[int, Limited(ge=1, le=3)]] = []
    waiting_reason: list[Word] = []
    external_id: list[Name] = []
    requester: list[Reference] = []
    assignee: list[Reference] = []
    team: list[Reference] = []
    organization: list[Reference] = []
    tags: list[Word] = []
    number: Annotated[int, Limited(ge=1, lt=2**63)] | None = None
    breached: bool | None = None
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    updated_since: AwareDatetime | None = None
    field: Annotated[list[Text], Limited(max_length=20)] = []
    q: Text | None = None

    def filter(self, caller: Principal) -> Filter:
        """What the parameters and `q` ask for together; raises Invalid for what cannot be asked."""
        if self.created_after and self.created_before and self.created_before < self.created_after:
            raise Invalid("reversed_period", "The period ends before it begins.", field="created_before")
        found: list[Condition] = [Within("created_at", self.created_after, self.created_before)]
        if not (self.created_after or self.created_before):
            found = []
        if self.updated_since is not None:
            found.append(Within("updated_at", self.updated_since))
        for name in _SETS:
            if values := getattr(self, name):
                found.append(OneOf(name, tuple(None if value == "none" else value for value in values)))
        for name in _REFERENCES:
            if references := getattr(self, name):
                found.append(OneOf(name, tuple(_reference(value, caller) for value in references)))
        found += [OneOf("tags", (tag,)) for tag in self.tags]
        if self.number is not None:
            found.append(OneOf("number", (self.number,)))
        if self.breached is not None:
            found.append(OneOf("breached", (self.breached,)))
        found += [_custom(one, caller) for one in self.field]
        typed = Filter() if self.q is None else parse(self.q, _asking(caller))
        return Filter(tuple(found)) & typed


def _custom(text: str, caller: Principal) -> Condition:
    """`environment:prod`, as it stands after `field.` in a query."""
    try:
        asked = parse(f"{CUSTOM}{text}", _asking(caller))
    except Invalid as error:
        raise in_parameter(error, "field") from None
    (one, *more) = asked.conditions or (None,)
    if asked.terms or more or not isinstance(one, Untyped):
        raise Invalid("one_field", "Write the key of a field, a colon and its values.", field="field")
    return replace(one, parameter="field")


def _asking(caller: Principal) -> Asking:
    return Asking(caller.person_id, datetime.now(UTC), ZoneInfo(caller.time_zone))


def _reference(value: UUID | str, caller: Principal) -> UUID | None:
    if value == "me":
        return caller.person_id
    return value if isinstance(value, UUID) else None


class TicketQuery(PageQuery, Filters):
    sort: Sort = "-created_at"


class FoundTicket(Ticket):
    """A ticket of a list; `highlights` tells where the words of `q` stand in it, null without words."""

    highlights: tuple[Highlight, ...] | None = None


class EscalationQuery(PageQuery):
    due_before: AwareDatetime | None = None


@router.get("/tickets", response_model=Page[FoundTicket])
async def list_tickets(
    request: Request, query: Annotated[TicketQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[FoundTicket]:
    """Tickets that the caller may see, in pages. `q` takes words, English and Chinese, and conditions."""
    visible = ticket_visibility(caller)
    wanted = query.filter(caller)
    if query.sort == RELEVANCE and not wanted.terms:
        raise Invalid("relevance_needs_words", "Without words in q nothing is relevant.", field="sort")
    async with desk.database.reading() as reader:
        by = await sorted_by(reader, visible, query.sort)
        after = query.start(query.sort, *by.shape)
        rows = await find(reader, visible, wanted, by, after, query.size)
        page = page_of(request, query, rows, query.sort, lambda row: row[1])
        tickets = [row[0] for row in page.data]
        shown = (
            await _highlighted(reader, caller, tickets, wanted) if wanted.terms else _plain(caller, tickets)
        )
    return Page(data=shown, meta=page.meta, links=page.links)


def _plain(caller: Principal, tickets: Sequence[Ticket]) -> list[FoundTicket]:
    return [FoundTicket.model_construct(**dict(shown_to(caller, one)), highlights=None) for one in tickets]


async def _highlighted(
    reader: Reader, caller: Principal, tickets: Sequence[Ticket], wanted: Filter
) -> list[FoundTicket]:
    internal = [one.id for one in tickets if may(caller, "ticket.internal", read.facts(one))]
    marks = await highlights(reader, tickets, wanted.terms, internal)
    return [one.model_copy(update={"highlights": marks[one.id]}) for one in _plain(caller, tickets)]


@router.get("/tickets/statistics", response_model=figures_model("Statistics", STATISTICS))
async def get_statistics(
    filters: Annotated[Filters, Query()], desk: CurrentDesk, caller: Caller
) -> dict[str, Any]:
    """The figures of the tickets that the caller may see and that pass the filter."""
    check(caller, "ticket.statistics")
    visible, wanted = ticket_visibility(caller), filters.filter(caller)
    async with desk.database.reading() as reader:
        return await statistics(reader, visible, wanted, datetime.now(UTC))


@router.get("/escalations", response_model=Page[EscalationRecord], tags=["escalations"])
async def list_escalations(
    request: Request, query: Annotated[EscalationQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[EscalationRecord]:
    """What will fire next by itself, the earliest first."""
    check(caller, "escalation.list")
    after = query.start("due_at", datetime, UUID)
    async with desk.database.reading() as reader:
        rows = await escalations(reader, ticket_visibility(caller), query.due_before, after, query.size)
    return page_of(request, query, rows, "due_at", lambda row: (row.due_at.astimezone(UTC), row.ticket_id))
