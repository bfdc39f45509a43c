"""The API through ASGI, on a real database and a real Temporal server.

`client` is nobody, `admin` the first administrator; `make_person` makes anybody else, signed in.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from temporalio.client import Client

from api.app import create_app
from api.desk import Desk
from domain.account import Role
from runtime.settings import Settings
from storage.account import people, tokens
from storage.database import Database
from tests.api.work import working
from tests.requests import make_world
from tests.rows import (
    insert_appeal,
    insert_claim,
    insert_invitation,
    insert_task,
    link_to,
    link_to_question,
)


class Api(AsyncClient):
    """A client of the API; `person_id` is who it is signed in as."""

    person_id: UUID


MakePerson = Callable[..., Awaitable[Api]]


@pytest.fixture
def desk(database: Database, temporal: Client, tmp_path: Path) -> Desk:
    return Desk(settings=Settings(home=tmp_path), database=database, temporal=temporal)


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[Api]:
    """Nobody in particular: no token."""
    async with _open(app) as api:
        yield api


@pytest.fixture
async def make_person(app: FastAPI, desk: Desk) -> AsyncIterator[MakePerson]:
    """`await make_person("agent", tier=2, teams=["storage"])`: a person with these roles, signed in.

    Keyword arguments are columns of people, and `teams` (ids or names) and `password`.
    """
    async with AsyncExitStack() as stack:
        count = 0

        async def make(*roles: str, teams: Any = (), password: str | None = None, **fields: Any) -> Api:
            nonlocal count
            count += 1
            values = {
                "email": f"person{count}@desk.example",
                "name": f"Person {count}",
                "roles": [Role(role) for role in roles or ("requester",)],
                **fields,
            }
            async with desk.database.writing() as writer:
                person = await people.create_person(writer, values, teams=teams, password=password)
                expires_at = datetime.now(UTC) + timedelta(hours=1)
                issued = await tokens.issue(writer, person.id, "test", expires_at=expires_at, scopes=None)
            api = await stack.enter_async_context(_open(app))
            api.headers["Authorization"] = f"Bearer {issued.secret}"
            api.person_id = person.id
            return api

        yield make


@pytest.fixture
async def admin(make_person: MakePerson) -> Api:
    return await make_person("admin", email="admin@desk.example", name="Admin")


@pytest.fixture
async def world(desk: Desk, admin: Api, make_person: MakePerson) -> AsyncIterator[dict[str, Any]]:
    async with working(desk):
        agent, somebody = await make_person("agent"), await make_person()
        made = await make_world(admin, agent.person_id, somebody.person_id)
        asked = await insert_invitation(desk.database, somebody.person_id)
        award, claim = [
            await insert_claim(desk.database, one.person_id, made["achievement_id"], made["prize_id"])
            for one in (somebody, admin)
        ]
        contest = {name: made[name] for name in ("contest_id", "entry_id")}
        yield {
            **made,
            "notification_id": agent.person_id,
            "token": await link_to(desk.database, asked),
            "link": await link_to_question(desk.database, UUID(made["feedback_id"]), somebody.person_id),
            "task_id": await insert_task(desk.database, somebody.person_id, UUID(made["ticket_id"])),
            "award_id": award,
            "claim_id": claim,
            "appeal_id": await insert_appeal(desk.database, **contest, person_id=admin.person_id),
            "key_id": "unknown",
        }


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of `app` behind a server of its own."""
    config = uvicorn.Config(
        app, port=0, http="httptools", lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as address:
        yield address


def _open(app: FastAPI) -> Api:
    # A failure that the app lets out is a failure of the test.
    return Api(transport=ASGITransport(cast(Any, app)), base_url="http://desk.test")
