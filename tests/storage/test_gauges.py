"""The state of the desk in figures."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, text

from domain.account import Role
from storage.account import people
from storage.database import Database, Reader
from storage.gauges import NONE, Gauges, gauges
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from tests.rows import insert_ticket


def _in(**length: float) -> datetime:
    return datetime.now(UTC) + timedelta(**length)


async def _person(database: Database) -> UUID:
    values = {"email": f"{uuid4().hex}@desk.example", "name": "Lin", "roles": [Role.REQUESTER]}
    async with database.writing() as writer:
        return (await people.create_person(writer, values, teams=(), password=None)).id


async def _gauges(database: Database) -> Gauges:
    async with database.reading() as reader:
        return await gauges(reader)


async def test_an_empty_desk_is_all_zero(database: Database) -> None:
    assert await _gauges(database) == NONE


async def test_tickets_are_counted_by_status_priority_and_broken_promise(database: Database) -> None:
    person = await _person(database)
    for fields in ({}, {"breached": True}, {"breached": True}, {"status": "closed"}, {"status": "resolved"}):
        await insert_ticket(database, person, **fields)
    assert (await _gauges(database)).tickets == {
        ("open", "normal", False): 1,
        ("open", "normal", True): 2,
        ("resolved", "normal", False): 1,
    }


async def test_who_waits_is_counted_by_reason_with_the_oldest(database: Database) -> None:
    person = await _person(database)
    await insert_ticket(database, person, waiting_reason="no_agent", created_at=_in(minutes=-10))
    await insert_ticket(database, person, waiting_reason="all_full")
    found = await _gauges(database)
    assert found.waiting == {"no_agent": 1, "all_full": 1}
    assert 600 <= found.waiting_age < 660


async def test_steps_are_counted_by_when_they_fire(database: Database) -> None:
    person = await _person(database)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("resolution 75%", {"minutes": 5}),
        ("resolution breach", {"minutes": 50}),
        ("first_response 75%", {"hours": 5}),
        ("auto_close", {"days": 3}),
        ("resolution breach", {"seconds": -90}),
    ]
    for name, length in steps:
        await insert_ticket(database, person, next_step=name, next_step_at=_in(**length))
    found = await _gauges(database)
    assert found.due == {
        ("resolution", "15m"): 1,
        ("resolution", "1h"): 2,
        ("resolution", "24h"): 2,
        ("first_response", "15m"): 0,
        ("first_response", "1h"): 0,
        ("first_response", "24h"): 1,
    }
    assert found.overdue == 1
    assert 90 <= found.overdue_age < 150
    assert found.next_due_at is not None


async def test_a_step_far_away_is_still_the_next(database: Database) -> None:
    at = _in(days=9)
    await insert_ticket(database, await _person(database), next_step="auto_close", next_step_at=at)
    found = await _gauges(database)
    assert found.next_due_at == round(at.timestamp())
    assert (found.due, found.overdue) == ({}, 0)


async def test_mails_and_the_outbox_are_counted_with_their_age(database: Database) -> None:
    person = await _person(database)
    async with database.writing() as writer:
        for state, send_after in (("pending", _in(hours=8)), ("pending", _in(seconds=-30)), ("dead", None)):
            values = {"id": uuid4(), "event_key": uuid4().hex, "recipient_id": person, "channel": "email"}
            values |= {"kind": "ticket_replied", "params": {}, "locale": "en", "state": state}
            values |= {"created_at": _in(hours=-2), "send_after": send_after}
            await writer.execute(insert(NotificationRow).values(values))
        values = {"topic": "capacity", "key": "1", "payload": {}, "created_at": _in(seconds=-40)}
        await writer.execute(insert(OutboxRow).values(values))
    found = await _gauges(database)
    assert found.mails == {"pending": 2, "dead": 1}
    assert 30 <= found.mail_age < 90
    assert (found.outbox, 40 <= found.outbox_age < 100) == (1, True)


async def test_the_figures_are_read_by_indexes(database: Database) -> None:
    """On a desk with many closed tickets and few open ones, no figure reads the closed ones."""
    person = await _person(database)
    first = await insert_ticket(database, person, status="closed")
    async with database.writing() as writer:
        columns = (
            "version,fingerprint,subject,description,status,priority,rank,requested_priority,channel,tier"
        )
        columns += ",requester_id,created_at,updated_at"
        await writer.execute(
            text(
                f"INSERT INTO tickets (id, {columns}) SELECT gen_random_uuid(), {columns} FROM tickets,"
                " generate_series(1, 5000) WHERE id = :id"
            ),
            {"id": first},
        )
        await writer.execute(text("ANALYZE tickets"))
    async with database.writing() as one_connection:
        rows_read = text("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'tickets'")
        before = await one_connection.scalar(rows_read)
        await gauges(Reader(one_connection))
        assert await one_connection.scalar(rows_read) == before
