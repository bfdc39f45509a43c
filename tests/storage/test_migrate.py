"""Migrations run once, whoever starts them and however many at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from domain.errors import Unavailable
from runtime.embedded.postgres import EmbeddedPostgres
from storage.database import Base, with_driver
from storage.migrate import upgrade
from tests.conftest import free_port


def test_starters_that_migrate_at_once_wait_for_each_other(postgres_server: EmbeddedPostgres) -> None:
    postgres_server.create_database("migrated")
    url = postgres_server.url("migrated")
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(upgrade, url) for _ in range(4)]:
            done.result()
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    assert found != (None,)


def test_migrating_again_changes_nothing(postgres_server: EmbeddedPostgres) -> None:
    postgres_server.create_database("migrated_twice")
    url = postgres_server.url("migrated_twice")
    upgrade(url)
    upgrade(url)


def test_a_database_that_is_away_is_told() -> None:
    with pytest.raises(Unavailable):
        upgrade(f"postgresql://desk@127.0.0.1:{free_port()}/desk")


def test_the_migrations_make_exactly_the_tables_that_the_code_describes(
    postgres_server: EmbeddedPostgres,
) -> None:
    postgres_server.create_database("migrated_fully")
    url = postgres_server.url("migrated_fully")
    upgrade(url)
    engine = create_engine(with_driver(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()
