"""What a person sees of long work: a bar on a terminal, a plain line every ten seconds anywhere else.

Everything goes to stderr; stdout is for the result. Rejected lines and notes are printed above the bar.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from cli.output import console, line

_EVERY_SECONDS: Final = 10.0


class Watcher(Protocol):
    """Who is told how long work goes on."""

    def advance(self, size: int, counts: str) -> None:
        """`size` more bytes are done; `counts` says how it stands."""

    def say(self, text: str) -> None:
        """One line that stays."""


@contextmanager
def watching(title: str, total: int | None) -> Iterator[Watcher]:
    """A watcher of work on `total` bytes (None: nobody knows)."""
    terminal = console(stderr=True)
    if not terminal.is_terminal:
        yield _Lines(terminal, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=15),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal) as progress:
        yield _Bar(progress, progress.add_task(title, total=total, counts=""))


@dataclass(slots=True)
class _Bar:
    progress: Progress
    task: TaskID

    def advance(self, size: int, counts: str) -> None:
        self.progress.update(self.task, advance=size, counts=counts)

    def say(self, text: str) -> None:
        self.progress.console.print(line(text), soft_wrap=True)


@dataclass(slots=True)
class _Lines:
    terminal: Console
    total: int | None
    done: int = 0
    told_at: float = field(default_factory=time.monotonic)

    def advance(self, size: int, counts: str) -> None:
        self.done += size
        if time.monotonic() - self.told_at < _EVERY_SECONDS:
            return
        self.told_at = time.monotonic()
        share = f"{min(100, 100 * self.done // self.total)} %: " if self.total else ""
        self.say(share + counts)

    def say(self, text: str) -> None:
        self.terminal.print(line(text), soft_wrap=True)
