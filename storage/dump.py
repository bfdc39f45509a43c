"""The whole database in a file and back, by PostgreSQL's own programs. Everything in a dump is of one moment, and so is
the list of attachments that goes with it. Where the file is kept is `cli.backup`'s."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import DeskError, Unavailable
from storage.database import database_away
from storage.migrate import plain
from storage.ticket import feed

Programs = Callable[[str], str]
"""Gives the path of a program of PostgreSQL."""

_DUMP: Final = ("--format=custom", "--no-owner", "--no-privileges", "--no-unlogged-table-data")
_RESTORE: Final = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")


class DumpFailed(DeskError):
    """The message holds what PostgreSQL's program said."""


@dataclass(frozen=True, slots=True)
class Content:
    """Where the content of an attachment is, and what it is."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Dumped:
    """What the dump holds: its newest migration, and the attachments that its rows name."""

    revision: str
    contents: list[Content]


def dump(url: str, target: Path, programs: Programs) -> Dumped:
    """Writes the database to `target`. Reads of a snapshot hold up nobody. Raises Unavailable or DumpFailed."""
    with _connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        revision = _one(connection, "SELECT version_num FROM alembic_version")
        rows = connection.execute("SELECT key, size, sha256 FROM attachments ORDER BY key").fetchall()
        _run(programs("pg_dump"), url, (*_DUMP, f"--snapshot={snapshot}", f"--file={target}"))
    return Dumped(revision=revision, contents=[Content(*row) for row in rows])


def restore(url: str, source: Path, programs: Programs) -> None:
    """Fills an empty database, all or nothing. Raises Unavailable or DumpFailed."""
    _run(programs("pg_restore"), url, (*_RESTORE, str(source)))


def is_empty(url: str) -> bool:
    """Whether the database has no table at all."""
    with _connected(url) as connection:
        return not _one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


def begin_anew(url: str) -> None:
    """Voids what readers of the export know: some of it happened after the backup was made."""
    with _connected(url) as connection:
        feed.settle(connection, restored=True)


def forget_contents(url: str, keys: Sequence[str]) -> None:
    """Removes the rows of attachments whose content is not there."""
    with _connected(url) as connection:
        connection.execute("DELETE FROM attachments WHERE key = ANY(%s)", [list(keys)])


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """One transaction."""
    try:
        with psycopg.connect(plain(url), connect_timeout=5) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise database_away() from error


def _one(connection: psycopg.Connection[Any], question: Any) -> Any:
    try:
        row = connection.execute(question).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        raise Unavailable("not_prepared", "The database is not prepared: run `duradesk migrate` first.")
    return row[0]


def _without_password(url: str) -> dict[str, Any]:
    known = dict(conninfo_to_dict(plain(url)))
    known.pop("password", None)
    return known


def _run(program: str, url: str, options: Sequence[str]) -> None:
    """The password goes by the environment, which other users of the machine cannot read."""
    password = conninfo_to_dict(plain(url)).get("password")
    environment = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": str(password)} if password else {})}
    place = f"--dbname={make_conninfo(**_without_password(url))}"
    done = subprocess.run(  # noqa: S603  a program of PostgreSQL with our own options
        (program, place, *options), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise DumpFailed("dump_failed", f"{Path(program).name} failed: {words[0]}")
