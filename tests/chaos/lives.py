"""What tickets live through: one actor a ticket, so the order of the answers is the order in which things must have
happened.

The seed and the ticket's number decide the life; how long it takes is decided by the desk and by what is done to
it. Some lives need a second ticket, into which the first is merged; the same actor works on both.
"""

import asyncio
import random
from typing import Any, Final

from tests.chaos.client import Client, Who
from tests.chaos.world import CATEGORIES, World

CREATE: Final = "create"
SPLIT: Final = "split"
MERGE: Final = "merge"
UNMERGE: Final = "unmerge"
_PRIORITIES: Final = ("critical", "high", "normal", "low")
_OTHER: Final = "other:"
"""Before a verb that is done to the second ticket."""

LIVES: Final[tuple[tuple[str, ...], ...]] = (
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
    ("reply", "note", SPLIT, "resolve"),
    ("reply", MERGE, "answer", UNMERGE, "reply", "resolve"),
    (MERGE, "other:reply", "answer", "other:resolve"),
    (MERGE, UNMERGE, MERGE, "reply", UNMERGE, "resolve", "other:resolve"),
    ("reply", "other:resolve", MERGE, SPLIT, "resolve"),
    ("reply", "resolve", MERGE, SPLIT, UNMERGE, SPLIT, "resolve"),
)
"""Some are never resolved; some ask for what is not allowed then, which must be refused and change nothing."""

_WEIGHTS: Final = (12, 20, 8, 6, 6, 4, 4, 4, 2, 4, 2, 3, 2, 2, 1, 1, 1)


class Life:
    """One ticket, with the second one that it may need. `pace` is the mean time between two actions; each ticket that
    is open is told to `known`."""

    def __init__(
        self, client: Client, world: World, seed: int, number: int, pace: float, known: list[str]
    ) -> None:
        self._client, self._world, self._pace, self._known = client, world, pace, known
        self._draw = random.Random(f"ticket {seed} {number}")
        self._token = f"ticket-{seed}-{number}"
        self._requester = self._draw.choice(world.requesters)
        self._verbs = self._draw.choices(LIVES, _WEIGHTS)[0]
        if number < len(LIVES):  # each has its turn before any comes again
            self._verbs = LIVES[number]
        self._ticket: str | None = None
        self._other: str | None = None
        self._is_merged = False
        self._last_reply = ""

    async def live(self) -> None:
        self._ticket = await self._open(self._token, self._requester)
        if self._ticket is None:
            return
        for step, verb in enumerate(self._verbs):
            await asyncio.sleep(min(self._draw.expovariate(1 / self._pace), 4 * self._pace))
            if verb != "silence":
                await self._do(verb, f"{self._token}-{step}")

    async def _open(self, token: str, requester: Who) -> str | None:
        body = {
            "subject": token,
            "description": "Nothing comes out of the printer. 打印机没有反应。",
            "category": self._draw.choice(CATEGORIES),
            "priority": self._draw.choice(_PRIORITIES),
        }
        opened = await self._client.ask(
            CREATE, "POST", "/tickets", requester, body, hasty=self._is_hasty(), token=token
        )
        if opened is None:
            return None
        self._known.append(opened["id"])
        return str(opened["id"])

    async def _do(self, verb: str, token: str) -> None:
        if (verb == MERGE or verb.startswith(_OTHER)) and self._other is None:
            of_another = self._draw.choice((self._requester, *self._world.requesters))
            self._other = await self._open(f"{self._token}-other", of_another)
        if verb == MERGE:
            body = {"into": self._other, "share": True}
            merged = await self._act(self._ticket, MERGE, token, body, into=self._other)
            self._is_merged = self._is_merged or merged is not None
        elif verb == UNMERGE:
            taken_out = await self._act(self._ticket, UNMERGE, token, {}, into=self._other)
            self._is_merged = self._is_merged and taken_out is None
        elif verb == SPLIT:
            await self._split(token)
        elif verb.startswith(_OTHER):
            action = verb.removeprefix(_OTHER)
            await self._act(self._other, action, token, _body(action, token, self._draw))
        else:
            await self._plain(verb, token)

    async def _plain(self, verb: str, token: str) -> None:
        """What a requester writes to a merged ticket comes to the other one."""
        who = self._requester if verb in ("answer", "reopen") else self._world.admin
        action = "reply" if verb == "answer" else verb
        if verb == "reply":
            self._last_reply = token
        to = self._other if self._is_merged and verb == "answer" else self._ticket
        body = _body(action, token, self._draw)
        await self._act(to, verb, token, body, who=who, path=f"/tickets/{self._ticket}/actions/{action}")

    async def _split(self, token: str) -> None:
        """Makes a ticket of its own out of the last reply."""
        comments = await self._client.read(f"/tickets/{self._ticket}/comments", self._world.admin)
        replies = [one["id"] for one in comments["data"] if one["body"] == self._last_reply]
        body = {"comments": replies, "subject": token}
        split = await self._act(self._ticket, SPLIT, token, body, comment=self._last_reply)
        if split is not None:
            self._known.append(split["id"])

    async def _act(
        self,
        ticket: str | None,
        verb: str,
        token: str,
        body: dict[str, Any],
        *,
        who: Who | None = None,
        path: str | None = None,
        **facts: Any,
    ) -> dict[str, Any] | None:
        return await self._client.ask(
            verb,
            "POST",
            path or f"/tickets/{ticket}/actions/{verb}",
            who or self._world.admin,
            body,
            hasty=self._is_hasty(),
            ticket=ticket,
            token=token,
            **facts,
        )

    def _is_hasty(self) -> bool:
        return self._draw.random() < 0.05


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
