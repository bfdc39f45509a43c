"""Lists of feedback: filters, words, order and keyset paging."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, cast, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.types import Text

from domain.authorization import FeedbackVisibility
from domain.feedback.fields import Kind, Source, Status
from domain.feedback.record import Feedback
from domain.ticket.fields import Priority
from domain.ticket.filter import Term
from storage import search
from storage.database import Reader
from storage.feedback.read import items, record, visible
from storage.page import Order, page
from storage.tables.feedback import FeedbackFollowerRow, FeedbackRow, FeedbackTicketRow

ORDERS: Final[dict[str, tuple[Any, type]]] = {
    "created_at": (FeedbackRow.created_at, datetime),
    "updated_at": (FeedbackRow.updated_at, datetime),
    "score": (FeedbackRow.score, int),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for. An empty tuple stands for all."""

    status: tuple[Status, ...] = ()
    kind: tuple[Kind, ...] = ()
    source: tuple[Source, ...] = ()
    priority: tuple[Priority, ...] = ()
    category: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owner: tuple[UUID | None, ...] = ()
    requester: tuple[UUID, ...] = ()
    followed_by: UUID | None = None
    release: UUID | None = None
    ticket: UUID | None = None
    breached: bool | None = None
    terms: tuple[Term, ...] = field(default=())


def order_of(sort: str) -> Order:
    column, _ = ORDERS[sort.removeprefix("-")]
    return Order((column, FeedbackRow.id), descending=sort.startswith("-"))


async def find(
    reader: Reader,
    to: FeedbackVisibility,
    wanted: Wanted,
    sort: str,
    after: Sequence[Any] | None,
    size: int,
) -> list[Feedback]:
    """A page of what this person may see; one more than `size` when there are more."""
    statement = items(to.person_id).where(*visible(to), *_conditions(wanted))
    asked = await search.asked(reader, wanted.terms)
    if asked is not None:
        if asked.nothing:
            return []
        statement = statement.where(FeedbackRow.search.bool_op("@@")(_tsquery(asked.all)))
    rows = await reader.execute(page(statement, order_of(sort), after, size))
    return [record(row) for row in rows]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in ("status", "kind", "source", "priority", "category"):
        if values := getattr(wanted, name):
            found.append(getattr(FeedbackRow, name).in_([str(value) for value in values]))
    if wanted.tags:
        found.append(FeedbackRow.tags.bool_op("@>")(literal(list(wanted.tags), ARRAY(Text))))
    if wanted.owner:
        given = [one for one in wanted.owner if one is not None]
        named: ColumnElement[bool] = FeedbackRow.owner_id.in_(given)
        found.append(or_(named, FeedbackRow.owner_id.is_(None)) if None in wanted.owner else named)
    if wanted.requester:
        found.append(FeedbackRow.requester_id.in_(wanted.requester))
    if wanted.followed_by is not None:
        follows = select(FeedbackFollowerRow.feedback_id).where(
            FeedbackFollowerRow.person_id == wanted.followed_by, FeedbackFollowerRow.until.is_(None)
        )
        found.append(FeedbackRow.id.in_(follows))
    if wanted.release is not None:
        found.append(FeedbackRow.release_id == wanted.release)
    if wanted.ticket is not None:
        linked = select(FeedbackTicketRow.feedback_id).where(FeedbackTicketRow.ticket_id == wanted.ticket)
        found.append(FeedbackRow.id.in_(linked))
    if wanted.breached is not None:
        found.append(FeedbackRow.breached.is_(wanted.breached))
    return found


def _tsquery(text: str) -> ColumnElement[Any]:
    return cast(literal(text, Text), TSQUERY)
