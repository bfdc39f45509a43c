"""A running django-helpdesk: four gunicorn workers, a PostgreSQL like the desk's own, a mail server that takes all.

It is installed into an environment of its own under `benchmarks/.run`, from the package index, the first time.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.desk import RUNS, free_port
from benchmarks.wire import Connection
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.supervisor import Supervisor

NEEDS: Final = ("django-helpdesk==2.6.1", "gunicorn==27.0.1", "psycopg[binary]==3.3.9")
DATABASE: Final = "helpdesk"
WORKERS: Final = 4
AGENTS: Final = 200
_ENVIRONMENT: Final = RUNS / "django-helpdesk"
_PROJECT: Final = Path(__file__).parent


@dataclass
class Peer:
    """`session` is that of a superuser."""

    port: int
    session: str
    database_url: str

    def connection(self) -> Connection:
        """As the superuser, with the token that its forms ask for."""
        token = "k" * 32
        cookies = f"sessionid={self.session}; csrftoken={token}"
        return Connection("127.0.0.1", self.port, headers={"Cookie": cookies, "X-CSRFToken": token})


@asynccontextmanager
async def running_peer(smtp_port: int, tickets: Iterable[Mapping[str, Any]] = ()) -> AsyncIterator[Peer]:
    """A new one with these tickets in it; gone with its data at the end."""
    await asyncio.to_thread(_install)
    home = RUNS / f"helpdesk-{os.getpid()}"
    await asyncio.to_thread(home.mkdir, parents=True)
    postgres, supervisor = EmbeddedPostgres(home), Supervisor()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "HELPDESK_SOCKET": str(postgres.socket_folder),
        "HELPDESK_SMTP_PORT": str(smtp_port),
    }
    try:
        await supervisor.start(postgres.program())
        await asyncio.to_thread(postgres.create_database, DATABASE)
        session = await asyncio.to_thread(_fill, environment, tickets)
        peer, server = await asyncio.to_thread(_serve, home / "gunicorn.log", environment, session, postgres)
        try:
            await _until_it_answers(peer)
            yield peer
        finally:
            server.terminate()
            await asyncio.to_thread(server.wait, 20)
    finally:
        await supervisor.stop()
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def _serve(
    log_file: Path, environment: Mapping[str, str], session: str, postgres: EmbeddedPostgres
) -> tuple[Peer, subprocess.Popen[bytes]]:
    port = free_port()
    command = [_program("gunicorn"), "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    command += ["--timeout", "300", "--log-level", "error", "django.core.wsgi:get_wsgi_application()"]
    with log_file.open("w") as log:
        server = subprocess.Popen(command, cwd=_PROJECT, env=environment, stdout=log, stderr=log)
    return Peer(port, session, postgres.url(DATABASE)), server


def _install() -> None:
    done = _ENVIRONMENT / "installed"
    if not done.exists():
        subprocess.run((sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)), check=True)
        pip = (_program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run((*pip, *NEEDS), check=True)
        done.touch()


def _program(name: str) -> str:
    return str(_ENVIRONMENT / "bin" / name)


def _fill(environment: Mapping[str, str], tickets: Iterable[Mapping[str, Any]]) -> str:
    """Makes the tables, people and tickets; the session that measuring uses."""
    command = (_program("python"), "-m", "project.fill", str(AGENTS))
    with subprocess.Popen(
        command, cwd=_PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as filling:
        assert filling.stdin is not None
        assert filling.stdout is not None
        for ticket in tickets:
            filling.stdin.write(json.dumps(ticket) + "\n")
        filling.stdin.close()
        session = filling.stdout.read().strip()
    if filling.returncode != 0:
        raise RuntimeError("django-helpdesk was not filled")
    return session


async def _until_it_answers(peer: Peer) -> None:
    async with asyncio.timeout(60):
        while True:
            if await _answers(peer):
                return
            await asyncio.sleep(0.1)


async def _answers(peer: Peer) -> bool:
    try:
        async with peer.connection() as connection:
            return (await connection.get("/tickets/submit/")).status == 200
    except (OSError, asyncio.IncompleteReadError):
        return False
