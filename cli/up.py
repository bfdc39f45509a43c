"""`duradesk up`: the whole desk on one machine, as one foreground command.

It takes the data directory, starts PostgreSQL and Temporal (unless settings name others), prepares them, then
starts the worker and the API as children, and stays until it is told to stop. Everything that Python has to
import is imported while the servers start: the children wait at a gate. How children are kept alive and
stopped is `runtime.supervisor`'s.
"""

import asyncio
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import typer

from cli.options import PASSWORD_FILE
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.home import check_whole, data_directory
from runtime.logging import configure_logging
from runtime.settings import PREFIX, SettingError, Settings, load_settings
from runtime.supervisor import Program, StartError, Supervisor, free_port, together
from runtime.version import desk_version

# API, workers, servers: three times this is less than the ten seconds within which all is stopped.
_PART_STOPS_WITHIN = timedelta(seconds=3)
_DRAIN = "2"  # seconds of those three


def register(app: typer.Typer) -> None:
    app.command("up")(up)


def up() -> None:
    """Start the whole desk in the foreground; Ctrl-C stops it, a second Ctrl-C at once."""
    started = time.monotonic()
    settings = load_settings()
    configure_logging(settings)
    os.umask(0o077)  # what the desk keeps is for its owner only
    with data_directory(settings.home):
        check_whole(settings.home)
        _check_ports(settings)
        asyncio.run(_run(settings, started))


def _check_ports(settings: Settings) -> None:
    """Raises SettingError for the first port that somebody listens on, or that two parts would share."""
    wanted = [("PORT", settings.host, settings.port)]
    if settings.embedded_temporal:
        wanted.append(("TEMPORAL_PORT", "127.0.0.1", settings.temporal_port))
        wanted.append(("TEMPORAL_UI_PORT", "127.0.0.1", settings.temporal_ui_port))
    taken: dict[int, str] = {}
    for name, host, port in wanted:
        if port in taken:
            raise SettingError(f"{PREFIX}{name} and {PREFIX}{taken[port]} are both {port}; change one.")
        taken[port] = name
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except socket.gaierror:
            raise SettingError(f"{PREFIX}HOST={host!r}: is not an address of this machine.") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise SettingError(f"{PREFIX}HOST={host!r}: is not an address of this machine.") from None
            raise SettingError(
                f"Port {port} of {host} cannot be used ({error.strerror}). "
                f"Stop what uses it, or set {PREFIX}{name}."
            ) from None


@dataclass
class _Desk:
    """The children of one `duradesk up` and the gates that they wait at."""

    settings: Settings
    supervisor: Supervisor = field(default_factory=Supervisor)
    servers_up: asyncio.Event = field(default_factory=asyncio.Event)
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    metrics: str = ""

    def __post_init__(self) -> None:
        self.metrics = self.settings.metrics_address or f"127.0.0.1:{free_port()}"
        self.postgres = EmbeddedPostgres(self.settings.home)
        self.temporal = EmbeddedTemporal(
            port=self.settings.temporal_port,
            ui_port=self.settings.temporal_ui_port,
            database=self.settings.home / "temporal.db",
            log_file=self.settings.home / "log" / "temporal.log",
        )

    async def start(self) -> None:
        """Returns when every part is ready; raises StartError. What is listed last is stopped first."""
        await together(
            self._start_servers(),
            self._prepare(),
            self.supervisor.start(self._part("worker", gate=self.prepared)),
            self.supervisor.start(self._part("api", gate=self.prepared, ready=self._answers)),
        )

    async def _start_servers(self) -> None:
        servers = []
        if self.settings.embedded_database:
            servers.append(self.postgres.program())
        if self.settings.embedded_temporal:
            servers.append(self.temporal.program(self.settings.temporal_namespace))
        await self.supervisor.start(*servers)
        self.servers_up.set()

    async def _prepare(self) -> None:
        options = ["--make-key"] if self.settings.embedded_temporal else []
        try:
            await self.supervisor.run(self._part("migrate", *options, gate=self.servers_up))
        except StartError as error:
            if "exit code 1)" in str(error):
                raise StartError from error  # it has said why
            raise
        self.prepared.set()

    def _part(
        self,
        name: str,
        *options: str,
        gate: asyncio.Event,
        ready: Callable[[], Awaitable[bool]] | None = None,
    ) -> Program:
        """A part of ours, told where the servers are."""
        environment = {f"{PREFIX}HOME": str(self.settings.home), f"{PREFIX}DRAIN": _DRAIN}
        environment[f"{PREFIX}METRICS_ADDRESS"] = self.metrics
        environment[f"{PREFIX}WORKER_METRICS_URL"] = f"http://{self.metrics}/metrics"
        if self.settings.embedded_database:
            environment[f"{PREFIX}DATABASE_URL"] = self.postgres.url()
        if self.settings.embedded_temporal:
            environment[f"{PREFIX}TEMPORAL_ADDRESS"] = self.temporal.address
            environment[f"{PREFIX}TEMPORAL_UI_URL"] = (
                self.settings.temporal_ui_url or f"http://127.0.0.1:{self.settings.temporal_ui_port}"
            )
        return Program(
            name=name,
            argv=(sys.executable, "-P", "-m", "cli.main", name, "--gated", *options),
            environment=environment,
            gate=gate,
            ready=ready,
            stop_timeout=_PART_STOPS_WITHIN,
        )

    async def _answers(self) -> bool:
        """Whether the API says that it, the database, Temporal and a worker are there."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(host, self.settings.port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: duradesk\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        return False


async def _run(settings: Settings, started: float) -> None:
    """Until the first Ctrl-C (or SIGTERM); the second one kills."""
    desk, told = _Desk(settings), asyncio.Event()

    def tell() -> None:
        if told.is_set():
            desk.supervisor.kill()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, tell)
    starting, waiting = asyncio.create_task(desk.start()), asyncio.create_task(told.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            typer.echo(_announcement(settings, time.monotonic() - started))
            await told.wait()
    finally:
        if told.is_set():
            typer.echo("\nStopping.")
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await desk.supervisor.stop()
        waiting.cancel()


def _announcement(settings: Settings, seconds: float) -> str:
    password = settings.home / PASSWORD_FILE
    if settings.admin_password.get_secret_value():
        where = f"password as you set it in {PREFIX}ADMIN_PASSWORD"
    elif password.exists():
        where = f"password in {password}"
    else:
        where = "made earlier, with a password that is not kept here"
    lines = [f"Duradesk {desk_version()} is ready after {seconds:.1f} s."]
    lines.append(f"  API          {settings.base_url}/docs")
    if settings.embedded_temporal:
        lines.append(f"  Temporal UI  http://127.0.0.1:{settings.temporal_ui_port}")
    lines += [f"  First admin  {settings.admin_email}, {where}", f"  Data         {settings.home}"]
    return "\n".join([*lines, "Ctrl-C stops it; nothing is lost."])
