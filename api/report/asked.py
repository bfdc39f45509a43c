"""What reports are asked for by: the parameters of their routes, made into `domain/report/asked.py`.

Times are read in the time zone of whoever asks, or in the one that they name. `none` stands for an empty field.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from api.page import PageQuery
from domain.account import Principal
from domain.errors import Invalid
from domain.report.asked import (
    DIMENSIONS,
    PARTS,
    Asked,
    Dimension,
    Grouping,
    OfTickets,
    Part,
    Span,
    buckets,
    groups,
    instant,
    span,
)
from domain.sla.policy import ClockName
from domain.text import Text, TimeZone, Word
from domain.ticket.fields import Channel, Kind, Priority

Named = UUID | Literal["none"]
Time = Annotated[Text, Field(min_length=1, max_length=80)]

_NONE: Final = "none"
_VALUES: Final = Field(max_length=100)
_GROUPS: Final = Field(max_length=3)


class Chosen(BaseModel):
    """A filter may be repeated to allow several values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: Annotated[list[Named], _VALUES] = []
    agent: Annotated[list[Named], _VALUES] = []
    organization: Annotated[list[Named], _VALUES] = []
    category: Annotated[list[Word], _VALUES] = []
    kind: Annotated[list[Kind | Literal["none"]], _VALUES] = []
    priority: Annotated[list[Priority], _VALUES] = []
    channel: Annotated[list[Channel], _VALUES] = []
    time_zone: TimeZone | None = None
    format: Literal["json", "csv"] = "json"
    bom: bool = False

    def zone(self, caller: Principal) -> ZoneInfo:
        return ZoneInfo(self.time_zone or caller.time_zone)

    def only(self) -> Mapping[Dimension, Sequence[UUID | str | None]]:
        """The dimensions that are narrowed, each to its values."""
        given = {name: getattr(self, name, ()) for name in DIMENSIONS}
        return {
            name: [None if value == _NONE else value for value in values]
            for name, values in given.items()
            if values
        }


class InPeriod(Chosen):
    """`period` by its name, or `from` (included) and `to` (excluded); this month if neither is there."""

    period: Time | None = None
    since: Annotated[Time | None, Field(alias="from")] = None
    until: Annotated[Time | None, Field(alias="to")] = None

    def span(self, caller: Principal, now: datetime) -> Span:
        return span(self.period, self.since, self.until, now, self.zone(caller))

    def asked(self, caller: Principal, now: datetime, given: Sequence[Grouping]) -> Asked:
        """Raises Invalid for a period or groups that are none."""
        whole, made_by = self.span(caller, now), groups(given)
        part = next((name for name in PARTS if name in made_by), None)
        cut = buckets(whole, part, self.zone(caller)) if part else ()
        return Asked(whole, made_by, cut, self.only())


class OfPolicies(BaseModel):
    """What only promises are narrowed by."""

    clock: Annotated[list[ClockName], _VALUES] = []
    policy: Annotated[list[UUID], _VALUES] = []


class TicketsQuery(InPeriod):
    group_by: Annotated[list[Part | OfTickets], _GROUPS] = []


class SlaQuery(InPeriod, OfPolicies):
    group_by: Annotated[list[Part | Dimension], _GROUPS] = []


class BreachesQuery(PageQuery, InPeriod, OfPolicies):
    """`page[size]` and `page[after]` are for JSON; a file has all of them."""


class BacklogQuery(Chosen):
    """`at` is the instant that is asked about, now if it is left out."""

    at: Time | None = None
    group_by: Annotated[list[OfTickets], _GROUPS] = []

    def instant(self, caller: Principal, now: datetime) -> datetime:
        """Raises Invalid for what is no instant, or lies ahead."""
        at = instant(self.at, "at", now, self.zone(caller))
        if at > now:
            raise Invalid("future_instant", "What will be open then is not known yet.", field="at")
        return at

    def asked(self, at: datetime) -> Asked:
        return Asked(Span(at, at), groups(self.group_by), (), self.only())
