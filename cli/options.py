"""What several commands share: how a long-running part of the desk begins, and how it is told to end."""

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from runtime.embedded.postgres import EmbeddedPostgres
from runtime.logging import configure_logging
from runtime.settings import Settings, load_settings

# In the data directory, for the first administrator; made once, readable by its owner only.
PASSWORD_FILE = "admin-password"  # noqa: S105  the name of a file

# Objects made and not yet freed. With Python's 700 the collector took 4 % of a worker's time under load.
_COLLECT_AFTER = 20_000

Gated = Annotated[
    bool, typer.Option("--gated", hidden=True, help="Wait for a line on stdin before starting.")
]


def connected_settings() -> Settings:
    """The settings; without a DATABASE_URL or TEMPORAL_ADDRESS, those of the desk that runs on `home`."""
    settings = load_settings()
    if settings.embedded_database:
        settings.database_url = EmbeddedPostgres(settings.home).url()
    if settings.embedded_temporal:
        settings.temporal_address = f"127.0.0.1:{settings.temporal_port}"
    return settings


def begin(gated: bool) -> Settings:
    """Settings and logging of a part. `gated` waits for `duradesk up` to say that its turn has come."""
    settings = connected_settings()
    configure_logging(settings)
    if gated and not sys.stdin.readline():
        raise typer.Exit(1)  # whoever started us is gone
    return settings


def settle() -> None:
    """For a part that has everything loaded: that stays, so the garbage collector need not look at it again and
    again; and it looks less often at what requests and tasks leave behind, most of which is gone by then."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


async def until_told(work: Coroutine[Any, Any, None]) -> None:
    """Runs until it ends, or until SIGTERM or SIGINT, which cancel it so that it finishes what it holds."""
    task = asyncio.ensure_future(work)
    told = asyncio.Event()

    def tell() -> None:
        told.set()
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, tell)
    try:
        await task
    except asyncio.CancelledError:
        if not told.is_set():
            raise
