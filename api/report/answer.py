"""What reports answer: a row for each group with its figures, and the figures of everything together, as JSON or as
a table. Both are written from the same values, so they hold the same numbers.

The shapes that OpenAPI shows are made of `domain/report/figures.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import orjson
from fastapi import Response
from pydantic import AwareDatetime, BaseModel, Field, create_model

from api.sheet import Pages, sheet
from domain.account import Ref
from domain.report.asked import PARTS, Asked, Bucket
from domain.report.figures import ENDS, TIMES, Figure, Shape
from domain.sheet import Cell
from domain.sla.policy import ClockName
from domain.ticket.fields import Channel, Kind, Priority
from storage.report.lines import Group, Report

REFERENCES: Final = ("team", "agent", "organization", "policy")


class Times(BaseModel):
    """Seconds; null where there are none."""

    mean: float | None
    p50: float | None
    p90: float | None


class Interval(BaseModel):
    """Where a figure lies with 95 % confidence."""

    low: float
    high: float


class PeriodGroup(BaseModel):
    """A part of the period: a day `2026-11-01`, a week `2026-W45`, a month `2026-11`, a quarter `2026-Q4`."""

    name: str
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")


class Groups(BaseModel):
    """Only those that were asked for are there; null stands for tickets without a value."""

    period: PeriodGroup | None = None
    team: Ref | None = None
    agent: Ref | None = None
    organization: Ref | None = None
    category: str | None = None
    kind: Kind | None = None
    priority: Priority | None = None
    channel: Channel | None = None
    clock: ClockName | None = None
    policy: Ref | None = None


class ReportPeriod(BaseModel):
    """From `from` (included) to `to` (excluded), of a backlog both the same instant."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    time_zone: str


_TYPES: Final[Mapping[Shape, Any]] = {
    "count": int,
    "level": int | None,
    "counts": dict[str, int],
    "share": float | None,
    "times": Times,
    "length": float | None,
    "mean": float | None,
    "interval": Interval | None,
}


def figures_model(name: str, figures: Sequence[Figure], base: type[BaseModel] = BaseModel) -> type[BaseModel]:
    """A model with a field for each figure, described by its definition."""
    fields: dict[str, Any] = {
        one.name: (_TYPES[one.shape], Field(description=f"{one.definition} ({one.unit})")) for one in figures
    }
    return create_model(name, __base__=base, **fields)


def report_model(
    name: Literal["Tickets", "Sla", "Backlog", "Survey"], figures: Sequence[Figure]
) -> type[BaseModel]:
    """The answer of a report."""
    row: Any = figures_model(f"{name}ReportRow", figures, Groups)
    total: Any = figures_model(f"{name}ReportTotal", figures)
    return create_model(
        f"{name}Report",
        __doc__="A row for each group, in their order, and everything together. `GET /reports` defines the figures.",
        report=(str, ...),
        as_of=(AwareDatetime, ...),
        period=(ReportPeriod, ...),
        group_by=(list[str], ...),
        data=(list[row], ...),
        total=(total, ...),
    )


def as_json(name: str, report: Report, asked: Asked, time_zone: str, now: datetime) -> Response:
    rows = [
        {**{group: _shown(value) for group, value in line.groups.items()}, **line.figures}
        for line in report.lines
    ]
    answer = {
        "report": name,
        "as_of": now,
        "period": {"from": asked.span.start, "to": asked.span.end, "time_zone": time_zone},
        "group_by": asked.groups,
        "data": rows,
        "total": report.total,
    }
    return Response(orjson.dumps(answer, option=orjson.OPT_UTC_Z), media_type="application/json")


def _shown(value: Group) -> Any:
    match value:
        case Bucket():
            return {"name": value.name, "from": value.start, "to": value.end}
        case Ref():
            return {"id": value.id, "name": value.name}
        case _:
            return value


async def as_csv(
    name: str, report: Report, figures: Sequence[Figure], asked: Asked, *, bom: bool = False
) -> Response:
    """A line for each row. The total is none of them: without groups it is the only one."""
    names = ["period" if group in PARTS else group for group in asked.groups]
    columns = [*(column for group in names for column in group_columns(group))]
    columns += [column for figure in figures for column in figure.columns]

    async def pages() -> Pages:
        yield [
            [
                *(cell for group in names for cell in group_cells(group, line.groups[group])),
                *(cell for figure in figures for cell in _cells(figure, line.figures[figure.name])),
            ]
            for line in report.lines
        ]

    return await sheet(name, columns, pages(), bom=bom)


def group_columns(group: str) -> Sequence[str]:
    if group == "period":
        return ("period", "period_from", "period_to")
    return (group, f"{group}_id") if group in REFERENCES else (group,)


def group_cells(group: str, value: Group) -> Sequence[Cell]:
    match value:
        case Bucket():
            return (value.name, value.start, value.end)
        case Ref():
            return (value.name, value.id)
        case _:
            return (value,) if len(group_columns(group)) == 1 else (None, None)


def _cells(figure: Figure, value: Any) -> Iterator[Cell]:
    match figure.shape:
        case "times":
            yield from (value[part] for part in TIMES)
        case "interval":
            yield from (None if value is None else value[end] for end in ENDS)
        case "counts":
            yield " ".join(f"{name}:{count}" for name, count in value.items())
        case _:
            yield value
