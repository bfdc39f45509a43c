"""`duradesk api`: the HTTP server as a process. What it serves is `api.app`.

It starts while the database or Temporal is away, answers 503 meanwhile, and recovers by itself.
"""

import typer
import uvicorn
import uvloop

from api.app import create_app
from api.desk import Desk
from cli.options import Gated, begin
from runtime.settings import Settings
from runtime.temporal import connect
from runtime.tracing import start_tracing
from storage.database import Database

# A request takes milliseconds; only a slow client or an event stream is cut off after this.
_GRACE_SECONDS = 2


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
    database = Database(settings.database_url)
    desk = Desk(settings=settings, database=database, temporal=await connect(settings, lazy=True))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(desk),
            host=settings.host,
            port=settings.port,
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    try:
        await server.serve()
    finally:
        await database.close()
