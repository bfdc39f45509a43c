"""Keyset paging for every list: an order, and the condition that begins after a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True)
class Order:
    """Columns, of a table or a subquery, that together are unique; an index on them in this order makes each page
    cost the same."""

    columns: tuple[Any, ...]
    descending: bool = False


def page(statement: Select[Any], order: Order, after: Sequence[Any] | None, size: int) -> Select[Any]:
    """`statement` from the row after the key `after`; one row more than `size` tells of more."""
    return statement.where(*beyond(order, after)).order_by(*in_order(order)).limit(size + 1)


def in_order(order: Order) -> list[ColumnElement[Any]]:
    return [column.desc() if order.descending else column.asc() for column in order.columns]


def beyond(order: Order, after: Sequence[Any] | None) -> list[ColumnElement[bool]]:
    """The condition of the rows after the key `after`."""
    if after is None:
        return []
    here = tuple_(*order.columns)
    key = tuple_(*(literal(value, column.type) for value, column in zip(after, order.columns, strict=True)))
    return [here < key if order.descending else here > key]


def contains(column: InstrumentedAttribute[str], part: str) -> Any:
    """`column` holds `part`, in any case; `part` is plain text, not a pattern."""
    return column.icontains(part, autoescape=True)
