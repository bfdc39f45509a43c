"""The rows of a report as people read them: names instead of ids, in the order of their groups, none left out.

What stands in them is counted by the other modules of this package, with the help of `grouping`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from domain.account import Ref
from domain.report.asked import PARTS, Asked, Bucket, Grouping
from domain.ticket.fields import Priority
from storage.database import Reader
from storage.report.grouping import Figures, Key, check_rows
from storage.tables.account import OrganizationRow, PersonRow, TeamRow
from storage.tables.sla import SlaPolicyRow

Group = Bucket | Ref | str | None

_NAMED: Final[Mapping[Grouping, Any]] = {
    "team": TeamRow,
    "agent": PersonRow,
    "organization": OrganizationRow,
    "policy": SlaPolicyRow,
}
_RANKS: Final = {str(priority): priority.key for priority in Priority}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a report: one value for each group, and its figures."""

    groups: Mapping[str, Group]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    lines: Sequence[Line]
    total: Figures


def every_key(asked: Asked, found: Iterable[Key]) -> set[Key]:
    """The groups that were found, each with all parts of the period, also those in which nothing happened."""
    known = set(found)
    place = next((place for place, name in enumerate(asked.groups) if name in PARTS), None)
    if place is None:
        return known
    others = {(key[:place], key[place + 1 :]) for key in known}
    if len(asked.groups) == 1:
        others = {((), ())}
    check_rows(len(others) * len(asked.buckets))
    numbers = range(1, len(asked.buckets) + 1)
    return {(*before, number, *after) for before, after in others for number in numbers}


async def lines(reader: Reader, asked: Asked, found: Mapping[Key, Figures]) -> list[Line]:
    """The rows in the order of their groups: the earliest first, the most urgent first, names by the alphabet;
    what has none comes last."""
    names = await _names(reader, asked, found)
    made = [
        Line(
            {
                _word(name): _value(asked, name, value, names)
                for name, value in zip(asked.groups, key, strict=True)
            },
            figures,
        )
        for key, figures in found.items()
    ]
    return sorted(made, key=lambda line: [_order(name, value) for name, value in line.groups.items()])


def _word(name: Grouping) -> str:
    return "period" if name in PARTS else name


async def _names(reader: Reader, asked: Asked, found: Iterable[Key]) -> dict[UUID, str]:
    names: dict[UUID, str] = {}
    for place, group in enumerate(asked.groups):
        if (table := _NAMED.get(group)) is not None:
            ids = {key[place] for key in found if key[place] is not None}
            rows = await reader.execute(select(table.id, table.name).where(table.id.in_(ids)))
            names |= {row.id: row.name for row in rows}
    return names


def _value(asked: Asked, name: Grouping, value: Any, names: Mapping[UUID, str]) -> Group:
    if name in PARTS:
        part: Bucket = asked.buckets[value - 1]
        return part
    if value is None or name not in _NAMED:
        return None if value is None else str(value)
    return Ref(id=value, name=names.get(value, ""))


def _order(name: str, value: Group) -> tuple[Any, ...]:
    match value:
        case None:
            return (1,)
        case Bucket():
            return (0, value.start)
        case Ref():
            return (0, value.name, value.id)
        case _:
            return (0, _RANKS.get(value, 0) if name == "priority" else value)
