"""Reading JSON lines of any size: a line at a time, each with its number, never the file at once.

A line that cannot be used is told by `BadLine` and the next one is read. The reading itself happens in a thread,
a few lines ahead, so a slow pipe does not hold up what is on its way to the desk. What a line means is left to
`cli.intake`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Semaphore, Thread
from typing import Any, BinaryIO, Final, Self

LINE_LIMIT: Final = 16 * 2**20
"""Bytes: of a ticket with all that belongs to it, the largest body that the API takes."""
_AHEAD: Final = 2
_DISCARD: Final = 2**16
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawLine:
    """`text` is None for a line that is too long to be kept; `size` counts all of its bytes."""

    number: int
    text: bytes | None
    size: int


class BadLine(Exception):
    """Why a line cannot be imported: a stable `code` and a reason for the person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_lines(file: BinaryIO, limit: int = LINE_LIMIT) -> Iterator[RawLine]:
    """Every line with something on it. Lines end with LF or CRLF; a byte order mark is left out."""
    number = 0
    while text := file.readline(limit + 1):
        number += 1
        size = len(text)
        if size > limit and not text.endswith(b"\n"):
            yield RawLine(number, None, size + _discard(file))
            continue
        kept = text.rstrip(b"\r\n").removeprefix(_BOM if number == 1 else b"")
        if kept.strip():
            yield RawLine(number, kept, size)


def _discard(file: BinaryIO) -> int:
    """Reads on to the end of the line; how many bytes that were."""
    size = 0
    while rest := file.readline(_DISCARD):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    return size


def parse(line: RawLine) -> dict[str, Any]:
    """The object on the line; raises BadLine. What its fields may hold is for the API to say."""
    if line.text is None:
        raise BadLine("line_too_long", f"The line has {line.size} bytes, more than the {LINE_LIMIT} allowed.")
    try:
        value = json.loads(line.text.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadLine("invalid_utf8", f"Byte {error.start + 1} is not UTF-8.") from None
    except RecursionError:
        raise BadLine("invalid_json", "The line is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise BadLine("invalid_json", f"Not JSON: {error.msg} (character {error.pos + 1}).") from None
    except ValueError as error:  # a number with too many digits, or one of JavaScript's constants
        raise BadLine("invalid_json", f"Not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadLine("not_an_object", "The line is JSON, but not an object with fields.")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


async def feed(file: BinaryIO) -> AsyncIterator[RawLine]:
    """The lines of `file`, read in a thread of its own, which may end with the process while a pipe is silent."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[RawLine | Exception | None] = asyncio.Queue()
    room = Semaphore(_AHEAD)
    closed = False

    def read() -> None:
        for item in _guarded(file):
            room.acquire()
            if closed or loop.is_closed():
                return
            with suppress(RuntimeError):  # the loop was closed just now
                loop.call_soon_threadsafe(arrived.put_nowait, item)

    Thread(target=read, name="lines", daemon=True).start()
    try:
        while item := await arrived.get():
            room.release()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        closed = True
        room.release()


def _guarded(file: BinaryIO) -> Iterator[RawLine | Exception | None]:
    """The lines, then what went wrong, or None at the end."""
    try:
        yield from read_lines(file)
    except (OSError, ValueError) as error:
        yield error
    else:
        yield None


class Shelf:
    """Lines that are put off, in a temporary file, with their numbers."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._file = TemporaryFile()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, line: RawLine) -> None:
        self.count += 1
        self._file.write(b"%d %d " % (line.number, line.size) + (line.text or b"") + b"\n")

    async def lines(self) -> AsyncIterator[RawLine]:
        """Each of them once, in the order in which they were put off."""
        self._file.seek(0)
        for written in self._file:
            number, size, text = written.rstrip(b"\n").split(b" ", 2)
            yield RawLine(int(number), text, int(size))
