"""Every route, every role, and the caller's own, their team's and a foreign record, against `decisions.toml`.

The routes are those of the OpenAPI document, so a new one without a decision fails. Whoever gets through may still
be told that the record's state does not allow it; whoever does not is told 403, or 404 where existence is secret.
"""

import asyncio
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport
from sqlalchemy import insert
from temporalio.client import Client

from api.desk import Desk
from domain.account import Role
from domain.survey.definition import AFTER_RESOLUTION
from runtime.keys import new_key
from runtime.settings import Settings
from storage.database import Base, Database
from storage.tables.bulk import BulkRow
from storage.tables.macro import MacroRow
from storage.tables.notification import NotificationRow
from storage.tables.view import ViewRow
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.contests import OTHERWISE, make_contest
from tests.contributions import ACHIEVEMENT, PRIZE
from tests.requests import API, BODIES, CALENDAR, POLICY, QUERIES, TYPES, WEEK, address, fill
from tests.rows import insert_appeal, insert_claim, insert_invitation, insert_task, link_to, link_to_question

pytestmark = pytest.mark.timeout(180)

STATED: Final = tomllib.loads(Path(__file__).with_name("decisions.toml").read_text())
DECISION_OF: Final = {route: name for name, routes in STATED["routes"].items() for route in routes}
EVERYBODY: Final = tuple(str(role) for role in Role)
PASSWORD: Final = "long-ago-password"

INSTEAD: Final[dict[str, Any]] = {
    "POST /sessions": {"email": "admin@desk.example", "password": PASSWORD},
    "POST /tickets": {**BODIES["POST /tickets"], "external_id": "{external_id}"},
    "POST /tickets : for oneself": {"subject": "A", "description": "B"},
    "POST /tickets : for a customer": {
        "subject": "A",
        "description": "B",
        "requester": {"email": "customer@acme.example"},
    },
    "POST /feedback": {**BODIES["POST /feedback"], "ticket": None},
    "POST /feedback : for oneself": {"title": "A", "body": "B"},
    "POST /releases": {"name": "Spring", "notes": "Bigger disks."},
    "PATCH /releases/{release_id}": {"name": "Summer"},
    "POST /feedback/{feedback_id}/actions/edit": {"title": "A wish"},
    "POST /feedback/{feedback_id}/actions/triage": {"add": ["late"]},
    "POST /tickets/{ticket_id}/comments : internal": {"body": "Hello.", "visibility": "internal"},
    "POST /tickets/{ticket_id}/attachments : internal": b"a file",
    "POST /tickets/{ticket_id}/actions/watch : somebody else": {"person": "{somebody_id}"},
    "PATCH /people/{person_id}": {"capacity": 20},
    "PATCH /people/{person_id} : profile": {"name": "Another Name"},
    "PUT /people/{person_id}/password": {"password": PASSWORD, "current_password": PASSWORD},
    "GET /tokens : of somebody": None,
    "POST /tokens : for somebody": {"name": "robot", "person": "{person_id}"},
    "POST /macros : for oneself": {
        "name": "Mine",
        "personal": True,
        "actions": [{"action": "tag", "add": ["seen"]}],
    },
    "PATCH /macros/{macro_id}": {"description": "Says hello"},
    "PATCH /macros/{macro_id} : of everybody": {"description": "Says hello"},
    "POST /views : for oneself": {"name": "Mine", "personal": True, "query": "status:open"},
    "PATCH /achievements/{achievement_id}": {"description": "Ten posts, or more"},
    "PATCH /prizes/{prize_id}": {"budget": 10_000},
    "PATCH /views/{view_id}": {"position": 3},
    "PATCH /views/{view_id} : of everybody": {"position": 3},
    "POST /macros/{macro_id}/preview": {"ticket": "{ticket_id}"},
    **OTHERWISE,
    "POST /sla-policies": {**POLICY, "match": {}},
    "PATCH /sla-policies/{policy_id}": {"position": 8},
    "PATCH /calendars/{calendar_id}": {"name": "Shift"},
    "POST /calendars": {**CALENDAR, "name": "Night"},
}
"""Requests that differ from `tests/requests.py`, or ask for something else of the same route."""

ASKED: Final = {
    "GET /tokens : of somebody": "?person={person_id}",
    "GET /stream : of a ticket": "?ticket={ticket_id}",
    "GET /notifications : of everybody": "?recipient={stranger_id}",
    "POST /tickets/{ticket_id}/attachments : internal": "?name=file.bin&visibility=internal",
}
SHARED: Final = ("of everybody", "preview", "apply")


def routes_of(app: FastAPI) -> set[str]:
    return {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }


def expected(decision: str, relation: str, role: str) -> str:
    """`yes`, `403` or `404`."""
    lines = STATED["decisions"][decision][relation]
    named = {one: outcome for outcome, roles in lines.items() if roles != "others" for one in roles}
    others = [outcome for outcome, roles in lines.items() if roles == "others"]
    assert role in named or len(others) == 1, f"{decision}.{relation} says nothing of {role}"
    return named.get(role) or others[0]


def test_every_route_has_one_decision(app: FastAPI) -> None:
    stated = list(chain(*STATED["routes"].values()))
    assert not [route for route, times in Counter(stated).items() if times > 1]
    assert {route.partition(" : ")[0] for route in stated} == routes_of(app), (
        "write each route under the decision that is meant, in tests/security/decisions.toml"
    )
    assert set(STATED["routes"]) == set(STATED["decisions"])


def test_every_decision_speaks_of_every_role() -> None:
    for name, relations in STATED["decisions"].items():
        for relation, lines in relations.items():
            assert set(lines) <= {"yes", "403", "404"}, (name, relation)
            assert {expected(name, relation, role) for role in EVERYBODY} <= {"yes", "403", "404"}


@dataclass
class Caller:
    """Somebody of one role, and for each relation the records that requests name."""

    role: str
    api: Api
    worlds: dict[str, dict[str, Any]]


async def outcome(caller: Caller, route: str, relation: str) -> str:
    method, path = route.partition(" : ")[0].split()
    world = caller.worlds[relation]
    if any(words in route for words in SHARED):
        world = {**world, "macro_id": world["shared_macro_id"], "view_id": world["shared_view_id"]}
    if route.endswith(" : active"):
        world = {**world, "achievement_id": world["active_achievement_id"]}
    body = fill(INSTEAD.get(route, BODIES.get(f"{method} {path}")), world)
    question = ASKED.get(route, QUERIES.get(f"{method} {path}", "")).format_map(world)
    url = path if path in ("/healthz", "/readyz") else address(path, world)
    kind = TYPES.get(f"{method} {path}", "application/octet-stream")
    sent: dict[str, Any] = {"content": body, "headers": {"Content-Type": kind}}
    if not isinstance(body, bytes):
        sent = {} if body is None else {"json": body}
    if path == "/stream":
        return as_outcome(await beginning_of(caller.api, url + question))
    answer = await caller.api.request(method, url + question, **sent)
    assert answer.status_code < 500 or path == "/readyz", (route, answer.text)
    return as_outcome(answer.status_code)


def as_outcome(status: int) -> str:
    return str(status) if status in (401, 403, 404) else "yes"


async def beginning_of(api: Api, url: str) -> int:
    """The status of an answer that has no end."""
    request = api.build_request("GET", url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": request.url.path,
        "raw_path": request.url.raw_path,
        "root_path": "",
        "scheme": "http",
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": ("desk.test", 80),
        "client": ("127.0.0.1", 1),
    }
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            begun.set_result(message["status"])

    async def receive() -> Any:
        await asyncio.Event().wait()

    transport = api._transport
    assert isinstance(transport, ASGITransport)
    answering = asyncio.ensure_future(transport.app(scope, receive, send))
    try:
        return await begun
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


def in_order(routes: list[str]) -> list[str]:
    """What takes away comes late, a new password, which ends all tokens, later, one's own session last."""
    late = ("PUT /people/{person_id}/password", "DELETE /sessions/current")
    return sorted(
        routes, key=lambda route: (late.index(route) if route in late else -1, route[:6] == "DELETE")
    )


class Records:
    """Makes what requests are about, each time anew, so that no caller finds what another one did."""

    def __init__(self, desk: Desk, admin: Api, stranger: Api) -> None:
        self._desk = desk
        self._admin = admin
        self._stranger = stranger
        self._common: dict[str, Any] = {}

    async def _post(self, path: str, body: Any, api: Api | None = None) -> Any:
        answer = await (api or self._admin).post(API + path, json=fill(body, self._common))
        assert answer.is_success, (path, answer.text)
        return answer.json()

    async def _insert(self, table: type[Base], **values: Any) -> UUID:
        made: UUID = uuid4()
        async with self._desk.database.writing() as writer:
            await writer.execute(insert(table).values(id=made, **values))
        return made

    async def common(self, team_id: UUID, other_team_id: UUID, agent_id: UUID) -> None:
        self._common = {
            "team_id": team_id,
            "other_team_id": other_team_id,
            "agent_id": agent_id,
            "stranger_id": self._stranger.person_id,
            "somebody_id": self._stranger.person_id,
        }

    async def of_one(self, api: Api, person_id: UUID) -> dict[str, Any]:
        """What belongs to one person, and what belongs to nobody."""
        name = uuid4().hex[:8]
        action = {"action": "tag", "add": ["seen"]}
        now = datetime.now(UTC)
        bulk = {"fingerprint": "", "action": "tag", "fields": {}, "state": "done", "total": 0}
        notice = {"event_key": name, "channel": "email", "kind": "ticket_created", "locale": "en"}
        # Nobody meets it; what is inserted as awarded has to stay so when the person's facts are looked at.
        kept = {**ACHIEVEMENT, "revocable": False}
        drafts = {one: {**kept, "name": f"{name} {one}"} for one in ("draft", "active")}
        draft, active = [(await self._post("/achievements", body))["id"] for body in drafts.values()]
        await self._admin.patch(f"{API}/achievements/{active}", json={"state": "active"})
        backfill = await self._post(f"/achievements/{draft}/backfills", {"dry_run": True})
        prize = await self._post("/prizes", {**PRIZE, "name": name})
        award = await insert_claim(self._desk.database, person_id, active, prize["id"])
        contest = await make_contest(self._admin, api, person_id)
        calendar = await self._post("/calendars", {"name": name, "weekly": WEEK})
        self._common["calendar_id"] = calendar["id"]
        return {
            **self._common,
            **contest,
            "appeal_id": await insert_appeal(self._desk.database, **contest, person_id=person_id),
            "person_id": person_id,
            "member_id": person_id,
            "survey_id": AFTER_RESOLUTION,
            "token": await link_to(
                self._desk.database, await insert_invitation(self._desk.database, person_id)
            ),
            "achievement_id": draft,
            "active_achievement_id": active,
            "backfill_id": backfill["id"],
            "prize_id": prize["id"],
            "award_id": award,
            "claim_id": award,
            "key_id": self._desk.settings.encryption_keys().all[0].id,
            "external_id": name,
            "organization_id": (await self._post("/organizations", {"name": name}))["id"],
            "policy_id": (await self._post("/sla-policies", {**POLICY, "name": name, "match": {}}))["id"],
            "field_id": (await self._post("/fields", {"key": f"f{name}", "label": "L", "type": "text"}))[
                "id"
            ],
            "token_id": (await self._post("/tokens", {"name": name}, api))["id"],
            "release_id": (await self._post("/releases", {"name": name, "notes": "N"}))["id"],
            "shared_macro_id": (await self._post("/macros", {"name": name, "actions": [action]}))["id"],
            "macro_id": await self._insert(MacroRow, name=name, owner_id=person_id, actions=[action]),
            "shared_view_id": (await self._post("/views", {"name": name, "query": "status:open"}))["id"],
            "view_id": await self._insert(ViewRow, name=name, owner_id=person_id, query="q", sort="number"),
            "bulk_id": await self._insert(BulkRow, person_id=person_id, finished_at=now, **bulk),
            "notification_id": await self._insert(
                NotificationRow, recipient_id=person_id, params={}, state="dead", created_at=now, **notice
            ),
        }

    async def feedback(self, api: Api, *, public: bool) -> dict[str, Any]:
        """An item that this person submitted, another one beside it, and a link that asks whether it is solved."""
        made, other = [
            (await self._post("/feedback", {"title": "A", "body": "B"}, api))["id"] for _ in range(2)
        ]
        if public:
            await self._post(f"/feedback/{made}/actions/edit", {"public": True})
        link = await link_to_question(self._desk.database, UUID(made), api.person_id)
        return {"feedback_id": made, "other_feedback_id": other, "link": link}

    async def ticket(self, requester: str, category: str) -> dict[str, Any]:
        """A ticket of the team that the category is of, and another one beside it."""
        wanted = {"subject": "A", "description": "B", "category": category, "requester": {"email": requester}}
        ticket, other = [(await self._post("/tickets", wanted))["id"] for _ in range(2)]
        await self._post(f"/tickets/{ticket}/comments", {"body": "Hello."})
        comments = (await self._admin.get(f"{API}/tickets/{ticket}/comments")).json()["data"]
        headers = {"Content-Type": "application/octet-stream"}
        url = f"{API}/tickets/{ticket}/attachments?name=file.bin"
        attached = await self._admin.post(url, content=b"a file", headers=headers)
        return {
            "ticket_id": ticket,
            "other_ticket_id": other,
            "comment_id": comments[0]["id"],
            "attachment_id": attached.json()["id"],
            "task_id": await insert_task(self._desk.database, self._stranger.person_id, UUID(ticket)),
        }

    async def worlds(self, api: Api) -> dict[str, dict[str, Any]]:
        stranger = self._stranger.person_id
        people = (await self._admin.get(f"{API}/people?page[size]=100")).json()["data"]
        address_of = {UUID(person["id"]): person["email"] for person in people}
        asked = await self.feedback(api, public=False)
        mine = {**await self.of_one(api, api.person_id), **asked}
        known = {**mine, **await self.ticket(address_of[stranger], "storage")}
        return {
            "any": mine,
            "mine": mine,
            "other": await self.of_one(self._stranger, stranger),
            "own": {**mine, **await self.ticket(address_of[api.person_id], "network")},
            "team": {**mine, **await self.ticket(address_of[stranger], "storage")},
            "foreign": {**mine, **await self.ticket(address_of[stranger], "network")},
            "asked": {**known, **asked},
            "shared": {**known, **await self.feedback(self._stranger, public=True)},
            "secret": {**known, **await self.feedback(self._stranger, public=False)},
        }


@pytest.fixture
def desk(database: Database, temporal: Client, tmp_path: Path) -> Desk:
    """With a key, so that there is one to be seen."""
    settings = Settings(home=tmp_path, encryption_key=new_key().text)
    return Desk(settings=settings, database=database, temporal=temporal)


@pytest.fixture
async def records(desk: Desk, make_person: MakePerson) -> AsyncIterator[Records]:
    """A desk with two teams."""
    async with working(desk):
        admin = await make_person("admin", email="admin@desk.example", password=PASSWORD)
        records = Records(desk, admin, await make_person())
        storage, network = [
            (await records._post("/teams", {"name": name, "categories": [name.lower()]}))["id"]
            for name in ("Storage", "Network")
        ]
        agent = await make_person("agent", teams=["Storage"])
        await records.common(storage, network, agent.person_id)
        yield records


def cells() -> Iterator[tuple[str, str, str]]:
    for route in in_order(list(DECISION_OF)):
        for relation in STATED["decisions"][DECISION_OF[route]]:
            yield route, DECISION_OF[route], relation


@pytest.mark.parametrize("role", EVERYBODY)
async def test_each_role_may_do_what_is_stated_and_no_more(
    role: str, records: Records, make_person: MakePerson, record_property: Callable[[str, object], None]
) -> None:
    api = await make_person(role, teams=["Storage"], password=PASSWORD)
    caller = Caller(role, api, await records.worlds(api))
    wrong, found = [], Counter[str]()
    for route, decision, relation in cells():
        stated = expected(decision, relation, role)
        if (got := await outcome(caller, route, relation)) != stated:
            wrong.append(f"{route} ({relation}): stated {stated}, got {got}")
        found[stated] += 1
    record_property("summary", f"rights: {role:<10} {found.total()} cells: {dict(sorted(found.items()))}")
    assert not wrong, f"{role}:\n" + "\n".join(wrong)


async def test_without_a_token_only_the_public_routes_answer(
    records: Records, client: Api, make_person: MakePerson
) -> None:
    worlds = await records.worlds(await make_person())
    nobody = Caller("nobody", client, worlds)
    for route, decision, relation in cells():
        wanted = "yes" if decision == "public" else "401"
        assert await outcome(nobody, route, relation) == wanted, route
