"""`duradesk migrate`: everything that must be there before the API and the workers can do their work.

The newest schema, the default promises, the namespace's retention, the search attributes, and one
administrator who can log in.
All of it may be repeated and run twice at once.
"""

import asyncio

import typer

from cli.administrator import ensure_administrator
from cli.options import Gated, begin
from runtime.settings import Settings
from runtime.temporal import connect, prepare_namespace, register_search_attributes
from storage.database import Database
from storage.migrate import upgrade
from storage.sla import ensure_default_policy


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate(gated: Gated = False) -> None:
    """Prepare the database, the Temporal namespace and the first administrator. Safe to repeat."""
    asyncio.run(_prepare(begin(gated)))


async def _prepare(settings: Settings) -> None:
    await asyncio.gather(_database(settings), _namespace(settings))


async def _database(settings: Settings) -> None:
    await asyncio.to_thread(upgrade, settings.database_url)
    database = Database(settings.database_url, pool_size=1)
    try:
        await ensure_administrator(database, settings)
        async with database.writing() as writer:
            await ensure_default_policy(writer)
    finally:
        await database.close()


async def _namespace(settings: Settings) -> None:
    client = await connect(settings)
    await prepare_namespace(client)
    await register_search_attributes(client)
