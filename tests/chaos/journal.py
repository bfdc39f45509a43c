"""What the load asked for and what it was promised, line by line, in a file of its own.

Nothing here asks the desk. An entry is written before a request goes out (`asked`) and when its answer has
arrived (`accepted`, `refused`, `abandoned`); faults and their outage windows stand in the same file (`fault`). The
checker believes this file and the outside world, not the desk.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

ASKED: Final = "asked"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
ABANDONED: Final = "abandoned"
FAULT: Final = "fault"
BROKEN: Final = "broken"
"""An answer that no fault excuses, such as a 500."""

Entry = dict[str, Any]


class Journal:
    """Appends; a line is with the operating system before the call returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] = path.open("a", buffering=1)

    def write(self, kind: str, **fields: Any) -> float:
        """Writes an entry and gives its time, in seconds of the wall clock."""
        now = time.time()
        self._file.write(json.dumps({"kind": kind, "now": now, **fields}, separators=(",", ":")) + "\n")
        return now

    def close(self) -> None:
        self._file.close()


def entries(path: Path) -> Iterator[Entry]:
    """Every whole line of a file of JSON lines; a killed writer may have left half a line at the end."""
    if not path.exists():
        return
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
