"""Workers as a process: what ends it."""

import asyncio

import pytest
from sqlalchemy.exc import ProgrammingError
from temporalio.client import Client

from domain.queues import DELIVERY, PROCESS
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.settings import Settings
from workers.main import run_workers


async def test_a_relay_that_breaks_ends_the_process_so_that_it_is_started_again(
    postgres_server: EmbeddedPostgres, temporal: Client
) -> None:
    """Its database has no outbox. A process that stayed would look well and hand nothing over."""
    postgres_server.create_database("desk_bare")
    settings = Settings(
        database_url=postgres_server.url("desk_bare"),
        temporal_address=temporal.service_client.config.target_host,
    )
    async with asyncio.timeout(60):
        with pytest.raises(ProgrammingError, match="outbox"):
            await run_workers(settings, (PROCESS, DELIVERY))
