"""Sweeps of rows that nobody needs any more, in short transactions that lock no more than a page of them."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, tuple_

from domain.housekeeping import Leftover
from domain.notification.record import State
from storage.account import tokens
from storage.database import Database, table_of
from storage.tables.account import TokenRow
from storage.tables.bulk import BulkRow
from storage.tables.notification import NotificationRow
from storage.tables.ticket import TicketViewerRow

PAGE: Final = 1000


def _done_notifications(before: datetime) -> ColumnElement[bool]:
    read = and_(NotificationRow.state == State.READ, NotificationRow.read_at < before)
    return or_(read, and_(NotificationRow.state == State.SENT, NotificationRow.sent_at < before))


ENDED: Final[Mapping[Leftover, tuple[Any, Callable[[datetime], ColumnElement[bool]]]]] = {
    Leftover.TOKENS: (TokenRow, tokens.ended),
    Leftover.VIEWERS: (TicketViewerRow, lambda before: TicketViewerRow.seen_at < before),
    Leftover.NOTIFICATIONS: (NotificationRow, _done_notifications),
    Leftover.BULKS: (BulkRow, lambda before: BulkRow.finished_at < before),
}
"""The rows of each kind, and which of them ended before an instant."""


async def sweep(database: Database, leftover: Leftover, before: datetime) -> AsyncIterator[int]:
    """Removes what ended `before`, and yields how many rows, a transaction at a time."""
    mapped, ended = ENDED[leftover]
    key = tuple_(*table_of(mapped).primary_key.columns)
    page = (
        select(*table_of(mapped).primary_key.columns)
        .where(ended(before))
        .limit(PAGE)
        .with_for_update(skip_locked=True)
    )
    while True:
        async with database.writing() as writer:
            done: Any = await writer.execute(delete(mapped).where(key.in_(page)))
        yield done.rowcount
        if done.rowcount < PAGE:
            return
