"""Contests while the desk is broken: people enter until the bell, and after it; some are extended, judges score what
they are given, and some are cancelled when the standing is out.

Who enters is nobody who also opens tickets, so that points can be told apart.
"""

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.chaos.client import Client, Who
from tests.chaos.world import World

ENTER: Final = "enter"
SCORE: Final = "score"
_LANES: Final = 2
_WINDOW: Final = 9.0
_JUDGES: Final = 3
_UNJUDGED: Final = ("scheduled", "active", "judging")


def deed(action: str) -> str:
    """What the journal calls an action on a contest."""
    return f"contest {action}"


CREATE: Final = deed("create")


class Contests:
    """A few contests live at a time, until somebody cancels; `scale` stretches the pauses and the window."""

    def __init__(self, client: Client, world: World, seed: int, scale: float) -> None:
        self._client, self._world, self._seed, self._scale = client, world, seed, scale
        self._tokens = itertools.count()

    async def run(self) -> None:
        lanes = (self._lane(random.Random(f"contests {self._seed} {number}")) for number in range(_LANES))
        await asyncio.gather(*lanes)

    async def _lane(self, draw: random.Random) -> None:
        while True:
            await self._pause(draw, 1)
            made = await self._client.ask(CREATE, "POST", "/contests", self._world.boss, self._contest())
            if made is not None and await self._act(made["id"], "schedule") is not None:
                await self._live(draw, made["id"])

    def _contest(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        closes_at = now + timedelta(seconds=_WINDOW * self._scale)
        return {
            "name": self._token(),
            "description": "Snow and ice",
            "opens_at": (now - timedelta(seconds=1)).isoformat(),
            "closes_at": closes_at.isoformat(),
            "judging_until": (closes_at + timedelta(days=1)).isoformat(),
            "per_person": 1000,
            "criteria": [{"key": "idea", "name": "Idea"}],
            "judges_per_entry": 2,
            "judges": [who.id for who in self._world.entrants[:_JUDGES]],
        }

    async def _live(self, draw: random.Random, contest: str) -> None:
        entering = (self._enter(draw, contest, who) for who in self._world.entrants[1:])
        await asyncio.gather(self._extend(draw, contest), *entering)
        judging = (self._judge(draw, contest, who) for who in self._world.entrants[:_JUDGES])
        await asyncio.gather(*judging)
        if draw.random() < 0.5:
            await self._act(contest, "cancel", reason=self._token())

    async def _enter(self, draw: random.Random, contest: str, who: Who) -> None:
        """Again and again, until it is refused."""
        path = f"/contests/{contest}/entries"
        made: dict[str, Any] | None = {}
        while made is not None:
            token, hasty = self._token(), draw.random() < 0.2
            made = await self._client.ask(
                ENTER, "POST", path, who, {"text": token}, hasty=hasty, contest=contest, token=token
            )
            await self._pause(draw, 1.5)

    async def _extend(self, draw: random.Random, contest: str) -> None:
        await self._pause(draw, _WINDOW / 2)
        if draw.random() < 0.6:
            await self._act(contest, "extend", by=f"PT{2 * self._scale:.0f}S", reason=self._token())

    async def _judge(self, draw: random.Random, contest: str, who: Who) -> None:
        """Until nothing is left for anybody."""
        path = f"/contests/{contest}"
        while (await self._client.read(path, self._world.boss))["status"] in _UNJUDGED:
            for one in (await self._client.read(f"{path}/queue?state=pending", who))["data"]:
                body = {"scores": {"idea": draw.randrange(11)}}
                scoring = f"{path}/entries/{one['entry_id']}/score"
                hasty = draw.random() < 0.2
                await self._client.ask(
                    SCORE, "PUT", scoring, who, body, hasty=hasty, contest=contest, entry=one["entry_id"]
                )
            await self._pause(draw, 1)

    async def _act(self, contest: str, action: str, **fields: Any) -> dict[str, Any] | None:
        path = f"/contests/{contest}/actions/{action}"
        return await self._client.ask(deed(action), "POST", path, self._world.boss, fields, contest=contest)

    async def _pause(self, draw: random.Random, seconds: float) -> None:
        await asyncio.sleep(draw.uniform(0.5, 1.5) * seconds * self._scale)

    def _token(self) -> str:
        return f"contest-{self._seed}-{next(self._tokens)}"
