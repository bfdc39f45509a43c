"""An import: lines in, requests out, a bounded number at a time, and an account of what became of each.

Nothing is remembered between runs. Every line has a key by which the desk knows it, so an import that was broken
off is simply run again, and what is there already stays as it is. Lines that need a later one are put off to the end,
in a file. A desk that is away is waited for, up to a limit. How a kind of line is sent is given by a `Carrier`
(`cli.carriers`); reading is `cli.lines`'.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO, Final, Protocol, TypeVar

from cli.client import Refused, Unreachable
from cli.lines import BadLine, RawLine, Shelf, feed, parse
from cli.progress import Watcher
from domain.errors import Unavailable
from runtime.supervisor import together

Answer = TypeVar("Answer")

# Not about this line: no later line would fare better.
_HOPELESS: Final = frozenset({401, 403, 404, 405})
_PAUSE_MAX_SECONDS: Final = 10.0
REJECTS_LISTED: Final = 100
AT_ONCE_BYTES: Final = 32 * 2**20
"""Of all lines that are on their way, unless one alone is longer."""


class Outcome(StrEnum):
    CREATED = "created"
    EXISTING = "existing"


class NotYet(Exception):
    """A line that cannot be imported before another one: a stable `code` and a reason for the person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Carrier(Protocol):
    """How lines of one kind get into the desk."""

    def key(self, fields: dict[str, Any]) -> str | None:
        """What makes two lines the same record; lines of one key are sent one after another."""

    async def send(self, fields: dict[str, Any]) -> Outcome:
        """Raises Refused, Unreachable, BadLine or NotYet. Sending the same fields again changes nothing."""

    def told(self) -> Mapping[str, int]:
        """What else there is to say of the lines that were sent."""


@dataclass(slots=True)
class Tally:
    """What became of the lines so far. `rejects` lists the first hundred of them."""

    lines: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    rejected: int = 0
    rejects: list[dict[str, Any]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.started

    @property
    def per_second(self) -> float:
        return self.lines / max(self.seconds, 0.001)

    def __str__(self) -> str:
        counts = f"{self.outcomes[Outcome.CREATED]} created, {self.outcomes[Outcome.EXISTING]} there"
        return f"{counts}, {self.rejected} rejected, {self.per_second:.0f}/s"


class Patience:
    """Tries a call again while the desk is away. `limit` is how long nobody may have been served."""

    def __init__(self, limit: timedelta, watcher: Watcher) -> None:
        self._limit = limit
        self._watcher = watcher
        self._served_at = time.monotonic()
        self._told = False

    async def serve(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer. After the limit raises Unavailable, or the last refusal if others were served meanwhile."""
        began, tries = time.monotonic(), 0
        while True:
            try:
                answer = await call()
            except (Refused, Unreachable) as error:
                if not error.temporary:
                    self._served()
                    raise
                if time.monotonic() - began > self._limit.total_seconds():
                    self._give_up(error, began)
                tries += 1
                await self._pause(error, tries)
            else:
                self._served()
                return answer

    def _served(self) -> None:
        self._served_at, self._told = time.monotonic(), False

    def _give_up(self, error: Refused | Unreachable, began: float) -> None:
        if isinstance(error, Refused) and self._served_at > began:
            raise error
        raise Unavailable(error.code, f"Gave up after {self._limit.total_seconds():.0f} s: {error.detail}")

    async def _pause(self, error: Refused | Unreachable, tries: int) -> None:
        if not self._told:
            self._told = True
            wait = f"{self._limit.total_seconds():.0f} s"
            self._watcher.say(f"{error.detail} Trying again for up to {wait}.")
        seconds = min(error.retry_after or 0.25 * 2 ** min(tries, 6), _PAUSE_MAX_SECONDS)
        await asyncio.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311  so that they do not all come at once


class Intake:
    """Imports one file. `tally` tells how it stands, also while it runs and after it failed."""

    def __init__(
        self, carrier: Carrier, watcher: Watcher, patience: Patience, rejects: BinaryIO | None = None
    ) -> None:
        self.tally = Tally()
        self._carrier = carrier
        self._watcher = watcher
        self._patience = patience
        self._rejects = rejects
        self._keys: set[str] = set()
        self._bytes = 0
        self._freed = asyncio.Condition()
        self._put_off: Shelf | None = None

    async def run(self, file: BinaryIO, at_once: int) -> None:
        """Raises what makes going on useless: the desk stays away, or the caller may not import."""
        with self._timed(), ExitStack() as shelves:
            lines, before = feed(file), None
            while True:
                self._put_off = later = shelves.enter_context(Shelf())
                await self._pass(lines, at_once)
                if not later.count:
                    return
                if later.count == before:  # each of them waits for a line that is not there
                    self._put_off = None
                    return await self._pass(later.lines(), at_once)
                lines, before = later.lines(), later.count

    async def _pass(self, lines: AsyncIterator[RawLine], at_once: int) -> None:
        waiting: asyncio.Queue[RawLine | None] = asyncio.Queue(1)
        await together(self._fill(lines, waiting, at_once), *(self._work(waiting) for _ in range(at_once)))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        self.tally.started = time.monotonic()
        try:
            yield
        finally:
            self.tally.ended = time.monotonic()

    async def _fill(
        self, lines: AsyncIterator[RawLine], waiting: asyncio.Queue[RawLine | None], at_once: int
    ) -> None:
        async for line in lines:
            size = len(line.text or b"")
            async with self._freed:
                await self._freed.wait_for(lambda: not self._bytes or self._bytes + size <= AT_ONCE_BYTES)  # noqa: B023  awaited here
                self._bytes += size
            await waiting.put(line)
        for _ in range(at_once):
            await waiting.put(None)

    async def _work(self, waiting: asyncio.Queue[RawLine | None]) -> None:
        while (line := await waiting.get()) is not None:
            try:
                await self._carry(line)
            finally:
                async with self._freed:
                    self._bytes -= len(line.text or b"")
                    self._freed.notify_all()

    async def _carry(self, line: RawLine) -> None:
        try:
            fields = parse(line)
            async with self._alone(self._carrier.key(fields)):
                outcome = await self._patience.serve(partial(self._carrier.send, fields))
        except NotYet as error:
            if self._put_off is not None:
                self._put_off.add(line)
                return
            self._reject(line, error.code, error.reason)
        except BadLine as error:
            self._reject(line, error.code, error.reason)
        except RecursionError:
            self._reject(line, "invalid_json", "The line is nested too deeply.")
        except Refused as error:
            if error.status in _HOPELESS:
                raise
            self._reject(line, error.code, str(error).removeprefix(f"{error.code}: "))
        else:
            self.tally.outcomes[outcome] += 1
        self.tally.lines += 1
        self._watcher.advance(line.size, str(self.tally))

    @asynccontextmanager
    async def _alone(self, key: str | None) -> AsyncIterator[None]:
        """Waits until no other line of this key is on its way."""
        if key is None:
            yield
            return
        async with self._freed:
            await self._freed.wait_for(lambda: key not in self._keys)
            self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)
            async with self._freed:
                self._freed.notify_all()

    def _reject(self, line: RawLine, code: str, reason: str) -> None:
        self.tally.rejected += 1
        if len(self.tally.rejects) < REJECTS_LISTED:
            self.tally.rejects.append({"line": line.number, "code": code, "reason": reason})
        kept = self._rejects is None or self._keep(line)
        self._watcher.say(f"line {line.number}: {code}: {reason}" + ("" if kept else " (not in the rejects)"))

    def _keep(self, line: RawLine) -> bool:
        """Writes the line as it came, to be mended and imported; one that is too long was not kept."""
        assert self._rejects is not None
        if line.text is None:
            return False
        self._rejects.write(line.text + b"\n")
        return True
