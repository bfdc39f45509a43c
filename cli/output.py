"""How commands answer: tables for people, one JSON document for programs.

Text of tickets comes from strangers: control characters are taken out before a terminal sees them, and nothing
is read as markup. Times are shown in the zone of this machine with their offset, JSON keeps what the API said.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.duration import parse_duration

NOTHING: Final = "–"
# Wide enough to keep a row of a table on one line for grep.
_PIPE_WIDTH: Final = 220
_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160)), "�")
del _CONTROLS[ord("\n")], _CONTROLS[ord("\t")]


def console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    with suppress(AttributeError, ValueError, OSError):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # what a narrow encoding lacks is a ?
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def document(value: Any) -> None:
    """One JSON document on stdout, in UTF-8 whatever the locale says."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2).encode())


def printable(value: Any) -> str:
    """`value` as text without anything that steers a terminal."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and "name" in value:
        value = value["name"]
    elif isinstance(value, list):
        value = ", ".join(map(printable, value))
    elif isinstance(value, Mapping):
        value = ", ".join(f"{name}: {printable(one)}" for name, one in value.items())
    return str(value).replace("\r\n", "\n").translate(_CONTROLS)


def line(value: Any) -> str:
    """`printable` on one line."""
    return " ".join(printable(value).split())


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table with a line a row. Where the terminal is too narrow, the last column gives way first."""
    cells = [[line(cell) for cell in row] for row in rows]
    grid = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for position, name in enumerate(columns):
        widest = max((cell_len(row[position]) for row in cells), default=0)
        width = widest if position < len(columns) - 1 else 0
        grid.add_column(name, no_wrap=True, overflow="ellipsis", min_width=max(width, cell_len(name)))
    for row in cells:
        grid.add_row(*map(Text, row))
    return grid


def print_rows(
    found: tuple[Sequence[Any], bool],
    columns: Sequence[str],
    cells: Callable[[Any], Sequence[Any]],
    *,
    as_json: bool,
) -> None:
    """Rows of a list, and whether there are more."""
    rows, has_more = found
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
    else:
        console().print(table(columns, map(cells, rows)))


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values of one thing, a line each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(name), Text(printable(value)))
    return grid


def local_time(text: str | None) -> str:
    """An instant of the API as this machine's clock shows it: `2026-11-21 14:00:00+08:00`."""
    if not text:
        return NOTHING
    return datetime.fromisoformat(text).astimezone().isoformat(sep=" ", timespec="seconds")


def countdown(text: str | None, now: datetime | None = None) -> str:
    """How far away an instant is: `in 3m 20s`, `5s ago`."""
    if not text:
        return NOTHING
    left = datetime.fromisoformat(text) - (now or datetime.now(UTC))
    return f"in {spoken(left)}" if left >= timedelta(0) else f"{spoken(-left)} ago"


def span(text: str | None) -> str:
    """A duration of the API, `-PT1H30M`, as people write it: `-1h 30m`."""
    if not text:
        return NOTHING
    sign = "-" if text.startswith("-") else ""
    return sign + spoken(parse_duration(text.removeprefix("-")))


def spoken(length: timedelta) -> str:
    """The two largest units; below a minute whole seconds."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number}{unit}" for number, unit in parts[first : first + 2] if number) or "0s"
