"""Statements that travel together: several in one round trip, on psycopg itself.

Every ticket and every step of its life passes `storage/ticket/commit.py`. One after another, its statements cost
more in waiting, waking and dispatching than in the database. Here they stay statements of SQLAlchemy (typed by the
tables, compiled once), and are sent down the session's own connection, in its transaction, in psycopg's
pipeline mode. Where a query is not asked that often, a session is simpler.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg.pq import ConnStatus, PipelineStatus
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.expression import ClauseElement

from storage.database import Reader, Writer, connection_of

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # its constructor has no annotations


class Statement:
    """A statement of SQLAlchemy Core, compiled once. `columns` are those that an insert or update sets by the
    parameters of the same names. Lists (`IN`) must be written out, as nothing is expanded when it is sent."""

    def __init__(self, statement: ClauseElement, columns: Iterable[str] = ()) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns))
        self.sql = str(compiled)
        self._fixed: dict[str, Any] = {}
        self._given: list[tuple[str, Callable[[Any], Any] | None]] = []
        for bind, name in compiled.bind_names.items():  # type: ignore[attr-defined]
            process = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            if bind.required:
                self._given.append((name, process))
            else:
                self._fixed[name] = process(bind.value) if process else bind.value

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As psycopg takes them; raises KeyError for one that is missing."""
        return self._fixed | {
            name: process(given[name]) if process else given[name] for name, process in self._given
        }


class Answer:
    """The rows of a statement; they are there when the round trip is over."""

    rows: Sequence[Any]

    def one_or_none(self) -> Any:
        return self.rows[0] if self.rows else None

    def scalar(self) -> Any:
        """The first column of the first row, None without a row."""
        return self.rows[0][0] if self.rows else None


class Pipeline:
    """Statements that wait for the end of the block. They are carried out in the order in which they came, and
    each sees what those before it did."""

    def __init__(self) -> None:
        self.asked: list[tuple[Statement, dict[str, Any], Answer]] = []

    def ask(self, statement: Statement, **parameters: Any) -> Answer:
        answer = Answer()
        self.asked.append((statement, statement.parameters(parameters), answer))
        return answer


@asynccontextmanager
async def pipeline(session: Reader | Writer) -> AsyncIterator[Pipeline]:
    """Collects statements, and sends them when the block ends well. If one fails, none after it happens."""
    collected = Pipeline()
    yield collected
    if collected.asked:
        await _send(await connection_of(session), collected)


async def _send(connection: AsyncConnection, collected: Pipeline) -> None:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    sent = []
    try:
        async with driver.pipeline():
            for statement, parameters, answer in collected.asked:
                cursor = driver.cursor(row_factory=namedtuple_row)
                sent.append((await cursor.execute(statement.sql, parameters), answer))
    except BaseException:
        # Cancelled while it enters or leaves the mode, the driver stays in it: no query gets an answer there.
        if driver.pgconn.status == ConnStatus.OK and driver.pgconn.pipeline_status != PipelineStatus.OFF:
            driver.pgconn.finish()
            await connection.invalidate()
        raise
    for cursor, answer in sent:
        answer.rows = await cursor.fetchall() if cursor.description else ()
