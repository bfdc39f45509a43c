"""How lines are worked off: so many bytes at once, and those that wait for another one at the end."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from cli import intake
from cli.intake import Intake, NotYet, Outcome, Patience


class Quiet:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.size = 0

    def advance(self, size: int, counts: str) -> None:
        self.size += size

    def say(self, text: str) -> None:
        self.said.append(text)


class Chain:
    """Each line may name another one that has to be there before it."""

    def __init__(self) -> None:
        self.there: list[int] = []
        self.sent = 0
        self.bytes = self.most = 0

    def key(self, fields: dict[str, Any]) -> str:
        return str(fields["id"])

    async def send(self, fields: dict[str, Any]) -> Outcome:
        size = len(json.dumps(fields))
        self.sent += 1
        self.bytes += size
        self.most = max(self.most, self.bytes)
        await asyncio.sleep(0.001)
        self.bytes -= size
        if fields.get("after") not in (None, *self.there):
            raise NotYet("too_early", f"{fields['after']} is not there.")
        self.there.append(fields["id"])
        return Outcome.CREATED

    def told(self) -> Mapping[str, int]:
        return {}


def file(*lines: dict[str, Any]) -> BytesIO:
    return BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


async def worked_off(source: BytesIO, at_once: int = 16) -> tuple[Chain, Intake, Quiet]:
    chain, quiet = Chain(), Quiet()
    work = Intake(chain, quiet, Patience(timedelta(seconds=1), quiet))
    await work.run(source, at_once)
    return chain, work, quiet


async def test_a_line_that_comes_too_early_is_sent_again_at_the_end() -> None:
    chain, work, quiet = await worked_off(
        file(*({"id": one, "after": one + 1} for one in range(5)), {"id": 5}), 1
    )
    assert chain.there == [5, 4, 3, 2, 1, 0]
    assert (work.tally.lines, work.tally.rejected, quiet.said) == (6, 0, [])


async def test_a_line_whose_other_one_is_nowhere_is_rejected_by_its_number() -> None:
    source = file({"id": 1, "after": 9}, {"id": 2}, {"id": 3, "after": 1})
    chain, work, quiet = await worked_off(source)
    assert chain.there == [2]
    assert work.tally.rejects == [
        {"line": 1, "code": "too_early", "reason": "9 is not there."},
        {"line": 3, "code": "too_early", "reason": "1 is not there."},
    ]
    assert quiet.size == len(source.getvalue())
    assert work.tally.lines == 3


@pytest.mark.parametrize("length", [10, 3_000, 60_000])
async def test_lines_on_their_way_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(intake, "AT_ONCE_BYTES", 20_000)
    chain, work, _ = await worked_off(file(*({"id": one, "text": "x" * length} for one in range(40))))
    assert work.tally.outcomes[Outcome.CREATED] == 40
    assert chain.most <= max(20_000, length + 100)
    if length == 3_000:
        assert chain.most > 10_000
