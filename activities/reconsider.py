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
    await _signal_all(client, "ticket", ticket_ids, "reconsider", message)


async def consider_all(client: Client, feedback_ids: Iterable[UUID], news: News) -> None:
    """The same for feedback."""
    await _signal_all(client, "feedback", feedback_ids, "consider", news)


async def _signal_all(
    client: Client, feature: str, record_ids: Iterable[UUID], signal: str, message: object
) -> None:
    limit = asyncio.Semaphore(_CONCURRENCY)

    async def send(record_id: UUID) -> None:
        async with limit:
            try:
                handle = client.get_workflow_handle(ids.workflow_id(feature, record_id))
                await handle.signal(signal, message)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    await asyncio.gather(*(send(record_id) for record_id in record_ids))
