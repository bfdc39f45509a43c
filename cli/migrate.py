"""`duradesk migrate`: everything that must be there before the API and the workers can do their work.

The newest schema, the default promises, the namespace's retention, the search attributes, the key of the
histories on a desk of its own, and one administrator who can log in.
All of it may be repeated and run twice at once.
"""

import asyncio
from typing import Annotated

import typer

from cli.administrator import ensure_administrator
from cli.options import Gated, begin
from runtime.keys import new_key, put_first
from runtime.settings import Settings
from runtime.temporal import (
    check_key,
    connect,
    prepare_namespace,
    record_key,
    register_search_attributes,
)
from storage.database import Database
from storage.migrate import upgrade
from storage.sla import ensure_default_policy
from storage.survey.definition import ensure_default_survey


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate(
    gated: Gated = False,
    make_key: Annotated[
        bool, typer.Option("--make-key", hidden=True, help="Make a key unless there is one.")
    ] = False,
) -> None:
    """Prepare the database, the Temporal namespace and the first administrator. Safe to repeat."""
    asyncio.run(_prepare(begin(gated), make_key))


async def _prepare(settings: Settings, make_key: bool) -> None:
    await asyncio.gather(_database(settings), _namespace(settings, make_key))


async def _database(settings: Settings) -> None:
    await asyncio.to_thread(upgrade, settings.database_url)
    database = Database(settings.database_url, pool_size=1)
    try:
        await ensure_administrator(database, settings)
        async with database.writing() as writer:
            await ensure_default_policy(writer)
            await ensure_default_survey(writer)
    finally:
        await database.close()


async def _namespace(settings: Settings, make_key: bool) -> None:
    client = await connect(settings)
    await prepare_namespace(client)
    await register_search_attributes(client)
    await check_key(client, settings)
    if make_key:
        _make_key(settings)
    await record_key(client, settings)


def _make_key(settings: Settings) -> None:
    """A desk of its own keeps its histories encrypted from the first start on."""
    file, keys = settings.encryption_key_file, settings.encryption_keys()
    if file is not None and not keys and not keys.off:
        put_first(file, new_key())
