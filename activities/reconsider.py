"""Tells processes of tickets and feedback to look again. One signal too many does no harm."""

import asyncio
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain import ids
from domain.feedback.messages import News
from domain.ticket.messages import Reconsider

_CONCURRENCY: Final = 16


async def send_all(client: Client, ticket_ids: Iterable[UUID], message: Reconsider) -> None:
    """Signals each ticket; one whose process has ended has nothing left to reconsider."""
    limit = asyncio.Semaphore(_CONCURRENCY)

    async def send(ticket_id: UUID) -> None:
        async with limit:
            try:
                handle = client.get_workflow_handle(ids.workflow_id("ticket", ticket_id))
                await handle.signal("reconsider", message)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    await asyncio.gather(*(send(ticket_id) for ticket_id in ticket_ids))


async def consider(client: Client, feedback_id: UUID, news: News) -> None:
    """Tells one item a fact; one whose process has ended has nothing left to consider."""
    try:
        handle = client.get_workflow_handle(ids.workflow_id("feedback", feedback_id))
        await handle.signal("consider", news)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
