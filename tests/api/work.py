"""The workers and the relay of a desk, inside the test process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.desk import Desk
from domain.queues import DELIVERY, PROCESS
from storage.sla import ensure_default_policy
from storage.survey.definition import ensure_default_survey
from workers.handlers import Handlers
from workers.main import worker_for
from workers.relay import Relay


@asynccontextmanager
async def working(desk: Desk) -> AsyncIterator[None]:
    async with desk.database.writing() as writer:
        await ensure_default_policy(writer)
        await ensure_default_survey(writer)
    async with (
        worker_for(PROCESS, desk.settings, desk.database, desk.temporal),
        worker_for(DELIVERY, desk.settings, desk.database, desk.temporal),
        relaying(desk),
    ):
        yield


@asynccontextmanager
async def relaying(desk: Desk) -> AsyncIterator[None]:
    """For a desk that has its workers."""
    relay = Relay(desk.database, Handlers(desk.database, desk.temporal).by_topic())
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
