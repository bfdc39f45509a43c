"""The ledger of deliveries: how far each turn of an item was told, read from the notifications themselves."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from domain.account import Ref
from domain.feedback.record import Delivered, TurnDeliveries
from domain.notification.kind import Kind
from domain.notification.notice import Notice
from domain.notification.record import State
from storage.database import Reader
from storage.feedback.telling import turn_key
from storage.page import Order, in_order
from storage.tables.account import PersonRow
from storage.tables.feedback import FeedbackTurnRow as Turn
from storage.tables.notification import NotificationRow as Row

HEARD: Final = (State.UNREAD, State.READ, State.SENT, State.KEPT)
BY_RECIPIENT: Final = Order((Row.recipient_id,))


async def turns(reader: Reader, feedback_id: UUID) -> list[TurnDeliveries]:
    """Every turn of the item, the newest first."""
    statement = select(Turn).where(Turn.feedback_id == feedback_id)
    rows = (await reader.scalars(statement.order_by(Turn.version.desc(), Turn.position.desc()))).all()
    return [await _counted(reader, row) for row in rows]


async def _counted(reader: Reader, turn: Turn) -> TurnDeliveries:
    """`total` are those who followed, without those who chose not to hear of it, as far as that is known yet, and
    without the one whose act it was."""
    heard, bounced = _any(Row.state.in_(HEARD)), _any(Row.state == State.DEAD)
    each = (
        select(heard.label("heard"), bounced.label("bounced"))
        .where(Row.event_key == _key(turn))
        .group_by(Row.recipient_id)
        .subquery()
    )
    told, failed, on_the_way, addressed = (
        await reader.execute(
            select(
                func.count().filter(each.c.heard),
                func.count().filter(each.c.bounced),
                func.count().filter(~each.c.heard, ~each.c.bounced),
                func.count(),
            ).select_from(each)
        )
    ).one()
    unreached = 0 if turn.done_at else max(0, turn.total - turn.passed)
    return TurnDeliveries(
        version=turn.version,
        kind=Kind(turn.kind),
        at=turn.at,
        told=told,
        total=addressed + unreached,
        bounced=failed,
        pending=on_the_way + unreached,
        muted=turn.passed - addressed,
        done=turn.done_at is not None,
    )


async def people(
    reader: Reader, feedback_id: UUID, version: int, *, after: Sequence[Any] | None, size: int
) -> list[Delivered]:
    """How each person was told of the turn that made this version, in the order of their ids."""
    keys = [
        _key(turn)
        for turn in await reader.scalars(
            select(Turn).where(Turn.feedback_id == feedback_id, Turn.version == version)
        )
    ]
    statement = _people(keys)
    if after is not None:
        statement = statement.where(Row.recipient_id > after[0])
    rows = await reader.execute(statement.order_by(*in_order(BY_RECIPIENT)).limit(size + 1))
    return [
        Delivered(
            person=Ref(id=row.recipient_id, name=row.name),
            states=row.states,
            bounced=State.DEAD in row.states.values(),
            error=row.error,
        )
        for row in rows
    ]


def _people(keys: Sequence[str]) -> Select[Any]:
    return (
        select(
            Row.recipient_id,
            PersonRow.name,
            func.jsonb_object_agg(Row.channel, Row.state).label("states"),
            func.max(Row.last_error).label("error"),
        )
        .join(PersonRow, PersonRow.id == Row.recipient_id)
        .where(Row.event_key.in_(keys))
        .group_by(Row.recipient_id, PersonRow.name)
    )


def _any(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.bool_or(condition)


def _key(turn: Turn) -> str:
    return turn_key(
        turn.feedback_id, turn.version, Notice(kind=Kind(turn.kind), audience=[], params=turn.params)
    )
