"""Who works at the desk of a chaos run, and what it promises: three teams with a category and a policy each.

The policies differ in everything that a clock can do: pauses, restarts, resumed cycles, repeats, steps before and
after the due time, effects that change tier and priority. Targets are seconds, stretched by `scale`.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from benchmarks.crowd import insert_followers
from storage.database import Database
from tests.chaos.client import Client, Who
from tests.chaos.stack import ADMIN, PASSWORD, Stack

CATEGORIES: Final = ("network", "accounts", "hardware")
REQUESTERS: Final = 8
ENTRANTS: Final = 6
_CAMPAIGNS: Final = 5
AFTER_RESOLUTION: Final = "5f1c0d3e-8a44-5c1b-9a57-2d0c6b7e1f01"
CROWD: Final = "Everybody wants this"
_CROWD_SIZE: Final = 1200
"""Followers of one item: more than are told in one transaction."""

_SPEED: Final = {"critical": 0.6, "high": 0.8, "normal": 1.0, "low": 1.5}
_BASE: Final = {"first_response": 10, "resolution": 26}
_RULES: Final[dict[str, dict[str, Any]]] = {
    "network": {
        "ladder": [
            {"at": "75%", "do": ["notify:assignee"]},
            {"at": "100%", "do": ["notify:assignee", "notify:lead", "tier:2"]},
            {"at": "150%", "do": ["notify:manager", "tier:3"], "repeat": "400%"},
        ],
    },
    "accounts": {
        "on_priority_change": "restart",
        "on_reopen": "resume",
        "ladder": [
            {"at": "-PT3S", "do": ["notify:assignee"]},
            {"at": "100%", "do": ["notify:lead", "tag:late"]},
            {"clock": "resolution", "at": "+PT5S", "do": ["notify:manager", "priority:high"]},
        ],
    },
    "hardware": {
        "pause_on": ["waiting", "on_hold"],
        "ladder": [
            {"at": "50%", "do": ["notify:assignee"]},
            {"clock": "first_response", "at": "120%", "do": ["notify:manager"]},
            {"clock": "resolution", "at": "140%", "do": ["notify:manager", "tier:2"], "time": "working"},
        ],
    },
}
_MORE_CLOCKS: Final = {"network": {"assignment": 12}, "accounts": {"next_response": 12}, "hardware": {}}
EACH_THIRD, STREAK, SHORT_LIVED, PRIZED = "Each third post", "Three days", "Two answers", "Each fourth post"
_ACHIEVEMENTS: Final[dict[str, dict[str, Any]]] = {
    EACH_THIRD: {
        "criteria": {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 3},
        "reward": {"type": "points", "value": 7},
        "repeat": "each",
    },
    STREAK: {
        "criteria": {"metric": "streak", "operator": ">=", "threshold": 3},
        "reward": {"type": "badge"},
    },
    SHORT_LIVED: {
        "criteria": {"metric": "count", "action": "accepted_answer", "operator": ">=", "threshold": 2},
        "reward": {"type": "points", "value": 5, "expires_after": "PT20S"},
    },
    PRIZED: {
        "criteria": {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 4},
        "reward": {"type": "prize"},
        "repeat": "each",
    },
}
_PRIZE: Final = {"name": "Mug", "description": "A mug", "currency": "EUR", "cost": 7, "budget": 75}
"""For ten of them: some are refused."""

_SILENT: Final = ("ticket_assigned", "sla_warning", "ticket_reopened")
"""What the staff reads in the app only: it halves the mails of a run."""


@dataclass
class World:
    """Ids by what they are for; `requesters` and `boss` act, `entrants` enter contests and judge them, `agents` are
    only given tickets; `crowd` is an item that many follow; `campaigns` are drafts, for all requesters."""

    admin: Who
    boss: Who
    crowd: str = ""
    requesters: list[Who] = field(default_factory=list)
    entrants: list[Who] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    policies: dict[str, str] = field(default_factory=dict)
    campaigns: list[str] = field(default_factory=list)


def policy(category: str, scale: float, stretch: float = 1.0, *, more: bool = False) -> dict[str, Any]:
    """The policy of a category; `stretch` and `more` are what an edit changes."""
    clocks = {**_BASE, **_MORE_CLOCKS[category]}
    targets = {
        priority: {clock: f"PT{base * speed * scale * stretch:.0f}S" for clock, base in clocks.items()}
        for priority, speed in _SPEED.items()
    }
    rules = dict(_RULES[category])
    if more:
        rules["ladder"] = [*rules["ladder"], {"at": "90%", "do": ["notify:watchers"]}]
    return {
        "name": f"Promises of {category}",
        "position": CATEGORIES.index(category) + 1,
        "match": {"category": [category]},
        "targets": targets,
        **rules,
    }


async def make_world(stack: Stack, client: Client, scale: float, capacity: int) -> World:
    admin = await client.sign_in(ADMIN)

    async def post(path: str, body: dict[str, Any]) -> str:
        return str((await client.plain("POST", path, admin, body))["id"])

    async def person(name: str, **fields: Any) -> str:
        body = {"email": f"{name}@people.example", "name": name, "password": PASSWORD, **fields}
        return await post("/people", body)

    await person("boss", roles=["manager"])
    world = World(admin, await client.sign_in("boss@people.example"))
    for category in CATEGORIES:
        await post("/teams", {"name": category, "categories": [category]})
        for number, tier in enumerate((1, 1, 2, 3)):
            fields = {"roles": ["agent"], "teams": [category], "tier": tier, "capacity": capacity}
            world.agents.append(await person(f"{category}-{number}", **fields))
            who = await client.sign_in(f"{category}-{number}@people.example")
            silent = {"channels": {kind: {"email": False} for kind in _SILENT}}
            await client.plain("PUT", "/notifications/preferences", who, silent)
        world.policies[category] = await post("/sla-policies", policy(category, scale))
    prize = await post("/prizes", _PRIZE)
    for name, fields in _ACHIEVEMENTS.items():
        reward = {**fields["reward"], "prize": prize} if name == PRIZED else fields["reward"]
        made = await post("/achievements", {"name": name, "description": name, **fields, "reward": reward})
        await client.plain("PATCH", f"/achievements/{made}", admin, {"state": "active"})
    times = {"delay": f"PT{2 * scale:.0f}S", "remind_after": f"PT{8 * scale:.0f}S"}
    await client.plain("PATCH", f"/surveys/{AFTER_RESOLUTION}", admin, times)
    for number in range(REQUESTERS):
        await person(f"asks-{number}")
        who = await client.sign_in(f"asks-{number}@people.example")
        if number % 2:
            silent = {"channels": {"ticket_created": {"email": False}}}
            await client.plain("PUT", "/notifications/preferences", who, silent)
        world.requesters.append(who)
    audience = {"people": [who.id for who in world.requesters]}
    for number in range(_CAMPAIGNS):
        campaign = {"name": f"Campaign {number}", "kind": "csat", "audience": audience, "rest": None}
        world.campaigns.append(await post("/surveys", {**campaign, "remind_after": times["remind_after"]}))
    item = {"title": CROWD, "body": "It would help.", "kind": "suggestion"}
    world.crowd = await post("/feedback", item)
    await post(f"/feedback/{world.crowd}/actions/triage", {})
    database = Database(stack.database_url())
    await insert_followers(database, UUID(world.crowd), _CROWD_SIZE)
    await database.close()
    for number in range(ENTRANTS):
        await person(f"enters-{number}")
        world.entrants.append(await client.sign_in(f"enters-{number}@people.example"))
    return world
