"""A worker's own HTTP server: figures, liveness, and which part does not answer."""

import socket
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient
from temporalio.client import Client

from runtime.settings import SettingError
from storage.database import Database
from tests.conftest import free_port
from workers.health import checks, watched


async def _sdk() -> str:
    return "# TYPE temporal_request_total counter\ntemporal_request_total 3\n"


@pytest.fixture
async def client(database: Database, temporal: Client) -> AsyncIterator[AsyncClient]:
    address = f"127.0.0.1:{free_port()}"
    async with (
        watched(address, checks(database, temporal), _sdk),
        AsyncClient(base_url=f"http://{address}") as client,
    ):
        yield client


async def test_it_is_alive_and_ready(client: AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": {"up": True}, "temporal": {"up": True}}
    assert (await client.get("/other")).status_code == 404


async def test_one_page_shows_its_own_figures_and_the_sdks(client: AsyncClient) -> None:
    page = (await client.get("/metrics")).text
    assert 'temporal_request_total{part="worker"} 3\n' in page
    assert 'duradesk_outbox_kept_total{part="worker",topic="policy"} ' in page


async def test_it_tells_which_part_does_not_answer(temporal: Client) -> None:
    nowhere = Database("postgresql://desk@127.0.0.1:1/desk")
    address = f"127.0.0.1:{free_port()}"
    async with watched(address, checks(nowhere, temporal), _sdk), AsyncClient() as client:
        answer = await client.get(f"http://{address}/readyz")
    await nowhere.close()
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": {"up": False}, "temporal": {"up": True}}


async def test_a_taken_address_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingError, match=r"DURADESK_METRICS_ADDRESS=.*in use"):
            async with watched(address, {}, _sdk):
                pass
