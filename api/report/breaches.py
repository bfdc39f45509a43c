"""Promises that broke in a period, one by one: pages of JSON, or a file of CSV with all of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import Caller, CurrentDesk, secret_of, still
from api.desk import Desk
from api.errors import problems
from api.page import Page, page_of
from api.report.answer import group_cells, group_columns
from api.report.asked import BreachesQuery
from api.sheet import CONTENT, Pages, sheet
from domain.authorization import check
from domain.errors import Invalid
from domain.report.asked import Asked
from domain.sheet import Cell
from storage import report
from storage.report import Breach

router = APIRouter(prefix="/reports", tags=["reports"])

_ORDER: Final = "broken_at"
_SHAPE: Final = (datetime, UUID, str, int)
_AT_ONCE: Final = 1000
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: CONTENT, **problems(403)}


@router.get("/breaches", response_model=Page[Breach], responses=_RESPONSES)
async def list_breaches(
    request: Request, query: Annotated[BreachesQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Response:
    """The promises that broke in the period, the latest first: those that the report of promises counts."""
    check(caller, "report.read")
    asked = query.asked(caller, datetime.now(UTC), ())
    if query.format == "csv":
        if query.after is not None:
            raise Invalid(
                "file_has_no_pages", "A file has no pages; it has all of them.", field="page[after]"
            )
        columns = [column for name in Breach.model_fields for column in group_columns(name)]
        return await sheet("breaches", columns, _table(desk, asked, secret_of(request)), bom=query.bom)
    async with desk.database.reading() as reader:
        rows = await report.breaches(reader, asked, query.start(_ORDER, *_SHAPE), query.size)
    page = page_of(request, query, rows, _ORDER, lambda row: row.key)
    return Response(page.model_dump_json(), media_type="application/json")


async def _table(desk: Desk, asked: Asked, secret: str) -> Pages:
    """Page by page; nobody holds a connection to the database while the reader takes one."""
    after: tuple[Any, ...] | None = None
    more = True
    while more:
        async with desk.database.reading() as reader:
            await still(reader, secret, "report.read")
            rows = await report.breaches(reader, asked, after, _AT_ONCE)
        page, more = rows[:_AT_ONCE], len(rows) > _AT_ONCE
        yield [list(_cells(row)) for row in page]
        after = page[-1].key if page else after


def _cells(row: Breach) -> Iterator[Cell]:
    for name in Breach.model_fields:
        yield from group_cells(name, getattr(row, name))
