"""What two relays take out of the outbox at once."""

from storage.database import Database
from storage.outbox import Topic, put, remove, take


async def told(database: Database, *messages: tuple[Topic, str]) -> None:
    for number, (topic, key) in enumerate(messages):
        async with database.writing() as writer:
            await put(writer, topic, key, {"number": number})


async def test_what_one_takes_the_other_does_not(database: Database) -> None:
    await told(database, ("capacity", ""), ("capacity", ""), ("notification", "a"))
    async with database.writing() as one, database.writing() as other:
        first = await take(one, 2)
        rest = await take(other, 200)
        await remove(one, [message.id for message in first])
    assert [message.payload["number"] for message in first] == [0, 1]
    assert [message.payload["number"] for message in rest] == [2]
    async with database.writing() as writer:
        assert await take(writer, 200) == rest  # taken and not removed: it comes again


async def test_word_to_a_ticket_waits_for_what_was_said_before(database: Database) -> None:
    await told(database, ("ticket", "a"), ("ticket", "a"), ("ticket", "b"), ("ticket", "a"))
    async with database.writing() as one, database.writing() as other:
        held = await take(one, 1)
        assert [message.payload["number"] for message in held] == [0]
        assert [message.payload["number"] for message in await take(other, 200)] == [2]
        await remove(one, [held[0].id])
    order = []
    while True:
        async with database.writing() as writer:
            taken = await take(writer, 200)
            await remove(writer, [message.id for message in taken])
        if not taken:
            break
        order.append([message.payload["number"] for message in taken])
    assert order == [[1, 2], [3]]
