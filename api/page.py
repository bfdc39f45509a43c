"""Lists: what a page is asked for with, and what it looks like.

Paging is by keyset: a cursor names the order of the list and the key of the last row. It is opaque to the
caller and validated here by shape, so a forged one is a 422 and reaches no query. The queries themselves are
in `storage/`, which hands back one row more than asked for when there is more.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import Invalid

Item = TypeVar("Item")

_NUMBER: Final = re.compile(r"-?\d{1,400}(\.\d{1,400})?", re.ASCII)
PAGE_SIZE: Final = 25
PAGE_SIZE_MAX: Final = 100


class PageQuery(BaseModel):
    """The query of a list. Lists with filters inherit from it; an unknown parameter is a 422."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX, alias="page[size]")
    after: str | None = Field(None, max_length=2000, alias="page[after]")

    def start(self, order: str, *shape: type) -> tuple[Any, ...] | None:
        """The key after which the page begins, or None for the first page."""
        return None if self.after is None else decode_cursor(self.after, order, *shape)


class PageMeta(BaseModel):
    has_more: bool


class PageLinks(BaseModel):
    next: str | None


class Page(BaseModel, Generic[Item]):
    data: Sequence[Item]
    meta: PageMeta
    links: PageLinks


def page_of(
    request: Request,
    query: PageQuery,
    rows: Sequence[Item],
    order: str,
    key: Callable[[Item], tuple[Any, ...]],
) -> Page[Item]:
    """The page that `rows` fill; they hold up to `query.size + 1` items, the last one only tells of more."""
    data = rows[: query.size]
    has_more = len(rows) > query.size
    link = _next_link(request, encode_cursor(order, *key(data[-1]))) if has_more else None
    return Page(data=data, meta=PageMeta(has_more=has_more), links=PageLinks(next=link))


def whole(rows: Sequence[Item]) -> Page[Item]:
    """A list that is short by nature, on one page."""
    return Page(data=rows, meta=PageMeta(has_more=False), links=PageLinks(next=None))


def encode_cursor(order: str, *key: Any) -> str:
    return urlsafe_b64encode(orjson.dumps([order, *key], default=_written)).decode().rstrip("=")


def _written(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(type(value))


def decode_cursor(cursor: str, order: str, *shape: type) -> tuple[Any, ...]:
    """The key in `cursor`; raises Invalid unless it was made for this order and has this shape."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(shape) + 1 or values[0] != order:
            raise ValueError
        if values[-1] is None:  # the order may stand still at nothing, the record itself is always somewhere
            raise ValueError
        return tuple(_typed(value, kind) for value, kind in zip(values[1:], shape, strict=True))
    except (ValueError, TypeError):
        raise Invalid("invalid_cursor", "This cursor is not from this list.", field="page[after]") from None


def _typed(value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        return at
    if kind is Decimal:
        if not _NUMBER.fullmatch(value):
            raise ValueError
        return Decimal(value)
    too_big = isinstance(value, int) and abs(value) >= 2**63
    if type(value) is not kind or too_big or (isinstance(value, str) and "\x00" in value):
        raise ValueError
    return value


def _next_link(request: Request, cursor: str) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "page[after]"]
    return f"{request.url.path}?{urlencode([*others, ('page[after]', cursor)])}"
