"""Saved views: a query with a name, for oneself, for teams or for everybody."""

from typing import Final
from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Value

COUNTED: Final = 1000
"""A view is counted up to so many tickets; nobody reads further."""


class Count(Value):
    """How many tickets a view holds for the caller; `more` when it holds more than `tickets`."""

    tickets: int
    more: bool


class View(Value):
    """`query` is in the query language of tickets, `sort` as in the list; `me` is whoever looks. `count` is only given
    where it is asked for, and null for a query that names somebody who is no longer there."""

    id: UUID
    name: str
    owner_id: UUID | None
    team_ids: tuple[UUID, ...]
    query: str
    sort: str
    position: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    count: Count | None = None
