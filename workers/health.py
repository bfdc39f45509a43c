"""A worker's own small HTTP server for those who watch over it: /metrics, /healthz, /readyz.

It answers from the loop that does the work, so a worker that hangs does not answer. Nothing else is served here, and
nobody has to sign in: keep the address inside.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Final

import orjson
import uvicorn
from sqlalchemy import text
from starlette.types import Receive, Scope, Send
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion

from runtime.metrics import CONTENT_TYPE, Page, whole_page
from runtime.settings import SettingError
from storage.database import Database
from workers.deployment import check_current

_PATIENCE: Final = timedelta(seconds=3)

Check = Callable[[], Awaitable[object]]
"""Raises when a part does not answer."""


def checks(
    database: Database, client: Client, version: WorkerDeploymentVersion | None = None
) -> Mapping[str, Check]:
    """What a worker needs, by name; with a version, that it is the current one."""

    async def ask_database() -> None:
        async with database.reading() as reader:
            await reader.execute(text("SELECT 1"))

    async def ask_temporal() -> None:
        await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_PATIENCE)

    needed: dict[str, Check] = {"database": ask_database, "temporal": ask_temporal}
    if version is not None:
        needed["version"] = partial(check_current, client, version)
    return needed


@asynccontextmanager
async def watched(address: str, parts: Mapping[str, Check], page: Page) -> AsyncIterator[None]:
    """Serves at `address` (host:port) while the block runs; raises SettingError when it is taken."""
    listening = _listen(address)
    server = _Server(
        uvicorn.Config(
            _Application(parts, page),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listening.close()


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise SettingError(f"DURADESK_METRICS_ADDRESS={address!r}: {error.strerror}.") from None


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are the worker's


class _Application:
    """Plain ASGI: three paths, no routing worth a framework."""

    def __init__(self, parts: Mapping[str, Check], page: Page) -> None:
        self._parts, self._page = parts, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics":
            await _answer(send, 200, CONTENT_TYPE, (await whole_page("worker", self._page)).encode())
        elif scope["path"] == "/healthz":
            await _answer(send, 200, "application/json", orjson.dumps({"status": "alive"}))
        elif scope["path"] == "/readyz":
            up = dict(
                zip(self._parts, await asyncio.gather(*map(_answers, self._parts.values())), strict=True)
            )
            ready = all(up.values())
            parts = {name: {"up": is_up} for name, is_up in up.items()}
            body = {"status": "ready" if ready else "not_ready", "parts": parts}
            await _answer(send, 200 if ready else 503, "application/json", orjson.dumps(body))
        else:
            await _answer(send, 404, "text/plain", b"/metrics, /healthz and /readyz are here.\n")


async def _answers(check: Check) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await check()
    except Exception:  # whatever goes wrong, it does not answer
        return False
    return True


async def _answer(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
