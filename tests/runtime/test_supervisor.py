"""The supervisor with real, small children."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from runtime.supervisor import Program, StartError, Supervisor

_FOREVER = "import time\nwhile True: time.sleep(1)"


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.kill()
    await supervisor.stop()


def _python(name: str, code: str, **options: object) -> Program:
    return Program(name=name, argv=(sys.executable, "-S", "-c", code), **options)  # type: ignore[arg-type]  # options of Program, by name


async def _until(met: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110  a process has no event to wait for
            await asyncio.sleep(0.01)


def _pid(supervisor: Supervisor, name: str) -> int:
    pid = supervisor.children[name].pid
    assert pid is not None
    return pid


async def test_start_returns_when_the_child_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    async def ready() -> bool:
        return flag.exists()

    code = f"import pathlib; pathlib.Path({str(flag)!r}).touch()\n{_FOREVER}"
    await supervisor.start(_python("slow", code, ready=ready))
    assert flag.exists()


async def test_a_crashed_child_is_started_again(supervisor: Supervisor) -> None:
    await supervisor.start(_python("fragile", _FOREVER))
    first = _pid(supervisor, "fragile")
    psutil.Process(first).kill()
    await _until(lambda: supervisor.children["fragile"].pid not in (first, None))
    assert supervisor.children["fragile"].restarts == 1


async def test_a_child_that_ends_while_starting_is_told_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    async def never() -> bool:
        return False

    code = "print('Error: the disk is full', flush=True); raise SystemExit(3)"
    program = _python("broken", code, ready=never, log_file=tmp_path / "broken.log")
    with pytest.raises(
        StartError, match=r"broken ended while starting \(exit code 3\): Error: the disk is full"
    ):
        await supervisor.start(program)


async def test_a_child_that_never_gets_ready_is_told(supervisor: Supervisor) -> None:
    async def never() -> bool:
        return False

    program = _python("deaf", _FOREVER, ready=never, start_timeout=timedelta(milliseconds=200))
    with pytest.raises(StartError, match="deaf was not ready"):
        await supervisor.start(program)


async def test_children_stop_in_the_reverse_order_of_their_start(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    code = """
import pathlib, signal, sys
def stop(*_):
    with open({diary!r}, "a") as file: file.write({name!r} + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
pathlib.Path({diary!r} + {name!r}).touch()
while True: signal.pause()
"""

    def ready_of(name: str) -> Callable[[], Awaitable[bool]]:
        return lambda: asyncio.to_thread(Path(f"{diary}{name}").exists)

    for name in ("database", "worker", "api"):
        await supervisor.start(_python(name, code.format(diary=str(diary), name=name), ready=ready_of(name)))
    await supervisor.stop()
    assert diary.read_text().split() == ["api", "worker", "database"]


async def test_a_child_that_ignores_the_request_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    async def ready() -> bool:
        return flag.exists()

    code = f"""
import pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path({str(flag)!r}).touch()
{_FOREVER}"""
    program = _python("stubborn", code, ready=ready, stop_timeout=timedelta(milliseconds=200))
    await supervisor.start(program)
    pid = _pid(supervisor, "stubborn")
    await supervisor.stop()
    assert not psutil.pid_exists(pid)


async def test_a_gated_child_waits_until_the_gate_opens(supervisor: Supervisor, tmp_path: Path) -> None:
    flag, gate = tmp_path / "flag", asyncio.Event()
    code = f"import pathlib; pathlib.Path({str(flag)!r}).write_text(input())\n{_FOREVER}"
    await supervisor.start(_python("gated", code, gate=gate))
    assert not flag.exists()
    gate.set()
    await _until(lambda: flag.exists() and flag.read_text())
    assert flag.read_text() == "go"


async def test_a_program_that_runs_to_its_end_may_fail(supervisor: Supervisor) -> None:
    await supervisor.run(_python("good", "pass"))
    with pytest.raises(StartError, match="bad ended"):
        await supervisor.run(_python("bad", "raise SystemExit(1)"))


async def test_a_child_has_a_process_group_of_its_own(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import os; print(os.getpgid(0) == os.getpid(), flush=True)\n{_FOREVER}"
    await supervisor.start(_python("apart", code, log_file=log))
    await _until(log.read_text)
    assert log.read_text().strip() == "True"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a child die with its parent")
def test_nothing_outlives_a_killed_supervisor() -> None:
    code = f"""
import asyncio, sys
from runtime.supervisor import Program, Supervisor
async def main():
    supervisor = Supervisor()
    child = (sys.executable, "-S", "-c", {_FOREVER!r})
    await supervisor.start(Program(name="one", argv=child), Program(name="two", argv=child))
    print(*(child.pid for child in supervisor.children.values()), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        children = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        process.send_signal(signal.SIGKILL)
    assert len(children) == 2
    deadline = time.monotonic() + 10
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.01)
