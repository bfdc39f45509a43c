"""How Alembic runs our migrations: on the connection of `storage.migrate`, or from a developer's command."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine

import storage.tables  # noqa: F401  registers the tables on Base.metadata
from storage.database import Base, with_driver


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    _run(handed_in)
else:  # `alembic -c storage/migrations/alembic.ini revision --autogenerate`
    with create_engine(with_driver(os.environ["DURADESK_DATABASE_URL"])).connect() as opened:
        _run(opened)
        opened.commit()
