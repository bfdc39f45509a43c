"""A rolling restart under load: of two workers and two APIs, one is told to stop and comes back; no request fails."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal
from tests.conftest import free_port
from tests.replay.stage import until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

PASSWORD: Final = "only-for-testing-7"
CLIENTS: Final = 3
PAUSE: Final = 0.05
STOPS_WITHIN: Final = 30.0


@dataclass
class Parts:
    """The parts of a desk as they run in production: processes of their own, each on its port."""

    settings: dict[str, str]
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def run(self, command: str, **settings: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        wanted = {**self.settings, **settings}
        environment |= {f"DURADESK_{name}": value for name, value in wanted.items()}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cli.main",
            command,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def start(self, name: str) -> None:
        """`api:9001`, `worker:9002`: the part and the port on which it says that it is ready."""
        command, _, port = name.partition(":")
        ports = {"PORT": port} if command == "api" else {"METRICS_ADDRESS": f"127.0.0.1:{port}"}
        self.running[name] = await self.run(command, **ports)
        async with httpx.AsyncClient() as client:

            async def ready() -> bool:
                try:
                    return (await client.get(f"http://127.0.0.1:{port}/readyz", timeout=5)).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready)

    async def stop(self, name: str) -> None:
        """It ends by itself, well and in time."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), STOPS_WITHIN) == 0


@dataclass
class Load:
    """Clients that work all the time. Like any load balancer, they go to another API when one takes no more
    connections. `closed` counts connections that were closed at the moment when a request began, which is then asked
    again under its key; everything else that goes wrong is a failure."""

    urls: list[str]
    done: int = 0
    closed: int = 0
    failures: list[str] = field(default_factory=list)

    async def client(self, number: int, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while not stop.is_set():
                ticket = await self._post(
                    client, number, "/tickets", {"subject": "磁盘", "description": "Full"}
                )
                if ticket is not None:
                    await self._post(
                        client, number, f"/tickets/{ticket['id']}/actions/note", {"body": "seen"}
                    )

    async def _post(self, client: httpx.AsyncClient, number: int, path: str, body: Any) -> Any:
        headers = self.headers | {"Idempotency-Key": uuid4().hex}
        for turn in range(len(self.urls)):
            url = self.urls[(number + turn) % len(self.urls)]
            try:
                answer = await client.post(f"{url}/api/v1{path}", json=body, headers=headers)
            except httpx.ConnectError:
                continue
            except (httpx.ReadError, httpx.RemoteProtocolError):
                self.closed += 1
                continue
            except httpx.TransportError as error:
                self.failures.append(f"{path}: {error!r}")
                return None
            if not answer.is_success:
                self.failures.append(f"{path}: {answer.status_code} {answer.text}")
                return None
            self.done += 1
            return answer.json()
        self.failures.append(f"{path}: nobody took the connection")
        return None

    async def listen(self, url: str, heard: asyncio.Event) -> str:
        """What comes over a live stream until the API ends it."""
        told = ""
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", f"{url}/api/v1/stream", headers=self.headers) as answer,
        ):
            async for text in answer.aiter_text():
                told += text
                heard.set()
        return told

    async def sign_in(self) -> None:
        body = {"email": "admin@desk.localhost", "password": PASSWORD}
        async with httpx.AsyncClient(timeout=30) as client:
            token = (await client.post(f"{self.urls[0]}/api/v1/sessions", json=body)).json()["token"]
        self.headers = {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def parts(
    postgres_server: EmbeddedPostgres, temporal_server: EmbeddedTemporal, tmp_path: Path
) -> AsyncIterator[Parts]:
    name = f"rolling_{uuid4().hex[:8]}"
    postgres_server.create_database(name)
    settings = {
        "HOME": str(tmp_path),
        "DATABASE_URL": postgres_server.url(name),
        "TEMPORAL_ADDRESS": temporal_server.address,
        "ADMIN_PASSWORD": PASSWORD,
        "LOG_LEVEL": "WARNING",
    }
    parts = Parts(settings)
    assert await (await parts.run("migrate")).wait() == 0
    yield parts
    for process in parts.running.values():
        process.kill()
        await process.wait()


@asynccontextmanager
async def loaded(load: Load) -> AsyncIterator[None]:
    """While the block runs, the clients work."""
    stop = asyncio.Event()
    clients = [asyncio.create_task(load.client(number, stop)) for number in range(CLIENTS)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*clients)


async def test_no_request_fails_while_a_worker_and_an_api_are_restarted(parts: Parts) -> None:
    workers = [f"worker:{free_port()}" for _ in range(2)]
    apis = [f"api:{free_port()}" for _ in range(2)]
    await asyncio.gather(*(parts.start(name) for name in workers))
    await asyncio.gather(*(parts.start(name) for name in apis))
    load = Load([f"http://127.0.0.1:{name.partition(':')[2]}" for name in apis])
    await load.sign_in()
    heard = asyncio.Event()
    listening = asyncio.create_task(load.listen(load.urls[0], heard))
    await heard.wait()
    async with loaded(load):
        for name in (workers[0], apis[0]):
            before = load.done
            await parts.stop(name)
            await parts.start(name)

            async def worked(before: int = before) -> bool:
                return load.done >= before + 20 or bool(load.failures)

            await until(worked)
        assert listening.done(), "a stream does not hold up an API that stops"
    assert load.failures == []
    assert load.closed <= 1, "an API that stops finishes what it has begun"
    assert "event: ticket" in await listening
