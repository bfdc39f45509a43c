"""Files of CSV over HTTP: page by page, and never half of one that looks whole."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from httpx import ASGITransport, AsyncClient

from api.errors import install
from api.sheet import sheet
from domain.errors import Unavailable
from domain.sheet import Cell

taken: list[int] = []


async def pages(count: int, fails_at: int | None = None) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    for number in range(count):
        if number == fails_at:
            raise Unavailable("database_away", "The database does not answer.")
        taken.append(number)
        yield [[number, "=1+1"]]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install(app)

    @app.get("/file")
    async def file(count: int, fails_at: int | None = None, bom: bool = False) -> StreamingResponse:
        return await sheet("report", ["number", "text"], pages(count, fails_at), bom=bom)

    return app


async def get(app: FastAPI, query: str) -> Any:
    async with AsyncClient(transport=ASGITransport(cast(Any, app)), base_url="http://desk.test") as client:
        return await client.get(f"/file?{query}")


async def test_a_file_has_a_line_of_names_and_one_for_each_row(app: FastAPI) -> None:
    answer = await get(app, "count=3")
    assert answer.content == b"number,text\r\n0,'=1+1\r\n1,'=1+1\r\n2,'=1+1\r\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="report.csv"'


async def test_a_file_without_rows_has_its_names(app: FastAPI) -> None:
    assert (await get(app, "count=0")).text == "number,text\r\n"


async def test_a_spreadsheet_is_told_that_it_is_utf8(app: FastAPI) -> None:
    assert (await get(app, "count=1&bom=true")).content.startswith(b"\xef\xbb\xbfnumber,")


async def test_a_page_is_read_when_the_one_before_it_was_taken() -> None:
    taken.clear()
    answer = await sheet("report", ["number"], pages(9))
    body = cast("AsyncIterator[str]", answer.body_iterator)
    assert taken == [0]
    await anext(body)
    await anext(body)
    assert taken == [0, 1]


async def test_what_fails_before_the_first_line_is_a_problem(app: FastAPI) -> None:
    answer = await get(app, "count=3&fails_at=0")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")


async def test_what_fails_later_breaks_the_file_off(app: FastAPI) -> None:
    with pytest.raises(RuntimeError, match="already started"):
        await get(app, "count=3&fails_at=2")
