"""Tables as files of CSV, sent page by page: none is ever in memory as a whole.

What a cell looks like is `domain/sheet.py`'s; the pages come from whoever knows the rows, who holds no connection
to the database while the reader takes a page.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fastapi.responses import StreamingResponse

from domain.sheet import BOM, Cell, written

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
CONTENT: Final[dict[str, Any]] = {
    "description": "JSON, or a file of CSV",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}
"""What a route says of its answer that may be CSV."""

Pages = AsyncIterator[Sequence[Sequence[Cell]]]


async def sheet(name: str, columns: Sequence[str], pages: Pages, *, bom: bool = False) -> StreamingResponse:
    """The file `name`.csv with a line of `columns` and those of `pages`, each of which is sent at once.

    The first page is awaited before the answer begins, so that what is wrong with the request is still told as
    a problem. A failure after that breaks the connection off: half a file does not look like a whole one.
    """
    first: Sequence[Sequence[Cell]] = await anext(pages, [])

    async def lines() -> AsyncIterator[str]:
        yield (BOM if bom else "") + written([columns, *first])
        async for page in pages:
            yield written(page)

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(lines(), headers=headers, media_type=MEDIA_TYPE)
