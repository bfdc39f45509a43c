"""What the processes of a running desk take: CPU time and memory, by part."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
PARTS = ("up", "api", "worker", "temporal", "postgres")
_SIGNS = {
    "api": "cli.main api",
    "worker": "cli.main worker",
    "temporal": "server start-dev",
    "postgres": "bin/postgres",
}

Cost = dict[str, float]


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. RSS counts a page in each process that maps it; PSS shares it out among them."""

    rss: int
    pss: int | None
    processes: int


class Processes:
    """The parts of the desk whose `duradesk up` is `up`, and `others` by name (such as a peer's worker)."""

    def __init__(self, up: int, others: Mapping[str, int] | None = None) -> None:
        self._up = psutil.Process(up)
        self._others = {"client": os.getpid(), **(others or {})}

    def _by_part(self) -> Iterator[tuple[str, psutil.Process]]:
        yield "up", self._up
        for child in self._up.children():
            with contextlib.suppress(psutil.Error):
                command = " ".join(child.cmdline())
                name = next((part for part, sign in _SIGNS.items() if sign in command), None)
                if name is not None:
                    yield name, child
        for name, pid in self._others.items():
            yield name, psutil.Process(pid)

    def cpu(self) -> Cost:
        """CPU seconds that each part has taken so far, its ended children included."""
        cost: Cost = {}
        for name, process in self._by_part():
            times = process.cpu_times()
            seconds = times.user + times.system
            if name == "postgres":
                seconds += times.children_user + times.children_system
                seconds += sum(_seconds(backend) for backend in process.children())
            cost[name] = cost.get(name, 0.0) + seconds
        return cost

    def memory(self) -> dict[str, Memory]:
        """The memory of each part of the desk now."""
        found = {}
        for name, process in self._by_part():
            if name in PARTS:
                members = [process, *(process.children() if name == "postgres" else ())]
                rss = [memory for memory in map(_rss, members) if memory]
                pss = [memory for memory in map(_pss, members) if memory is not None]
                found[name] = Memory(sum(rss), sum(pss) if len(pss) == len(rss) else None, len(rss))
        return found


def spent(before: Cost, after: Cost) -> Cost:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def added(one: Cost, other: Cost) -> Cost:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _rss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _pss(process: psutil.Process) -> int | None:
    """Linux tells it to the owner of the process and to root."""
    with contextlib.suppress(OSError):
        found = _PSS.search(Path(f"/proc/{process.pid}/smaps_rollup").read_text())
        return int(found[1]) * 1024 if found else None
    return None
