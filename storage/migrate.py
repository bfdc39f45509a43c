"""Brings a database to the newest schema. The steps are in `storage/migrations/versions/`."""

from contextlib import closing
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine

import storage.tables  # noqa: F401  registers the tables on Base.metadata
from storage.database import Base, database_away, with_driver

# Any number that nobody else locks; two starters that migrate at once wait for each other.
_LOCK = 0x_D0_12_AD_E5


def upgrade(url: str) -> None:
    """Runs every missing migration, each in a transaction. Blocks; safe to repeat and to run at once.

    Raises Unavailable when the database does not answer.
    """
    engine = create_engine(with_driver(url), connect_args={"connect_timeout": 5})
    try:
        guard = psycopg.connect(_plain(url), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise database_away() from error
    with closing(guard):
        guard.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        with engine.connect() as connection:
            command.upgrade(_config(connection), "head")
            connection.commit()
    engine.dispose()


def create_schema(url: str) -> None:
    """For tests: the tables as the code describes them, without the history of how they came about."""
    engine = create_engine(with_driver(url))
    Base.metadata.create_all(engine)
    engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _plain(url: str) -> str:
    return with_driver(url).replace("postgresql+psycopg://", "postgresql://", 1)
