"""Brings a database to the newest schema. The steps are in `storage/migrations/versions/`."""

from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

import storage.tables  # noqa: F401  registers the tables on Base.metadata
from storage.database import Base, database_away, with_driver
from storage.ticket import feed

# Any number that nobody else locks; two starters that migrate at once wait for each other.
_LOCK = 0x_D0_12_AD_E5
_NEWEST: Final = "head"


def upgrade(url: str, to: str = _NEWEST) -> None:
    """Runs every missing migration up to `to`, each in a transaction; the newest schema is settled where it is.
    Blocks; safe to repeat and to run at once.

    Raises Unavailable when the database does not answer.
    """
    engine = create_engine(with_driver(url), connect_args={"connect_timeout": 5})
    try:
        guard = psycopg.connect(plain(url), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise database_away() from error
    with closing(guard):
        guard.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        with engine.connect() as connection:
            command.upgrade(_config(connection), to)
            connection.commit()
        if to == _NEWEST:
            feed.settle(guard)
    engine.dispose()


def newest_revision() -> str:
    """The migration that a database has when this version has prepared it."""
    head = ScriptDirectory.from_config(_scripts()).get_current_head()
    assert head is not None
    return head


def knows_revision(revision: str) -> bool:
    """Whether this version can go on from a database with that newest migration."""
    known = ScriptDirectory.from_config(_scripts()).walk_revisions()
    return any(script.revision == revision for script in known)


def create_schema(url: str) -> None:
    """For tests: the tables as the code describes them, without the history of how they came about."""
    engine = create_engine(with_driver(url))
    Base.metadata.create_all(engine)
    engine.dispose()


def _config(connection: Connection) -> Config:
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def plain(url: str) -> str:
    """The URL without SQLAlchemy's driver, for psycopg and PostgreSQL's own programs."""
    return with_driver(url).replace("postgresql+psycopg://", "postgresql://", 1)
