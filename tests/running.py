"""A whole desk as people run it: `duradesk up` as a process, with its parts to kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types

from tests.conftest import free_port


class RunningDesk:
    """A `duradesk up` on one data directory, with ports of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        names = ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")
        self._settings = {"HOME": str(home), **{name: str(free_port()) for name in names}}
        self.url = f"http://127.0.0.1:{self._settings['PORT']}"
        self.start()

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        environment |= {f"DURADESK_{name}": value for name, value in self._settings.items()}
        self.process = subprocess.Popen(
            (sys.executable, "-P", "-m", "cli.main", "up"), env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, f"ended with {self.process.wait()} after saying: {self.said}"
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

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def login(self) -> int:
        password = (self.home / "admin-password").read_text().strip()
        body = {"email": "admin@desk.localhost", "password": password}
        return httpx.post(f"{self.url}/api/v1/sessions", json=body, timeout=10).status_code


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
