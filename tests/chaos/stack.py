"""The desk under test and its mail server: real processes in a folder of their own, each to be killed alone.

`Stack` starts `duradesk up` and the peer, finds the process of a part, and says whether the desk serves. What is
done to the parts, and when, is decided in `faults`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
from temporalio.client import Client

from runtime.embedded.postgres import EmbeddedPostgres
from runtime.settings import Settings
from runtime.temporal import connect
from tests.chaos.mail_peer import Mode
from tests.conftest import free_port

PASSWORD: Final = "only-for-breaking-7"
ADMIN: Final = "admin@desk.localhost"
SMTP: Final = "smtp"
UP: Final = "up"
_SIGNS: Final = {
    "api": "cli.main api",
    "worker": "cli.main worker",
    "temporal": "server start-dev",
    "postgres": "bin/postgres",
}
PARTS: Final = (*_SIGNS, SMTP)


class Stack:
    """`folder` holds the desk's data, the logs, and what the peer took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder / "home"
        self.peer_folder = folder / "peer"
        self.port, self._temporal_port, self.smtp_port = free_port(), free_port(), free_port()
        self._settings = {
            "HOME": str(self.home),
            "PORT": str(self.port),
            "TEMPORAL_PORT": str(self._temporal_port),
            "TEMPORAL_UI_PORT": str(free_port()),
            "SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}?timeout=5",
            "ADMIN_PASSWORD": PASSWORD,
            "LOG_LEVEL": "WARNING",
        }
        self._up: subprocess.Popen[bytes] | None = None
        self._peer: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def temporal(self) -> Client:
        """A client with the desk's own keys."""
        return await connect(Settings(home=self.home, temporal_address=f"127.0.0.1:{self._temporal_port}"))

    def database_url(self, database: str = "duradesk") -> str:
        return EmbeddedPostgres(self.home).url(database)

    def start(self) -> None:
        self.peer_folder.mkdir(parents=True)
        self.tell_peer(Mode.TAKE)
        self.start_peer()
        self.start_desk()

    def start_desk(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        environment |= {f"DURADESK_{name}": value for name, value in self._settings.items()}
        with (self.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                (sys.executable, "-P", "-m", "cli.main", "up"), env=environment, stdout=log, stderr=log
            )

    def start_peer(self) -> None:
        command = (sys.executable, "-m", "tests.chaos.mail_peer", str(self.smtp_port), str(self.peer_folder))
        with (self.folder / "peer.log").open("ab") as log:
            self._peer = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=log, stderr=log)

    def tell_peer(self, mode: Mode) -> None:
        """Replaced in one go: the peer never reads half a word."""
        new = self.peer_folder / "mode.new"
        new.write_text(mode)
        new.replace(self.peer_folder / "mode")

    def process(self, part: str) -> psutil.Process | None:
        """The process of a part, if it runs now."""
        assert self._up is not None
        assert self._peer is not None
        if part in (SMTP, UP):
            popen = self._peer if part == SMTP else self._up
            return psutil.Process(popen.pid) if popen.poll() is None else None
        if self._up.poll() is not None:
            return None
        try:
            children = psutil.Process(self._up.pid).children()
        except psutil.Error:
            return None
        return next((child for child in children if _SIGNS[part] in _command(child)), None)

    def kill(self, part: str) -> None:
        """`kill -9`. The supervisor restarts its children; the peer and the supervisor are restarted by us."""
        process = self.process(part)
        if process is not None:
            process.kill()
        if part == SMTP and self._peer is not None:
            self._peer.wait(timeout=10)
        if part == UP and self._up is not None:
            self._up.wait(timeout=10)

    def freeze(self, part: str, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT for a part and everything that it started."""
        process = self.process(part)
        if process is not None:
            for one in (process, *process.children(recursive=True)):
                try:
                    one.send_signal(number)
                except psutil.NoSuchProcess:
                    continue

    def restart_what_is_ours(self) -> None:
        if self._peer is not None and self._peer.poll() is not None:
            self.start_peer()
        if self._up is not None and self._up.poll() is not None:
            self.start_desk()

    def is_ready(self) -> bool:
        """Every part runs, and the desk says so itself."""
        if any(self.process(part) is None for part in PARTS):
            return False
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, limit: float = 120.0) -> None:
        end = time.monotonic() + limit
        while not self.is_ready():
            if time.monotonic() > end:
                raise TimeoutError(f"the desk was not ready within {limit:.0f} s; see {self.folder}/up.log")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends both, gently first."""
        for popen, number in ((self._up, signal.SIGINT), (self._peer, signal.SIGTERM)):
            if popen is not None and popen.poll() is None:
                popen.send_signal(number)
                try:
                    popen.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    popen.kill()
                    popen.wait()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
