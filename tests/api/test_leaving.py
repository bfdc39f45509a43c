"""The last words of an API process: it serves, and says to everybody that it is going."""

import asyncio
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport

from api.leaving import Leaving
from tests.api.conftest import Api, served
from tests.api.test_stream import listening


@pytest.fixture
def leaving(app: FastAPI) -> Leaving:
    return Leaving(app)


async def test_nothing_is_different_before_it_begins(leaving: Leaving) -> None:
    async with httpx.AsyncClient(
        transport=ASGITransport(cast(Any, leaving)), base_url="http://desk"
    ) as client:
        answer = await client.get("/healthz")
    assert "connection" not in answer.headers


async def test_it_serves_and_closes_each_connection(leaving: Leaving, admin: Api) -> None:
    leaving.begin()
    headers = {"Authorization": admin.headers["Authorization"]}
    async with httpx.AsyncClient(
        transport=ASGITransport(cast(Any, leaving)), base_url="http://desk"
    ) as client:
        answer = await client.get("/api/v1/tickets", headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


async def test_it_is_alive_and_not_ready(leaving: Leaving) -> None:
    leaving.begin()
    async with httpx.AsyncClient(
        transport=ASGITransport(cast(Any, leaving)), base_url="http://desk"
    ) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["parts"] == {"api": {"up": False, "detail": "It is stopping."}}


async def test_streams_end_as_complete_answers(app: FastAPI, leaving: Leaving, admin: Api) -> None:
    async with served(app) as address, listening(address, admin) as listener:
        leaving.begin()
        assert await listener.next(within=2) == ("closed", {})
        async with asyncio.timeout(5), listening(address, admin) as late:
            assert await late.next(within=2) == ("closed", {})
