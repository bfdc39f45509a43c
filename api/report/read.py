"""Reports over HTTP: what happened in a period, what became of promises, what was open; and what is counted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, whole
from api.report.answer import as_csv, as_json, report_model
from api.report.asked import BacklogQuery, Chosen, SlaQuery, TicketsQuery
from api.sheet import CONTENT
from domain.authorization import check
from domain.report.asked import DIMENSIONS, PARTS, Asked, OfTickets
from domain.report.figures import BACKLOG, SLA, STATISTICS, SURVEYS, TICKETS, Figure
from storage import report
from storage.report import Report

router = APIRouter(prefix="/reports", tags=["reports"])

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: CONTENT, **problems(403)}
_OF_TICKETS: Final = get_args(OfTickets)


class FigureDefinition(BaseModel):
    """A figure: its unit, what it counts, the columns that it is made of, and its columns in a table."""

    name: str
    unit: str
    definition: str
    sources: Sequence[str]
    columns: Sequence[str]


class ReportDefinition(BaseModel):
    """Where a report is, what its rows may be made by, and its figures."""

    name: str
    path: str
    group_by: Sequence[str]
    figures: Sequence[FigureDefinition]


def _defined(name: str, path: str, group_by: Sequence[str], figures: Sequence[Figure]) -> ReportDefinition:
    return ReportDefinition(
        name=name,
        path=f"/api/v1{path}",
        group_by=group_by,
        figures=[
            FigureDefinition(
                name=one.name,
                unit=one.unit,
                definition=one.definition,
                sources=one.sources,
                columns=list(one.columns),
            )
            for one in figures
        ],
    )


_DEFINITIONS: Final = (
    _defined("tickets", "/reports/tickets", (*PARTS, *_OF_TICKETS), TICKETS),
    _defined("sla", "/reports/sla", (*PARTS, *DIMENSIONS), SLA),
    _defined("backlog", "/reports/backlog", _OF_TICKETS, BACKLOG),
    _defined("survey", "/surveys/{survey_id}/results", (*PARTS, *_OF_TICKETS), SURVEYS),
    _defined("statistics", "/tickets/statistics", (), STATISTICS),
)


@router.get("", responses=problems(403))
async def list_reports(caller: Caller) -> Page[ReportDefinition]:
    """What is counted: each figure of each report with its unit, its definition and its sources."""
    check(caller, "report.read")
    return whole(_DEFINITIONS)


@router.get("/tickets", response_model=report_model("Tickets", TICKETS), responses=RESPONSES)
async def report_tickets(
    query: Annotated[TicketsQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Response:
    """What came, was answered and resolved in a period, how fast, how well, and what was left."""
    check(caller, "report.read")
    now = datetime.now(UTC)
    asked = query.asked(caller, now, query.group_by)
    async with desk.database.snapshot() as reader:
        found = await report.tickets(reader, asked, now)
    return await answered("tickets", query, asked, found, TICKETS, str(query.zone(caller)), now)


@router.get("/sla", response_model=report_model("Sla", SLA), responses=RESPONSES)
async def report_sla(query: Annotated[SlaQuery, Query()], desk: CurrentDesk, caller: Caller) -> Response:
    """What became of promises in a period: kept, broken, and how much working time they took."""
    check(caller, "report.read")
    now = datetime.now(UTC)
    asked = query.asked(caller, now, query.group_by)
    async with desk.database.snapshot() as reader:
        found = await report.sla(reader, asked)
    return await answered("sla", query, asked, found, SLA, str(query.zone(caller)), now)


@router.get("/backlog", response_model=report_model("Backlog", BACKLOG), responses=RESPONSES)
async def report_backlog(
    query: Annotated[BacklogQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Response:
    """What was open at an instant, and how old it was then."""
    check(caller, "report.read")
    now = datetime.now(UTC)
    at = query.instant(caller, now)
    asked = query.asked(at)
    async with desk.database.snapshot() as reader:
        found = await report.backlog(reader, asked, at)
    return await answered("backlog", query, asked, found, BACKLOG, str(query.zone(caller)), now)


async def answered(
    name: str,
    query: Chosen,
    asked: Asked,
    found: Report,
    figures: Sequence[Figure],
    time_zone: str,
    now: datetime,
) -> Response:
    if query.format == "csv":
        return await as_csv(name, found, figures, asked, bom=query.bom)
    return as_json(name, found, asked, time_zone, now)
