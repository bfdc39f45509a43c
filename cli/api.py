"""`duradesk api`: the HTTP server as a process. What it serves is `api.app`.

It starts while the database or Temporal is away, answers 503 meanwhile, and recovers by itself.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import typer
import uvicorn
import uvloop
from sse_starlette.sse import AppStatus
from temporalio.service import RPCError

from api.app import create_app
from api.desk import Desk
from api.leaving import Leaving
from cli.options import Gated, begin, settle
from runtime.metrics import metered_runtime, page_at
from runtime.settings import SettingError, Settings
from runtime.temporal import check_key, connect
from runtime.tracing import start_tracing
from storage.database import Database

# Long enough for a load balancer and for busy connections to hear that this process is going.
_FAREWELL_SECONDS = 1.0
_AGAIN_AFTER = 1.0
# Nobody waits longer than ten seconds for an answer, even that the database is away.
_PATIENCE: Final = timedelta(seconds=7)


def register(app: typer.Typer) -> None:
    app.command("api")(api)


def api(gated: Gated = False) -> None:
    """Serve the API."""
    settings = begin(gated)
    stop_tracing = start_tracing(settings, "api")
    try:
        uvloop.run(_serve(settings))
    finally:
        stop_tracing()


async def _serve(settings: Settings) -> None:
    database = Database(settings.database_url, patience=_PATIENCE)
    runtime, page = metered_runtime()
    client = await connect(settings, lazy=True, runtime=runtime)
    desk = Desk(settings=settings, database=database, temporal=client)
    worker = settings.worker_metrics_url
    app = create_app(desk, pages=[page], others=[page_at(worker)] if worker else [])
    settle()
    server = _Server(settings, Leaving(app))
    checking = asyncio.create_task(_check_key(desk, server))
    try:
        await server.serve()
    finally:
        await database.close()
    if checking.done():
        await checking
    checking.cancel()


class _Server(uvicorn.Server):
    """Told to stop, it says so while it still takes requests, then finishes those that it has."""

    def __init__(self, settings: Settings, app: Leaving) -> None:
        self._app = app
        # It would cut live streams off at the signal; they are ended well.
        AppStatus.enable_automatic_graceful_drain = False
        drain = settings.drain.total_seconds()
        self._farewell = min(_FAREWELL_SECONDS, drain / 10)
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="httptools",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=max(1, int(drain - self._farewell)),
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The signal has done its work when everything is stopped; raised again, it would skip what comes then."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.begin()
        await asyncio.sleep(self._farewell)
        await super().shutdown(sockets)


async def _check_key(desk: Desk, server: uvicorn.Server) -> None:
    """Stops the server as soon as Temporal says that this part lacks the key of the histories."""
    while True:
        try:
            return await check_key(desk.temporal, desk.settings)
        except (RPCError, RuntimeError):  # Temporal is away
            await asyncio.sleep(_AGAIN_AFTER)
        except SettingError:
            server.should_exit = True
            raise
