"""What breaks and when: a script that a seed alone decides, and the one who carries it out.

A fault kills parts (`kill -9`), freezes them for a while (SIGSTOP, SIGCONT), or lets the mail server misbehave.
After each the injector waits until a write passes through the whole desk again; the time from the blow to that write is
the fault's outage window, which explains why something happened late.
"""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx

from tests.chaos.journal import FAULT, Journal
from tests.chaos.mail_peer import Mode
from tests.chaos.stack import SMTP, UP, Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` is seconds from the beginning; `seconds` how long parts are frozen or the peer misbehaves. `then` is
    killed while the desk is still recovering from the first blow."""

    at: float
    kind: str
    targets: tuple[str, ...]
    seconds: float = 0.0
    then: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        after = f", then {'+'.join(self.then)}" if self.then else ""
        return f"{self.kind} {'+'.join(self.targets)}{after}"


Blow = tuple[str, tuple[str, ...], tuple[str, ...]]
CATALOGUE: Final[tuple[Blow, ...]] = (
    ("kill", ("worker",), ()),
    ("kill", ("temporal",), ()),
    ("kill", ("postgres",), ()),
    ("kill", ("api",), ()),
    ("kill", (SMTP,), ()),
    ("kill", (UP,), ()),
    ("kill", ("worker", "temporal"), ()),
    ("kill", ("worker", "postgres"), ()),
    ("kill", ("temporal", "postgres"), ()),
    ("kill", ("api", "worker", "temporal", "postgres", SMTP), ()),
    ("kill", ("postgres",), ("worker",)),
    ("kill", ("temporal",), ("worker",)),
    ("kill", ("worker",), ("postgres",)),
    ("pause", ("worker",), ()),
    ("pause", ("temporal",), ()),
    ("pause", ("postgres",), ()),
    ("pause", ("api",), ()),
    ("pause", (SMTP,), ()),
    ("mail", (Mode.REFUSE,), ()),
    ("mail", (Mode.DROP,), ()),
    ("mail", (Mode.DELAY,), ()),
    ("mail", (Mode.FILL,), ()),
    ("mail", (Mode.REJECT,), ()),
)
SHORT: Final[tuple[Blow, ...]] = (
    ("kill", ("worker",), ()),
    ("kill", ("temporal",), ()),
    ("kill", ("postgres",), ()),
    ("kill", (UP,), ()),
    ("mail", (Mode.DROP,), ()),
)
"""Of the catalogue, what a short run takes: each server once, everything once, and the worst of the mail server."""

_PATIENCE: Final = 20.0
"""For one write. A busy machine is slow, which is no outage."""

_LIMIT: Final = 180.0
"""For recovering from one fault; after that the next one strikes, and the checker tells."""

_QUIET: Final = 2.0
_PAUSES: Final = (1.0, 12.0)
_MISBEHAVES: Final = (3.0, 12.0)


def script(seed: int, count: int, length: float, catalogue: Sequence[Blow] = CATALOGUE) -> list[Fault]:
    """`count` faults within `length` seconds. Each kind comes before any comes again, in the seed's order."""
    draw, faults = random.Random(f"faults {seed}"), list[Fault]()
    deck: list[Blow] = []
    gap = length / max(1, count)
    for number in range(count):
        if not deck:
            deck = draw.sample(catalogue, len(catalogue))
        kind, targets, then = deck.pop()
        seconds = {"kill": (0.0, 0.0), "pause": _PAUSES, "mail": _MISBEHAVES}[kind]
        at = number * gap + draw.uniform(0.05, 0.6) * gap
        faults.append(Fault(round(at, 1), kind, targets, round(draw.uniform(*seconds), 1), then))
    return faults


class Injector:
    """`write` passes a write through the whole desk and raises or hangs while it cannot."""

    def __init__(self, stack: Stack, journal: Journal, write: Callable[[], Awaitable[Any]]) -> None:
        self._stack, self._journal, self._write = stack, journal, write

    async def run(self, faults: Sequence[Fault], began: float) -> None:
        """Carries out the script; a fault whose time has come waits until the one before is over for a while."""
        for fault in faults:
            await asyncio.sleep(max(_QUIET, began + fault.at - time.time()))
            await self.carry_out(fault)

    async def carry_out(self, fault: Fault) -> None:
        struck = time.time()
        if fault.kind == "kill":
            await self._kill(fault)
        elif fault.kind == "pause":
            await self._freeze(fault)
        else:
            self._stack.tell_peer(Mode(fault.targets[0]))
            await asyncio.sleep(fault.seconds)
            self._stack.tell_peer(Mode.TAKE)
        in_time = await self._recovered()
        self._journal.write(
            FAULT,
            name=fault.name,
            struck=struck,
            recovered=time.time(),
            in_time=in_time,
            fault=asdict(fault),
        )

    async def _kill(self, fault: Fault) -> None:
        for part in fault.targets:
            await asyncio.to_thread(self._stack.kill, part)
        if fault.then:
            await asyncio.sleep(0.7)
            for part in fault.then:
                await asyncio.to_thread(self._stack.kill, part)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(self._stack.restart_what_is_ours)

    async def _freeze(self, fault: Fault) -> None:
        frozen = [self._stack.process(part) for part in fault.targets]
        for part in fault.targets:
            await asyncio.to_thread(self._stack.freeze, part, signal.SIGSTOP)
        await asyncio.sleep(fault.seconds)
        assert all(frozen)
        for part in fault.targets:
            await asyncio.to_thread(self._stack.freeze, part, signal.SIGCONT)

    async def _recovered(self) -> bool:
        """Whether a write passed through the whole desk within the limit."""
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            if await asyncio.to_thread(self._stack.is_ready):
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await self._write()
                except (TimeoutError, httpx.TransportError, RuntimeError):
                    pass
                else:
                    return True
            await asyncio.sleep(0.3)
        return False
