"""Tables as CSV (RFC 4180): what a cell looks like, and that no text of anybody becomes a formula.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it. Such a text gets an
apostrophe before it, and so does one that begins with apostrophes before such a sign, so that `original` gives
every text back as it was. Numbers are written as they are. How a table reaches its reader is `api/sheet.py`'s.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

Cell = str | int | float | bool | datetime | UUID | None

BOM: Final = "\ufeff"
"""Before the first line, it tells a spreadsheet that the file is UTF-8; programs stumble over it."""

# Signs that begin a formula, their full-width twins, and what is skipped before one.
_FORMULA: Final = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")


def written(rows: Iterable[Sequence[Cell]]) -> str:
    """The lines of `rows`."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows([_text(cell) for cell in row] for row in rows)
    return lines.getvalue()


def escaped(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """What `escaped` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str():
            return escaped(cell)
        case _:
            return str(cell)
