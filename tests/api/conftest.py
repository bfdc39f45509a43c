"""The API through ASGI, on a real database and a real Temporal server.

`client` is nobody, `admin` the first administrator; `make_person` makes anybody else, signed in.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from temporalio.client import Client

from api.app import create_app
from api.desk import Desk
from domain.account import Role
from runtime.settings import Settings
from storage.account import people, tokens
from storage.database import Database


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


def _open(app: FastAPI) -> Api:
    # A failure that the app lets out is a failure of the test.
    return Api(transport=ASGITransport(cast(Any, app)), base_url="http://desk.test")
