"""A whole desk as people run it: `duradesk up` as a process, with its parts to kill and to suspend."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types

from tests.conftest import free_port

API: Final = "cli.main api"
WORKER: Final = "cli.main worker"
TEMPORAL: Final = "server start-dev"
POSTGRES: Final = "bin/postgres -D"
_PATIENCE: Final = 120.0


class RunningDesk:
    """A `duradesk up` on one data directory, with ports of its own; `settings` are further ones by name. With
    `code`, a folder that holds another version's packages, that version is run."""

    def __init__(
        self, home: Path, *, stderr: IO[str] | None = None, code: Path | None = None, **settings: str
    ) -> None:
        self.home = home
        self.code = code
        self._stderr = stderr
        names = ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")
        ports = {name: str(free_port()) for name in names}
        self._settings = {"HOME": str(home), **ports, **settings}
        self.temporal_address = f"127.0.0.1:{ports['TEMPORAL_PORT']}"
        self.url = f"http://127.0.0.1:{self._settings['PORT']}"
        self.start()

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        environment |= {f"DURADESK_{name}": value for name, value in self._settings.items()}
        if self.code is not None:
            environment["PYTHONPATH"] = str(self.code)  # comes before what is installed
        self.process = subprocess.Popen(
            (sys.executable, "-P", "-m", "cli.main", "up"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        assert self.process.stdout
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            if not line:
                self.process.stdout.close()
                raise AssertionError(f"ended with {self.process.wait()} after saying: {self.said}")
            self.said += line

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=15)
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def part(self, words: str) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children()
        return next((child for child in children if words in command_of(child)), None)

    @contextmanager
    def suspended(self, words: str) -> Iterator[None]:
        """The part stands still, with all that it started, and goes on afterwards."""
        found = self.part(words)
        assert found is not None
        processes = [found, *found.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(processes):
                process.resume()

    @contextmanager
    def gone(self, words: str) -> Iterator[None]:
        """The part is killed, and the one that would start it again stands still meanwhile."""
        found = self.part(words)
        assert found is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            found.kill()
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while not self.is_ready():
            assert time.monotonic() < deadline, "not ready within a minute"
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def login(self) -> int:
        password = (self.home / "admin-password").read_text().strip()
        body = {"email": "admin@desk.localhost", "password": password}
        return httpx.post(f"{self.url}/api/v1/sessions", json=body, timeout=10).status_code


class Client:
    """The administrator; repeats what did not get through, with the same key, as a careful program does."""

    def __init__(self, desk: RunningDesk) -> None:
        self.desk = desk
        password = (desk.home / "admin-password").read_text().strip()
        body = {"email": "admin@desk.localhost", "password": password}
        token = httpx.post(f"{desk.url}/api/v1/sessions", json=body, timeout=20).json()["token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None, seconds: float = 20
    ) -> httpx.Response:
        """Once, whatever the answer is."""
        headers = self._headers if key is None else {**self._headers, "Idempotency-Key": key}
        url = f"{self.desk.url}/api/v1{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=seconds)

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        return self._get_through("POST", path, body, key)

    def get(self, path: str) -> dict[str, Any]:
        return self._get_through("GET", path)

    def _get_through(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> dict[str, Any]:
        """The answer, however long the desk is away: a busy machine takes half a minute to start one."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                answer = self.ask(method, path, body, key)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    assert answer.is_success, answer.text
                    return dict(answer.json())
            time.sleep(0.3)
        raise AssertionError(f"{path} never got through")


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
