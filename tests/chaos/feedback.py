"""What users say while the desk is broken: items that are voted for, answered, merged, taken out again, declined or
shipped; and one that more people follow than are told in one transaction. Who asked for what is shipped gets points.
"""

import asyncio
import itertools
import random
from typing import Any, Final

from tests.chaos.client import Client, Who
from tests.chaos.world import World

SUBMIT: Final = "submit"
VOTE: Final = "vote"
WITHDRAW: Final = "withdraw"
_LANES: Final = 3
_ASSESSMENTS: Final = ("need", "feasibility", "impact", "resources")


def deed(action: str) -> str:
    """What the journal calls an action on an item."""
    return f"feedback {action}"


class Feedback:
    """A few items live at a time, until somebody cancels; `scale` stretches the pauses."""

    def __init__(self, client: Client, world: World, seed: int, scale: float) -> None:
        self._client, self._world, self._seed, self._scale = client, world, seed, scale
        self._tokens = itertools.count()

    async def run(self) -> None:
        lanes = (self._lane(random.Random(f"feedback {self._seed} {number}")) for number in range(_LANES))
        await asyncio.gather(self._answer_the_crowd(), *lanes)

    async def _lane(self, draw: random.Random) -> None:
        while True:
            await self._pause(draw, 2)
            await self._live(draw, self._token())

    async def _answer_the_crowd(self) -> None:
        """Over a thousand people hear of each answer, page by page."""
        draw = random.Random(f"crowd {self._seed}")
        while True:
            await self._pause(draw, 6)
            await self._act(self._world.crowd, "answer", body=self._token())

    async def _live(self, draw: random.Random, token: str) -> None:
        is_shipped, asker = draw.random() < 0.5, draw.choice(self._world.requesters)
        body = {"title": token, "body": "It would help.", "kind": "suggestion"}
        hasty = draw.random() < 0.2
        made = await self._client.ask(SUBMIT, "POST", "/feedback", asker, body, hasty=hasty, token=token)
        if made is None:
            return
        item = made["id"]
        await self._act(item, "triage", importance=draw.randrange(1, 6))
        await self._vote(draw, item, asker)
        if is_shipped:
            await self._ship(draw, item)
        elif not await self._merge(draw, item):
            await self._act(item, "decline", reason=self._token())

    async def _vote(self, draw: random.Random, item: str, asker: Who) -> None:
        """Some vote while others do, and while all are told something; one takes the vote back."""
        voters = [one for one in draw.sample(self._world.requesters, 6) if one is not asker]
        path = f"/feedback/{item}/vote"

        async def vote(voter: Who) -> None:
            await self._client.ask(VOTE, "POST", path, voter, item=item, hasty=draw.random() < 0.2)

        await asyncio.gather(*(vote(voter) for voter in voters[:3]))
        answer = self._act(item, "answer", body=self._token())
        await asyncio.gather(answer, *(vote(voter) for voter in voters[3:]))
        if draw.random() < 0.3:
            await self._client.ask(WITHDRAW, "DELETE", path, voters[0], item=item)

    async def _ship(self, draw: random.Random, item: str) -> None:
        for one in _ASSESSMENTS:
            await self._act(item, "assess", assessment=one, verdict="for", result=self._token())
        for action in ("plan", "start", "ship", "verify"):
            await self._pause(draw, 1)
            await self._act(item, action)

    async def _merge(self, draw: random.Random, item: str) -> bool:
        """Whether it is merged now."""
        if draw.random() < 0.4:
            return False
        merged = await self._act(item, "merge", into=self._world.crowd)
        await self._pause(draw, 2)
        if merged is None or draw.random() < 0.4:
            return merged is not None
        return await self._act(item, "unmerge") is None

    async def _act(self, item: str, action: str, **fields: Any) -> dict[str, Any] | None:
        path = f"/feedback/{item}/actions/{action}"
        said = next((fields[name] for name in ("body", "reason") if name in fields), None)
        return await self._client.ask(
            deed(action), "POST", path, self._world.boss, fields, item=item, said=said
        )

    async def _pause(self, draw: random.Random, seconds: float) -> None:
        await asyncio.sleep(draw.uniform(0.5, 1.5) * seconds * self._scale)

    def _token(self) -> str:
        return f"feedback-{self._seed}-{next(self._tokens)}"
