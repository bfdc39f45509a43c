"""The state of the whole desk in figures, for those who watch over it: what is open, what is due, what is stuck.

A few counts over partial indexes; no table is read whole but the outbox, which is empty in good times. How they are
shown is `api/metrics`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Integer, case, cast, extract, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from domain.notification.record import State
from domain.ticket.fields import Status
from storage.database import Reader
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from storage.tables.ticket import TicketRow

HORIZONS: Final[Mapping[str, timedelta]] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
OPEN: Final = [status for status in Status if status not in (Status.CLOSED, Status.MERGED)]
_NOW: Final = func.now()


@dataclass(frozen=True, slots=True)
class Gauges:
    """Ages are in whole seconds, of the oldest; 0 where there is nothing of the kind.

    `tickets` are those not closed, by status, priority and whether a promise is broken; `due` counts the steps
    that fire within each of HORIZONS, by clock (or `auto_close`); `overdue` those whose time has come and
    that have not fired.
    """

    tickets: Mapping[tuple[str, str, bool], int]
    waiting: Mapping[str, int]
    waiting_age: int
    due: Mapping[tuple[str, str], int]
    next_due_at: int | None
    overdue: int
    overdue_age: int
    mails: Mapping[str, int]
    mail_age: int
    outbox: int
    outbox_age: int


NONE: Final = Gauges(
    tickets={},
    waiting={},
    waiting_age=0,
    due={},
    next_due_at=None,
    overdue=0,
    overdue_age=0,
    mails={State.PENDING: 0, State.DEAD: 0},
    mail_age=0,
    outbox=0,
    outbox_age=0,
)
"""Of an empty desk."""


async def gauges(reader: Reader) -> Gauges:
    waiting, waiting_age = await _waiting(reader)
    mails, mail_age = await _mails(reader)
    outbox, outbox_age = (await reader.execute(select(func.count(), _age(OutboxRow.created_at)))).one()
    return Gauges(
        tickets=await _tickets(reader),
        waiting=waiting,
        waiting_age=waiting_age,
        mails=mails,
        mail_age=mail_age,
        outbox=outbox,
        outbox_age=outbox_age,
        **await _steps(reader),
    )


async def _tickets(reader: Reader) -> dict[tuple[str, str, bool], int]:
    group = (TicketRow.status, TicketRow.priority, TicketRow.breached)
    rows = await reader.execute(
        select(*group, func.count()).where(TicketRow.status.in_(OPEN)).group_by(*group)
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def _waiting(reader: Reader) -> tuple[dict[str, int], int]:
    reason = TicketRow.waiting_reason
    statement = select(reason, func.count(), _age(TicketRow.created_at)).group_by(reason)
    rows = (await reader.execute(statement.where(reason.is_not(None)))).all()
    return {str(row[0]): row[1] for row in rows}, max((row[2] for row in rows), default=0)


async def _steps(reader: Reader) -> dict[str, Any]:
    at = TicketRow.next_step_at
    clock = func.split_part(TicketRow.next_step, " ", 1)
    within = [func.count().filter(at >= _NOW, at < _NOW + span) for span in HORIZONS.values()]
    statement = select(clock, func.count().filter(at < _NOW), func.min(at), *within).group_by(clock)
    # The nearest day by the index; and the very next one, however far away.
    rows = (await reader.execute(statement.where(at < _NOW + max(HORIZONS.values())))).all()
    first = await reader.scalar(select(cast(extract("epoch", func.min(at)), Integer)).where(at.is_not(None)))
    overdue_age = await reader.scalar(select(_age(at)).where(at < _NOW))
    return {
        "due": {(str(row[0]), name): row[3 + index] for row in rows for index, name in enumerate(HORIZONS)},
        "next_due_at": first,
        "overdue": sum(row[1] for row in rows),
        "overdue_age": overdue_age,
    }


async def _mails(reader: Reader) -> tuple[dict[str, int], int]:
    """Those on their way and the dead; the age counts from when they may be sent."""
    state = NotificationRow.state
    since = func.coalesce(NotificationRow.send_after, NotificationRow.created_at)
    pending = case((state == State.PENDING, since), else_=literal(None))
    statement = select(state, func.count(), _age(pending)).group_by(state)
    rows = (await reader.execute(statement.where(state.in_([State.PENDING, State.DEAD])))).all()
    found = {**NONE.mails, **{row[0]: row[1] for row in rows}}
    return found, max((row[2] for row in rows), default=0)


def _age(since: Any) -> ColumnElement[int]:
    """Seconds since the oldest, or 0; also for what lies ahead, as a mail that waits for the morning."""
    return cast(func.greatest(extract("epoch", _NOW - func.min(since)), 0), Integer)
