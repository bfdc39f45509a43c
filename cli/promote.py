"""`duradesk promote`: makes the version of the workers that is installed here the one that runs (docs/upgrading.md)."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from cli.options import connected_settings
from runtime.temporal import connect
from workers.deployment import promote as make_current


def register(app: typer.Typer) -> None:
    app.command("promote")(promote)


def promote(
    within: Annotated[
        int, typer.Option(min=1, help="Seconds in which workers of this version have to come.")
    ] = 300,
) -> None:
    """Make this version of the workers the current one of its deployment. Safe to repeat."""
    asyncio.run(_promote(timedelta(seconds=within)))


async def _promote(patience: timedelta) -> None:
    settings = connected_settings()
    version = await make_current(await connect(settings), settings, patience)
    typer.echo(f"Version {version.build_id} of {version.deployment_name} is current.")
