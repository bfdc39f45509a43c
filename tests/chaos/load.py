"""The load of a chaos run: lives of tickets, edits of policies, absences of agents.

What each ticket lives through is decided by the seed and its number alone; how long it takes is decided by the desk and
by what is done to it. One actor works on a ticket at a time, so the order of the answers is the order in which
things must have happened.
"""

import asyncio
import random
import time
from typing import Any, Final

from tests.chaos.client import Client
from tests.chaos.world import CATEGORIES, World, policy

CREATE: Final = "create"
POLICY: Final = "policy"
ABSENCE: Final = "absence"
_PRIORITIES: Final = ("critical", "high", "normal", "low")
_LIVES: Final[tuple[tuple[str, ...], ...]] = (
    ("resolve",),
    ("reply", "resolve"),
    ("reply", "wait", "answer", "note", "resolve"),
    ("start", "note", "hold", "resume", "resolve", "close"),
    ("note", "set_priority", "reply", "escalate", "resolve"),
    ("silence", "silence", "acknowledge", "reply", "resolve"),
    ("reply", "resolve", "answer", "reply", "resolve"),
    ("tag", "set_category", "watch", "reply", "wait", "resume", "resolve"),
    ("reply", "answer", "reply", "hold", "wait", "answer", "resolve", "reopen", "resolve", "close"),
    ("silence", "silence", "resolve", "start", "close"),
    ("start", "reply", "silence", "silence"),
)
"""The last is never resolved; some ask for what is not allowed then, which must be refused and change nothing."""

_WEIGHTS: Final = (6, 10, 4, 3, 3, 2, 2, 2, 1, 2, 1)
_AT_ONCE: Final = 250


class Load:
    """`length` seconds in which `tickets` are opened, evenly; their lives go on after that. A desk that is slower gets
    the rest as it works off what it has: no more than _AT_ONCE tickets live at a time. `pace` is the mean time
    between two actions on a ticket."""

    def __init__(
        self,
        client: Client,
        world: World,
        seed: int,
        tickets: int,
        *,
        length: float,
        scale: float,
        pace: float,
    ) -> None:
        self._client, self._world, self._seed = client, world, seed
        self._tickets, self._length, self._scale = tickets, length, scale
        self._pace, self._room = pace, asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Until the last ticket has lived; then policies and absences stay as they are."""
        others = [asyncio.ensure_future(self._edit_policies()), asyncio.ensure_future(self._go_away())]
        began = time.monotonic()
        try:
            await asyncio.gather(*(self._live(number, began) for number in range(self._tickets)))
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _live(self, number: int, began: float) -> None:
        draw = random.Random(f"ticket {self._seed} {number}")
        due = began + number * self._length / self._tickets
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with self._room:
            await self._lived(number, draw)

    async def _lived(self, number: int, draw: random.Random) -> None:
        requester = draw.choice(self._world.requesters)
        token = f"ticket-{self._seed}-{number}"
        body = {
            "subject": token,
            "description": "Nothing comes out of the printer. 打印机没有反应。",
            "category": draw.choice(CATEGORIES),
            "priority": draw.choice(_PRIORITIES),
        }
        hasty = draw.random() < 0.05
        ticket = await self._client.ask(CREATE, "POST", "/tickets", requester, body, hasty=hasty, token=token)
        if ticket is None:
            return
        for step, verb in enumerate(draw.choices(_LIVES, _WEIGHTS)[0]):
            await asyncio.sleep(min(draw.expovariate(1 / self._pace), 4 * self._pace))
            if verb != "silence":
                await self._act(ticket["id"], verb, f"{token}-{step}", draw, requester_of=requester)

    async def _act(
        self, ticket: str, verb: str, token: str, draw: random.Random, *, requester_of: Any
    ) -> None:
        who = requester_of if verb in ("answer", "reopen") else self._world.admin
        action = "reply" if verb == "answer" else verb
        path = f"/tickets/{ticket}/actions/{action}"
        body = _body(action, token, draw)
        hasty = draw.random() < 0.05
        await self._client.ask(verb, "POST", path, who, body, hasty=hasty, ticket=ticket, token=token)

    async def _edit_policies(self) -> None:
        """A category after the other, so that every running clock is retargeted now and then."""
        draw = random.Random(f"policies {self._seed}")
        number = 0
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.0) * 30 * self._scale)
            category = CATEGORIES[number % len(CATEGORIES)]
            stretch, more = draw.choice((0.8, 1.0, 1.25)), draw.random() < 0.5
            body = policy(category, self._scale, stretch, more=more)
            path = f"/sla-policies/{self._world.policies[category]}"
            await self._client.ask(POLICY, "PATCH", path, self._world.admin, body, category=category)
            number += 1

    async def _go_away(self) -> None:
        """One agent after the other is away for a while."""
        draw = random.Random(f"absences {self._seed}")
        while True:
            agent = draw.choice(self._world.agents)
            path = f"/people/{agent}/absence"
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 6 * self._scale)
            await self._client.ask(ABSENCE, "PUT", path, self._world.boss, {}, person=agent, away=True)
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 8 * self._scale)
            await self._client.ask(ABSENCE, "DELETE", path, self._world.boss, person=agent, away=False)


def _body(action: str, token: str, draw: random.Random) -> dict[str, Any]:
    """What each action says; words hold `token`, so that the checker finds them once and only once."""
    match action:
        case "reply" | "note":
            return {"body": token}
        case "resolve":
            return {"resolution": token, "kind": "fault"}
        case "reopen" | "escalate":
            return {"reason": token}
        case "set_priority":
            return {"priority": draw.choice(_PRIORITIES)}
        case "set_category":
            return {"category": draw.choice(CATEGORIES)}
        case "tag":
            return {"add": [token]}
        case _:
            return {}
