"""Custom fields: what a desk wants to know of its tickets beyond what every ticket has.

A field has a type and may be for some categories only. A value that names no field is kept as it came, so that
what other systems send is not lost; a value that names one must fit.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import md5
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Value
from domain.errors import Invalid

OPTIONS_LIMIT: Final = 200
TEXT_LIMIT: Final = 2000
COMPARED_LIMIT: Final = 200
KEY: Final = r"[a-z][a-z0-9_]{0,62}"
_KEY = re.compile(KEY, re.ASCII)


class FieldType(StrEnum):
    """`choice` is one of the options, `choices` any of them; `date` is written as 2026-11-21."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"


CHOOSING: Final = (FieldType.CHOICE, FieldType.CHOICES)


class Field(Value):
    """`categories` are those that have the field, all if empty. A ticket cannot be resolved before every field
    of its category that is `required` has a value."""

    id: UUID
    key: str
    label: str
    type: FieldType
    options: tuple[str, ...]
    categories: tuple[str, ...]
    required: bool
    active: bool
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime

    def is_of(self, category: str | None) -> bool:
        return self.active and (not self.categories or category in self.categories)


def comparable(text: str) -> str:
    """`text` as texts of fields are compared and sorted: without case; long ones by their beginning and a digest."""
    folded = text.casefold()
    if len(folded) <= COMPARED_LIMIT:
        return folded
    return folded[: COMPARED_LIMIT - 32] + md5(folded.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Comparable:
    """A value of a ticket as it is found and sorted by: a text or a number. `position` is its place in a list."""

    key: str
    position: int
    text: str | None
    number: Decimal | None


def comparables(values: Mapping[str, Any]) -> list[Comparable]:
    """All values that may be those of a field, whether there is one by that name or not."""
    found: dict[tuple[Any, ...], Comparable] = {}
    for key, value in values.items():
        if not _KEY.fullmatch(key):
            continue
        for position, item in enumerate(value if isinstance(value, list) else [value]):
            if one := _comparable(key, position, item):
                found.setdefault((key, one.text, one.number), one)  # twice in a list is once
    return list(found.values())


def _comparable(key: str, position: int, value: Any) -> Comparable | None:
    if isinstance(value, bool):
        return Comparable(key, position, "true" if value else "false", None)
    if isinstance(value, int | float):
        return Comparable(key, position, None, Decimal(repr(value)))
    if isinstance(value, str) and value:
        return Comparable(key, position, comparable(value), None)
    return None


def check_values(fields: Iterable[Field], category: str | None, values: Mapping[str, Any]) -> None:
    """Raises Invalid for the first value that does not fit its field. null takes a value away and always fits."""
    known = {field.key: field for field in fields if field.active}
    for key, value in values.items():
        field = known.get(key)
        if field is None or value is None:
            continue
        if not field.is_of(category):
            places = ", ".join(field.categories)
            raise _refused(key, "wrong_category", f"This field is for tickets of the categories {places}.")
        if not _fits(field, value):
            raise _refused(key, "wrong_type", _WANTED[field.type].format(", ".join(field.options)))


def check_complete(fields: Iterable[Field], category: str | None, values: Mapping[str, Any]) -> None:
    """Raises Invalid while a required field has no value."""
    for field in fields:
        if field.required and field.is_of(category) and values.get(field.key) in (None, "", []):
            raise _refused(field.key, "required", f"Fill in {field.label} before the ticket is resolved.")


def _refused(key: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, field=f"custom_fields.{key}")


def _fits(field: Field, value: Any) -> bool:
    match field.type:
        case FieldType.TEXT:
            return isinstance(value, str) and len(value) <= TEXT_LIMIT
        case FieldType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATE:
            return isinstance(value, str) and _is_date(value)
        case FieldType.CHOICE:
            return value in field.options
        case FieldType.CHOICES:
            return isinstance(value, list) and all(one in field.options for one in value)


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_WANTED: Final[Mapping[FieldType, str]] = {
    FieldType.TEXT: f"This field is text of at most {TEXT_LIMIT} characters.",
    FieldType.NUMBER: "This field is a number.",
    FieldType.BOOLEAN: "This field is true or false.",
    FieldType.DATE: "This field is a date such as 2026-11-21.",
    FieldType.CHOICE: "This field is one of: {}.",
    FieldType.CHOICES: "This field is a list of some of: {}.",
}
