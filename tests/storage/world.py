"""A desk with tickets to be found, for tests of lists and search."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from domain.account import Role
from domain.authorization import Visibility
from domain.ticket.filter import Asking, Filter
from domain.ticket.query import parse
from domain.ticket.record import Ticket
from storage.account import people
from storage.database import Database
from storage.ticket.find import find
from storage.ticket.listing import sorted_by
from tests.rows import insert_ticket

EVERYTHING: Final = Visibility(True, UUID(int=1))


@dataclass
class World:
    """A desk with two teams, an agent of the first, two who ask, and sixty tickets."""

    database: Database
    agent: UUID
    teams: Sequence[UUID]
    askers: Sequence[UUID]

    def query(self, words: str) -> Filter:
        asking = Asking(self.agent, datetime.now(UTC), ZoneInfo("UTC"))
        return parse(words, asking) if words else Filter()

    async def find(
        self, words: str, visible: Visibility = EVERYTHING, sort: str = "-created_at", size: int = 100
    ) -> list[Ticket]:
        """Everything, page by page."""
        async with self.database.reading() as reader:
            by = await sorted_by(reader, visible, sort)
        found: list[Ticket] = []
        after: Any = None
        while True:
            async with self.database.reading() as reader:
                rows = await find(reader, visible, self.query(words), by, after, size)
            found += [ticket for ticket, _ in rows[:size]]
            if len(rows) <= size:
                return found
            after = rows[size - 1][1]

    async def insert(self, **fields: Any) -> UUID:
        return await insert_ticket(self.database, self.askers[0], **fields)


async def person(database: Database, *roles: Role, teams: Sequence[UUID] = ()) -> UUID:
    name = uuid4().hex[:8]
    values = {"email": f"{name}@desk.example", "name": name, "roles": list(roles)}
    async with database.writing() as writer:
        return (await people.create_person(writer, values, teams=teams, password=None)).id
