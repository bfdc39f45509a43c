"""The load of a chaos run: lives of tickets, and what happens beside them: edits of policies, absences of agents,
bulk actions, trainings of the classifier, facts about members, the prizes that these win, campaigns, answers to
surveys, feedback, contests.

The seed decides who does what in which order. What a bulk action takes are tickets that are there by then.
"""

import asyncio
import random
import time
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tests.chaos.client import Client
from tests.chaos.contests import Contests
from tests.chaos.feedback import Feedback
from tests.chaos.lives import Life
from tests.chaos.world import CATEGORIES, World, policy

POLICY: Final = "policy"
ABSENCE: Final = "absence"
BULK: Final = "bulk"
CANCEL: Final = "cancel"
TRAIN: Final = "train"
FACT: Final = "fact"
CLAIM: Final = "claim"
CONTEST: Final = "contest_participation"
RATE: Final = "rate"
CAMPAIGN: Final = "campaign"
_AT_ONCE: Final = 130
_BULK_ACTIONS: Final = ("note", "note", "tag", "escalate")
"""What is done to many at once. A merged ticket refuses all of it, one that is done with the last."""

_MEMBERS: Final = 4
"""Whom facts are about; few, so that facts of one member come at once."""

_CLAIM_ACTIONS: Final = {
    "asked": ("approve", "approve", "approve", "decline"),
    "approved": ("fulfil", "fulfil", "fail"),
    "fulfilled": ("confirm", "dispute"),
}
"""What is done about a claim; now and then something that is not allowed."""

_BULK_SHARE: Final = 0.02
"""Of all tickets of a run, what one bulk action takes at most, and never fewer than ten."""


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
        self._known: list[str] = []

    async def run(self) -> None:
        """Until the last ticket has lived; then nothing more is asked for."""
        beside = (
            self._edit_policies,
            self._go_away,
            self._do_to_many,
            self._have_it_learn,
            self._contribute,
            self._bring_prizes,
            self._say_how_it_was,
            self._ask_everybody,
            Feedback(self._client, self._world, self._seed, self._scale).run,
            Contests(self._client, self._world, self._seed, self._scale).run,
        )
        others = [asyncio.ensure_future(one()) for one in beside]
        began = time.monotonic()
        try:
            await asyncio.gather(*(self._live(number, began) for number in range(self._tickets)))
        finally:
            for task in others:
                task.cancel()
            ended = await asyncio.gather(*others, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _live(self, number: int, began: float) -> None:
        due = began + number * self._length / self._tickets
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with self._room:
            await Life(self._client, self._world, self._seed, number, self._pace, self._known).live()

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

    async def _do_to_many(self) -> None:
        """One bulk action after the other; now and then one is cancelled while it runs."""
        draw = random.Random(f"bulks {self._seed}")
        most, number = max(10, round(self._tickets * _BULK_SHARE)), 0
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 10 * self._scale)
            action, token = draw.choice(_BULK_ACTIONS), f"bulk-{self._seed}-{number}"
            fields = {"note": {"body": token}, "tag": {"add": [token]}, "escalate": {"reason": token}}[action]
            tickets = draw.sample(self._known, min(most, len(self._known)))
            is_cancelled = draw.random() < 0.25
            if tickets:
                body = {"action": action, "fields": fields, "ids": tickets}
                hasty = draw.random() < 0.2
                bulk = await self._client.ask(
                    BULK, "POST", "/bulk", self._world.boss, body, hasty=hasty, token=token
                )
                if bulk is not None and is_cancelled:
                    path = f"/bulk/{bulk['id']}/cancel"
                    await self._client.ask(CANCEL, "POST", path, self._world.boss, bulk=bulk["id"])
                number += 1

    async def _have_it_learn(self) -> None:
        """A training after the other; one that is asked for while another goes on is that one."""
        draw = random.Random(f"trainings {self._seed}")
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 20 * self._scale)
            await self._client.ask(TRAIN, "POST", "/classifier/train", self._world.boss)

    async def _contribute(self) -> None:
        """Facts of a few members, some of them delivered ten times at once, some taken back, also before they come."""
        draw, number = random.Random(f"facts {self._seed}"), 0
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 0.8 * self._scale)
            count = draw.randrange(1, 6)
            facts = [self._fact(draw, one) for one in range(number, number + count)]
            number += count
            times = 10 if draw.random() < 0.1 else 1
            asks = (
                self._client.ask(
                    FACT, "POST", "/facts", self._world.admin, {"facts": facts}, hasty=draw.random() < 0.1
                )
                for _ in range(times)
            )
            await asyncio.gather(*asks)

    async def _bring_prizes(self) -> None:
        """One claim after the other is moved by whoever may, or by who may not."""
        draw, number = random.Random(f"prizes {self._seed}"), 0
        winners = {who.id: who for who in self._world.requesters}
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 1.5 * self._scale)
            answer = await self._client.read("/claims", self._world.boss)
            claims = [one for one in answer["data"] if one["state"] in _CLAIM_ACTIONS]
            if not claims:
                continue
            claim = draw.choice(claims)
            state = claim["state"] if draw.random() < 0.9 else draw.choice([*_CLAIM_ACTIONS])
            action, token = draw.choice(_CLAIM_ACTIONS[state]), f"claim-{self._seed}-{number}"
            who = winners[claim["member"]["id"]] if state == "fulfilled" else self._world.boss
            path, hasty = f"/claims/{claim['id']}/actions/{action}", draw.random() < 0.2
            facts: dict[str, Any] = {"claim": claim["id"], "action": action, "token": token, "twice": hasty}
            await self._client.ask(CLAIM, "POST", path, who, {"note": token}, hasty=hasty, **facts)
            number += 1

    def _fact(self, draw: random.Random, number: int) -> dict[str, Any]:
        """A reversal takes back one of the same member, which may be still to come."""
        members = [who.id for who in self._world.requesters[:_MEMBERS]]
        fact: dict[str, Any] = {
            "member": members[number % _MEMBERS],
            "fact_id": f"fact-{number}",
            "action": draw.choice(("post_created", "post_created", "post_liked", "accepted_answer", CONTEST)),
            "subject": f"subject {draw.randrange(6)}",
            "by": draw.choice(members),
            "at": (datetime.now(UTC) - timedelta(days=draw.randrange(20))).isoformat(),
        }
        if draw.random() < 0.15:
            fact["reverses"] = f"fact-{number + _MEMBERS * draw.choice((-3, -2, -1, 1))}"
        return fact

    async def _say_how_it_was(self) -> None:
        """Whoever was asked answers over the link, now and then twice at once."""
        draw, used = random.Random(f"answers {self._seed}"), set[str]()
        while True:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * self._scale)
            who = draw.choice(self._world.requesters)
            rows = (await self._client.read("/notifications?kind=survey_asked&page[size]=20", who))["data"]
            fresh = [row["id"] for row in rows if row["id"] not in used]
            if not fresh:
                continue
            used.add(fresh[0])
            link = (await self._client.read(f"/notifications/{fresh[0]}", who))["link"]
            token, score = link.rpartition("/")[2], draw.randint(1, 5)
            await self._client.ask(
                RATE,
                "POST",
                f"/surveys/answers/{token}",
                who,
                {"score": score},
                hasty=draw.random() < 0.3,
                invitation=_record_in(token),
                score=score,
            )

    async def _ask_everybody(self) -> None:
        """A campaign after the other is started."""
        draw = random.Random(f"campaigns {self._seed}")
        for survey in self._world.campaigns:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * 6 * self._scale)
            start = {"state": "active"}
            await self._client.ask(
                CAMPAIGN, "PATCH", f"/surveys/{survey}", self._world.boss, start, survey=survey
            )


def _record_in(token: str) -> str:
    """The id of the record that a signed link is for: it stands in it, readable for everybody."""
    return str(UUID(bytes=urlsafe_b64decode(token + "==")[3:19]))
