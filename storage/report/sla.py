"""The report of promises: what was kept and what broke in a period, and how much time was spent."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func

from domain.report.asked import Asked
from storage.database import Reader
from storage.report.aggregate import named_times, share, times
from storage.report.grouping import PROMISES, Figures, Key, grouped
from storage.report.lines import Report, every_key, lines
from storage.tables.report import PromiseRow

_BROKEN: Final = PromiseRow.outcome == "broken"
_INPUTS: Final = {
    "kept": case((PromiseRow.outcome == "kept", 1)),
    "broken": case((_BROKEN, 1)),
    "elapsed": PromiseRow.elapsed,
    "overrun": case(
        (_BROKEN & PromiseRow.elapsed.is_not(None), func.greatest(PromiseRow.elapsed - PromiseRow.target, 0))
    ),
}


def _outcomes(columns: Any) -> list[ColumnElement[Any]]:
    return [
        func.count(columns.kept).label("promises_kept"),
        func.count(columns.broken).label("promises_broken"),
    ]


def _measures(columns: Any) -> list[ColumnElement[Any]]:
    return [
        *_outcomes(columns),
        *times("elapsed_time", columns.elapsed),
        *times("overrun_time", columns.overrun),
    ]


async def decided(reader: Reader, asked: Asked) -> tuple[dict[Key, Figures], Figures]:
    """Only the outcomes."""
    return await grouped(reader, PROMISES, asked, _INPUTS, _outcomes)


async def sla(reader: Reader, asked: Asked) -> Report:
    found, total = await grouped(reader, PROMISES, asked, _INPUTS, _measures)
    nothing: Figures = {}
    rows = {key: _figures(found.get(key, nothing)) for key in every_key(asked, found)}
    return Report(await lines(reader, asked, rows), _figures(total))


def _figures(row: Mapping[str, Any]) -> Figures:
    return {
        **outcomes(row),
        "elapsed_time": named_times(row, "elapsed_time"),
        "overrun_time": named_times(row, "overrun_time"),
    }


def outcomes(row: Mapping[str, Any]) -> Figures:
    kept, broken = row.get("promises_kept", 0), row.get("promises_broken", 0)
    return {"promises_kept": kept, "promises_broken": broken, "sla_met_rate": share(kept, kept + broken)}
