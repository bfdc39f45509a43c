"""The report of tickets: what came, what was answered, what was resolved and how, and what was left, in a period."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func

from domain.report.asked import PARTS, Asked
from storage.database import Reader
from storage.report.aggregate import named_times, seconds, share, times
from storage.report.backlog import at_the_ends
from storage.report.grouping import MILESTONES, TICKETS, Figures, Key, grouped
from storage.report.lines import Report, every_key, lines
from storage.report.satisfaction import given, satisfied
from storage.report.sla import decided, outcomes
from storage.tables.report import MilestoneRow

_ANSWERED: Final = MilestoneRow.type == "first_response"
_RESOLVED: Final = MilestoneRow.type == "resolution"
_LENGTH: Final = seconds(MilestoneRow.created_at, MilestoneRow.at)
_INPUTS: Final = {
    "response": case((_ANSWERED, _LENGTH)),
    "response_working": case((_ANSWERED, MilestoneRow.working)),
    "resolution": case((_RESOLVED, _LENGTH)),
    "resolution_working": case((_RESOLVED, MilestoneRow.working)),
    "contact": case((MilestoneRow.first_contact & MilestoneRow.reopened_at.is_(None), 1)),
    "reopened": case((_RESOLVED & MilestoneRow.reopened_at.is_not(None), 1)),
}


def _reached(columns: Any) -> list[ColumnElement[Any]]:
    return [
        func.count(columns.response).label("responded"),
        *times("first_response_time", columns.response),
        *times("first_response_working_time", columns.response_working),
        func.count(columns.resolution).label("resolved"),
        *times("resolution_time", columns.resolution),
        *times("resolution_working_time", columns.resolution_working),
        func.count(columns.contact).label("first_contact"),
        func.count(columns.reopened).label("reopened"),
    ]


async def tickets(reader: Reader, asked: Asked, now: datetime) -> Report:
    created, all_created = await grouped(
        reader, TICKETS, asked, {}, lambda _: [func.count().label("created")]
    )
    reached, all_reached = await grouped(reader, MILESTONES, asked, _INPUTS, _reached)
    promises, all_promises = await decided(reader, asked)
    rated, all_rated = await given(reader, asked)
    left, all_left = await at_the_ends(reader, asked, now)
    keys = every_key(asked, [*created, *reached, *promises, *rated, *left])
    nothing: Figures = {}
    found = {
        key: _figures(
            {
                **created.get(key, nothing),
                **reached.get(key, nothing),
                **promises.get(key, nothing),
                **rated.get(key, nothing),
            },
            left.get(key, 0) if _has_begun(asked, key, now) else None,
        )
        for key in keys
    }
    total = _figures({**all_created, **all_reached, **all_promises, **all_rated}, all_left)
    return Report(await lines(reader, asked, found), total)


def _has_begun(asked: Asked, key: Key, now: datetime) -> bool:
    parts = [asked.buckets[value - 1] for name, value in zip(asked.groups, key, strict=True) if name in PARTS]
    return (parts[0] if parts else asked.span).start < now


def _figures(row: Mapping[str, Any], left: int | None) -> Figures:
    resolved, contact, reopened = (row.get(name, 0) for name in ("resolved", "first_contact", "reopened"))
    return {
        "created": row.get("created", 0),
        "responded": row.get("responded", 0),
        "first_response_time": named_times(row, "first_response_time"),
        "first_response_working_time": named_times(row, "first_response_working_time"),
        "resolved": resolved,
        "resolution_time": named_times(row, "resolution_time"),
        "resolution_working_time": named_times(row, "resolution_working_time"),
        "first_contact": contact,
        "first_contact_rate": share(contact, resolved),
        "reopened": reopened,
        "reopen_rate": share(reopened, resolved),
        **outcomes(row),
        **satisfied(row),
        "backlog": left,
    }
