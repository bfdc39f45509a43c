"""Runs named child processes: starts them, waits until they are ready, restarts the crashed, stops in order.

A child lives in a process group of its own, so a Ctrl-C at the terminal reaches only the supervisor. On Linux
the kernel ends it when the supervisor's main thread dies, whatever the reason: nothing outlives a `kill -9`.
What a child does is told by its `Program`; who starts which is `cli.up`.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

_PR_SET_PDEATHSIG = 1
_PROBE_PAUSE = 0.02
_FIRST_BACKOFF, _LAST_BACKOFF = 0.2, 10.0
_HEALTHY_AFTER = 30.0
_LOG_LIMIT = 10 * 2**20

log = structlog.get_logger("supervisor")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to treat it.

    `ready` answers whether the child serves; it is asked repeatedly until it says yes. `gate` holds the child
    back: it gets the line `go` on its standard input when the gate opens, so it can import meanwhile.
    `run_as` is (uid, gid). `prepare` runs in a thread before each start, also before the one after a crash.
    `death_signal` is what it gets when the supervisor is killed.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[bool]] | None = None
    gate: asyncio.Event | None = None
    run_as: tuple[int, int] | None = None
    cwd: Path | None = None
    log_file: Path | None = None
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: timedelta = timedelta(seconds=5)
    death_signal: signal.Signals = signal.SIGKILL
    start_timeout: timedelta = timedelta(seconds=60)


class StartError(Exception):
    """A child ended, or did not become ready; the message is one line, with the last words of its log."""


class Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.restarts = 0
        self._process: Process | None = None
        self._stopping = False
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Starts it and returns when it is ready; raises StartError."""
        process = await self._spawn()
        try:
            async with asyncio.timeout(self.program.start_timeout.total_seconds()):
                await self._until_ready(process)
        except TimeoutError:
            seconds = self.program.start_timeout.total_seconds()
            raise StartError(f"{self.program.name} was not ready after {seconds:.0f} s.") from None
        self._watcher = asyncio.create_task(self._watch(process), name=f"watch {self.program.name}")

    async def finish(self) -> None:
        """For a program that ends by itself: waits for its end; raises StartError unless it ended well."""
        process = await self._spawn()
        if await process.wait() != 0:
            raise self._failure(process)

    async def stop(self) -> None:
        """Asks it to stop; kills it when it has not after `stop_timeout`."""
        self._stopping = True
        if self._watcher:
            self._watcher.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(process, self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.stop_timeout.total_seconds()):
                await process.wait()
        except TimeoutError:
            log.warning("did not stop in time and is killed", child=self.program.name, pid=process.pid)
            self._signal(process, signal.SIGKILL)
            await process.wait()

    def kill(self) -> None:
        """Ends it at once, without leave."""
        self._stopping = True
        if self._process and self._process.returncode is None:
            self._signal(self._process, self.program.death_signal)

    async def _spawn(self) -> Process:
        program = self.program
        if program.prepare:
            await asyncio.to_thread(program.prepare)
        options: dict[str, Any] = {}
        if program.run_as:
            options = {"user": program.run_as[0], "group": program.run_as[1], "extra_groups": []}
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(_open_log(program.log_file)) if program.log_file else None
            self._process = await asyncio.create_subprocess_exec(
                *program.argv,
                stdin=PIPE if program.gate else DEVNULL,
                stdout=output,
                stderr=output,
                cwd=program.cwd,
                env={**os.environ, **program.environment},
                process_group=0,
                preexec_fn=die_with_parent(program.death_signal),
                **options,
            )
        if program.gate:
            asyncio.create_task(_open_gate(program.gate, self._process)).add_done_callback(_retrieve)
        return self._process

    async def _until_ready(self, process: Process) -> None:
        if self.program.ready is None:
            return
        while True:
            if process.returncode is not None:
                raise self._failure(process)
            if await self.program.ready():
                return
            await asyncio.sleep(_PROBE_PAUSE)

    async def _watch(self, process: Process) -> None:
        """Restarts it whenever it ends, sooner after a long good run, later after each further crash."""
        clock, backoff = asyncio.get_running_loop().time, _FIRST_BACKOFF
        while True:
            started = clock()
            await process.wait()
            if self._stopping:
                return
            if clock() - started > _HEALTHY_AFTER:
                backoff = _FIRST_BACKOFF
            log.error("ended and is restarted", child=self.program.name, how=_how(process), after_s=backoff)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LAST_BACKOFF)
            self.restarts += 1
            process = await self._spawn_again(process)

    async def _spawn_again(self, ended: Process) -> Process:
        """A start that fails now may succeed later: the ended process stands for another crash."""
        try:
            return await self._spawn()
        except (OSError, StartError) as error:
            log.error("cannot be restarted yet", child=self.program.name, reason=str(error))
            return ended

    def _signal(self, process: Process, number: signal.Signals) -> None:
        """SIGKILL goes to the whole group, so that nothing the child started remains."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    def _failure(self, process: Process) -> StartError:
        words = _last_words(self.program.log_file)
        return StartError(f"{self.program.name} ended while starting ({_how(process)}){words}")


class Supervisor:
    """The children in the order of their start; stops them in the reverse order."""

    def __init__(self) -> None:
        self._groups: list[list[Child]] = []

    @property
    def children(self) -> dict[str, Child]:
        return {child.program.name: child for group in self._groups for child in group}

    async def start(self, *programs: Program) -> None:
        """Starts the programs concurrently and returns when all are ready; raises StartError.

        Programs started together are stopped together, after every later started one.
        """
        group = [Child(program) for program in programs]
        self._groups.append(group)
        await together(*(child.start() for child in group))

    async def run(self, program: Program) -> None:
        """Runs a program to its end; raises StartError unless it ends well."""
        child = Child(program)
        self._groups.append([child])
        try:
            await child.finish()
        finally:
            child.kill()

    async def stop(self) -> None:
        """Stops every group, the last started first."""
        for group in reversed(self._groups):
            await together(*(child.stop() for child in group))

    def kill(self) -> None:
        """Ends all children at once; `stop` then only collects them."""
        for child in self.children.values():
            child.kill()


async def together(*work: Awaitable[None]) -> None:
    """Awaits all; the first failure is raised after the others have been cancelled."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now; for a child."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel sends `number` to the child when the thread that starts it has ended.

    Runs in the child after it changed its user (which would clear the wish) and before it executes.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask


async def _open_gate(gate: asyncio.Event, process: Process) -> None:
    await gate.wait()
    if process.stdin and process.returncode is None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(b"go\n")
            await process.stdin.drain()
        process.stdin.close()


def _retrieve(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()


def _open_log(path: Path) -> Any:
    """Appends; a file that grew past the limit starts anew, the old one is kept as `.old`."""
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(path.suffix + ".old"))
    return path.open("ab")


def _how(process: Process) -> str:
    code = process.returncode
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _last_words(path: Path | None) -> str:
    if path is None or not path.exists():
        return "."
    lines = path.read_text(errors="replace").strip().splitlines()
    fatal = [line for line in lines[-20:] if "FATAL" in line or "rror" in line]
    last = (fatal or lines or [""])[-1].strip()
    return f": {last} (log: {path})"
