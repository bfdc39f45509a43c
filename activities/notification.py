"""The effects of delivering a mail: sending it, and giving it up. Which of them, and when, is decided by
`workflows/notification`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from temporalio import activity

from activities.failure import translated
from domain.notification.delivery import (
    DeadLetter,
    DeliveryFailed,
    DeliveryRefused,
    NotificationInput,
    SendOutcome,
)

if TYPE_CHECKING:
    from adapters.mail import MailRenderer
    from adapters.smtp import Sender
    from storage.notification import Deliveries

ALIVE_EVERY: Final = timedelta(seconds=5)
"""How often a sending that takes long says that its worker is alive."""


class NotificationActivities:
    def __init__(self, deliveries: "Deliveries", sender: "Sender", renderer: "MailRenderer") -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._renderer = renderer

    @activity.defn(name="send_notification")
    @translated
    async def send(self, job: NotificationInput) -> SendOutcome:
        """Sends the mail of a pending row, on the delivery queue.

        Running twice sends once: a row that is `sent` is left alone. If everything dies between the mail
        server's 250 and the note of it in the row, the mail goes out a second time with the same Message-ID.
        """
        delivery = await self._deliveries.claim(job)
        if delivery is None:
            return SendOutcome.OBSOLETE
        if not self._sender.configured:
            await self._deliveries.mark_kept(job)
            return SendOutcome.KEPT
        try:
            if not delivery.active:
                raise DeliveryRefused("recipient_inactive", "The recipient's account is closed.")
            message = await asyncio.to_thread(self._renderer.render, delivery, datetime.now(UTC))
            async with _saying_alive():
                await self._sender.send(message)
        except DeliveryFailed as error:
            await self._deliveries.mark_failed(job, error.told)
            raise
        await self._deliveries.mark_sent(job)
        return SendOutcome.SENT

    @activity.defn(name="give_up_notification")
    @translated
    async def give_up(self, letter: DeadLetter) -> None:
        """Makes the row a dead letter. Running twice, or after a resend, changes nothing."""
        await self._deliveries.mark_dead(letter)


@asynccontextmanager
async def _saying_alive() -> AsyncIterator[None]:
    """A slow mail server is waited for; a worker that died is not."""

    async def say() -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY.total_seconds())
            activity.heartbeat()

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()
