"""What the database says of itself, for those who look for what is wrong. What it means is `cli/doctor`'s."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from storage.database import Reader


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """`server_version` is PostgreSQL's number, 180004; `revision` the newest migration, None if there is none."""

    now: datetime
    server_version: int
    revision: str | None


async def database_facts(reader: Reader) -> DatabaseFacts:
    statement = text("SELECT clock_timestamp(), current_setting('server_version_num')::int")
    now, server_version = (await reader.execute(statement)).one()
    return DatabaseFacts(now=now, server_version=server_version, revision=await _revision(reader))


async def _revision(reader: Reader) -> str | None:
    try:
        revision: str | None = await reader.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # there is no such table
        return None
    return revision
