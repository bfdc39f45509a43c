"""Records of attachments on a real PostgreSQL, above all where two want the same at once."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete

from domain.account import Role
from domain.attachment import ATTACHMENTS_PER_TICKET
from domain.errors import Conflict, NotFound
from domain.ticket.fields import Visibility
from storage import attachment
from storage.account import people
from storage.attachment import NewAttachment, Stored
from storage.database import Database
from storage.tables.ticket import TicketRow
from tests.rows import insert_ticket


@pytest.fixture
async def ada(database: Database) -> UUID:
    async with database.writing() as writer:
        values = {"email": "ada@desk.example", "name": "Ada", "roles": [Role.REQUESTER]}
        return (await people.create_person(writer, values)).id


@pytest.fixture
async def ticket(database: Database, ada: UUID) -> UUID:
    return await insert_ticket(database, ada)


def new(ticket: UUID, ada: UUID, **fields: Any) -> NewAttachment:
    plain = NewAttachment(
        id=uuid4(),
        ticket_id=ticket,
        name="报告.pdf",
        media_type="application/pdf",
        size=2**31,
        sha256="0" * 64,
        key=f"tickets/{ticket}/{uuid4()}",
        visibility=Visibility.PUBLIC,
        created_by=ada,
    )
    return replace(plain, **fields)


async def add(database: Database, wanted: NewAttachment) -> Stored:
    async with database.writing() as writer:
        return await attachment.add(writer, wanted)


async def names(database: Database, ticket: UUID, *, internal: bool) -> list[str]:
    async with database.reading() as reader:
        return [record.name for record in await attachment.of_ticket(reader, ticket, internal=internal)]


async def test_a_record_comes_back_with_the_name_of_who_added_it(
    database: Database, ticket: UUID, ada: UUID
) -> None:
    wanted = new(ticket, ada)
    stored = await add(database, wanted)
    async with database.reading() as reader:
        assert await attachment.get(reader, ticket, wanted.id) == stored
        assert await attachment.get(reader, uuid4(), wanted.id) is None
    assert (stored.record.name, stored.record.size, stored.record.created_by.name) == (
        "报告.pdf",
        2**31,
        "Ada",
    )


async def test_internal_ones_are_listed_only_on_demand(database: Database, ticket: UUID, ada: UUID) -> None:
    await add(database, new(ticket, ada, name="a"))
    await add(database, new(ticket, ada, name="b", visibility=Visibility.INTERNAL))
    assert await names(database, ticket, internal=False) == ["a"]
    assert await names(database, ticket, internal=True) == ["a", "b"]


async def test_the_same_file_under_the_same_id_is_one(database: Database, ticket: UUID, ada: UUID) -> None:
    first = new(ticket, ada)
    tries = [replace(first, key=f"tickets/{ticket}/{number}") for number in range(8)]
    stored = await asyncio.gather(*(add(database, wanted) for wanted in tries))
    assert len({one.key for one in stored}) == 1
    assert len(await names(database, ticket, internal=True)) == 1


async def test_another_file_under_the_same_id_is_refused(database: Database, ticket: UUID, ada: UUID) -> None:
    first = new(ticket, ada)
    await add(database, first)
    for change in ({"sha256": "1" * 64}, {"name": "b"}, {"visibility": Visibility.INTERNAL}):
        with pytest.raises(Conflict) as raised:
            await add(database, replace(first, **change))
        assert raised.value.code == "idempotency_key_reused"


async def test_the_last_place_of_a_ticket_goes_to_one(database: Database, ticket: UUID, ada: UUID) -> None:
    for _ in range(ATTACHMENTS_PER_TICKET - 1):
        await add(database, new(ticket, ada))
    results = await asyncio.gather(
        *(add(database, new(ticket, ada)) for _ in range(4)), return_exceptions=True
    )
    assert [type(result) for result in results if isinstance(result, Exception)] == [Conflict] * 3
    assert len(await names(database, ticket, internal=True)) == ATTACHMENTS_PER_TICKET


async def test_a_ticket_that_is_gone_takes_nothing(database: Database, ada: UUID) -> None:
    with pytest.raises(NotFound):
        await add(database, new(uuid4(), ada))


async def test_objects_without_a_row_are_found(database: Database, ticket: UUID, ada: UUID) -> None:
    stored = await add(database, new(ticket, ada))
    async with database.reading() as reader:
        assert await attachment.without_row(reader, [stored.key, "tickets/lost"]) == {"tickets/lost"}
    async with database.writing() as writer:
        await attachment.remove(writer, ticket, stored.record.id)
    async with database.reading() as reader:
        assert await attachment.without_row(reader, [stored.key]) == {stored.key}


async def test_records_go_with_their_ticket(database: Database, ticket: UUID, ada: UUID) -> None:
    stored = await add(database, new(ticket, ada))
    async with database.writing() as writer:
        await writer.execute(delete(TicketRow).where(TicketRow.id == ticket))
    async with database.reading() as reader:
        assert await attachment.without_row(reader, [stored.key]) == {stored.key}
