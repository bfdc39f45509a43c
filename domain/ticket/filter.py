"""Which tickets are meant: the one filter of lists, statistics, views and commands.

`domain/ticket/query.py` makes it from what a person typed, the API from its parameters; `storage/ticket/` makes
SQL of it. All conditions must hold.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.ticket.fields import Channel, Kind, Priority, Status

Field = Literal[
    "id",
    "number",
    "external_id",
    "status",
    "priority",
    "category",
    "kind",
    "channel",
    "tier",
    "waiting_reason",
    "requester",
    "assignee",
    "team",
    "organization",
    "tags",
    "breached",
    "reopen_count",
    "satisfaction",
    "created_at",
    "updated_at",
    "first_responded_at",
    "resolved_at",
    "closed_at",
    "next_step_at",
]
"""What a condition can be about; the names are those of the ticket."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person, team or organization by the name or address that people know it by; storage finds its id."""

    text: str


Value = str | int | bool | UUID | Name | Status | Priority | Kind | Channel


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field holds one of `values`; None among them stands for an empty field. Of tags, one is enough."""

    field: Field
    values: tuple[Value | None, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """From `start` (included) to `end` (excluded); without both: the field is not empty."""

    field: Field
    start: datetime | int | None = None
    end: datetime | int | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field, and as what its values are compared: dates, options and truth as texts. `single`: a ticket
    has one value of it."""

    key: str
    kind: Literal["text", "number"]
    single: bool = True


@dataclass(frozen=True, slots=True)
class Custom:
    """The custom field holds one of `values` (None among them stands for an empty field; of several that it holds, one
    is enough), or lies between `start` and `end`; without any of these: it is not empty. `few` is set by storage
    when it has found that few tickets have such a value."""

    field: CustomField
    values: tuple[str | Decimal | None, ...] = ()
    start: str | Decimal | None = None
    end: str | Decimal | None = None
    without_start: bool = False
    with_end: bool = False
    negated: bool = False
    few: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, when, and in which time zone a date is a day."""

    person_id: UUID
    now: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Part:
    """A field or one value as it stands in a query, and where."""

    text: str
    position: int
    quoted: bool = False

    def is_word(self, word: str) -> bool:
        """Whether this is a word of the language; in quotes it is a name that happens to be the same."""
        return not self.quoted and self.text.lower() == word


@dataclass(frozen=True, slots=True)
class Untyped:
    """A condition on a custom field as it was typed. What it means depends on the field's definition: storage knows
    it, and `domain/ticket/custom.py` reads the condition by it. `parameter` is what it came in."""

    field: Part
    values: tuple[Part, ...]
    asking: Asking
    negated: bool = False
    parameter: Literal["q", "field"] = "q"


Condition = OneOf | Within | Custom | Untyped


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a phrase of the full text."""

    text: str
    phrase: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    conditions: tuple[Condition, ...] = ()
    terms: tuple[Term, ...] = ()

    def __and__(self, other: "Filter") -> "Filter":
        return Filter(self.conditions + other.conditions, self.terms + other.terms)

    def values_of(self, field: Field) -> tuple[Value | None, ...] | None:
        """What `field` may hold, if the filter says so; the narrowest of its conditions."""
        found = [
            one.values
            for one in self.conditions
            if isinstance(one, OneOf) and one.field == field and not one.negated
        ]
        return min(found, key=len, default=None)
