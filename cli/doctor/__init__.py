"""`duradesk doctor`: what is wrong with a desk, in words, and what to do about it.

It asks each part by itself, as the parts ask each other, and changes nothing. A part that does not answer is a
finding, and so is whatever else goes wrong while asking. How figures are judged stands in `cli.doctor.finding`.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import typer
from temporalio.client import Client

from cli.client import Json
from cli.doctor import database as database_part
from cli.doctor import machine, temporal
from cli.doctor.finding import Finding, Level, problem
from cli.options import connected_settings
from cli.output import console, document, table
from domain.errors import DeskError
from runtime.logging import configure_logging
from runtime.settings import SettingError, Settings, load_settings
from runtime.temporal import connect
from storage.database import Database

_PATIENCE: Final = timedelta(seconds=15)
_MARKS: Final = {Level.OK: "ok", Level.WARNING: "warning", Level.PROBLEM: "PROBLEM"}


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(as_json: Json = False) -> None:
    """Tell what is wrong with the desk, and what to do about it. Ends with 1 if there is a problem.

    It looks from where it runs: use the settings, and the machine, of the part that has trouble.
    """
    configure_logging(load_settings())
    found = asyncio.run(_examine())
    problems = sum(one.level is Level.PROBLEM for one in found)
    if as_json:
        document({"well": not problems, "findings": [asdict(one) for one in found]})
    else:
        screen = console()
        rows = [(_MARKS[one.level], one.check, one.words) for one in found]
        screen.print(table(("", "check", ""), rows))
        for one in found:
            if one.advice:
                screen.print(f"{one.check}: {one.advice}", soft_wrap=True)
        verdict = f"{problems} problem{'s' * (problems > 1)}." if problems else "The desk is well."
        screen.print(f"\n{verdict}")
    if problems:
        raise typer.Exit(1)


async def _examine() -> list[Finding]:
    stopped = machine.embedded(load_settings())
    if stopped:
        return [machine.versions(), *stopped, machine.disk(load_settings())]
    settings = connected_settings()
    found = await asyncio.gather(
        _safely("api", _one(machine.api(settings))),
        _safely("smtp", _one(machine.smtp(settings))),
        _safely("attachments", _one(machine.attachments(settings))),
        _inside(settings),
    )
    return [machine.versions(), machine.disk(settings), *(one for part in found for one in part)]


async def _inside(settings: Settings) -> list[Finding]:
    """The database and Temporal, and, where both answer, whether they agree."""
    database = Database(settings.database_url, pool_size=1, patience=_PATIENCE)
    try:
        in_database, (client, in_temporal) = await asyncio.gather(
            _safely("database", database_part.look(database)), _temporal(settings)
        )
        both = [*in_database, *in_temporal]
        if client is not None and not any(_is_away(one) for one in both):
            both += await _safely("processes", temporal.look_at_processes(client, database))
        return both
    finally:
        await database.close()


async def _temporal(settings: Settings) -> tuple[Client | None, list[Finding]]:
    try:
        client = await connect(settings)
    except DeskError as error:
        return None, [problem("temporal", error.detail, "Start it, or set DURADESK_TEMPORAL_ADDRESS.")]
    return client, await _safely("temporal", temporal.look(client, settings))


def _is_away(finding: Finding) -> bool:
    """Whether the processes cannot be compared because of this."""
    return finding.level is Level.PROBLEM and finding.check in ("database", "migrations", "temporal")


async def _one(asking: Awaitable[Finding]) -> list[Finding]:
    return [await asking]


async def _safely(check: str, asking: Awaitable[Sequence[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            return list(await asking)
    except TimeoutError:
        words = f"No answer within {_PATIENCE.total_seconds():.0f} s."
    except (DeskError, SettingError) as error:
        words = str(error)
    except Exception as error:  # the kind of trouble is the finding
        words = f"{type(error).__name__}: {error}".partition("\n")[0]
    return [problem(check, words, "Start it, or mend the setting that names it.")]
