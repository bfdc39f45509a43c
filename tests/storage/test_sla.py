"""SLA policies on a real PostgreSQL."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from domain.calendar import ALWAYS, Calendar
from domain.errors import Invalid, NotFound, StaleVersion
from domain.sla.policy import DEFAULT_POLICY, Policy, TicketFacts, choose_policy
from domain.ticket.fields import Priority
from storage import sla
from storage.calendar import Origin, archive_calendar, create_calendar, update_calendar
from storage.database import Database
from storage.tables.outbox import OutboxRow

HOURS = {"name": "Office", "weekly": {"mon": [["09:00", "17:00"]]}}


def make_policy(**fields: Any) -> Policy:
    targets = {"high": {"first_response": "PT30M", "resolution": "PT4H"}}
    return Policy.model_validate({"name": "Gold", "position": 10, "targets": targets, **fields})


async def test_a_policy_comes_back_as_it_was_stored(database: Database) -> None:
    spec = make_policy(
        match={"priority": ["high"], "category": ["storage"]},
        ladder=[{"clock": "resolution", "at": "-PT15M", "do": ["notify:lead", "tag:late"], "repeat": "50%"}],
        pause_on=["waiting", "on_hold"],
    )
    async with database.writing() as writer:
        created = await sla.create_policy(writer, spec)
    async with database.reading() as reader:
        found = await sla.policy(reader, created.id)
    assert found == created
    assert found.rule() == spec


async def test_a_change_makes_a_version_and_keeps_the_old_one(database: Database) -> None:
    async with database.writing() as writer:
        created = await sla.create_policy(writer, make_policy())
        same = await sla.update_policy(writer, created.id, make_policy(), 1)
        changed = await sla.update_policy(writer, created.id, make_policy(position=5), 1)
        with pytest.raises(StaleVersion):
            await sla.update_policy(writer, created.id, make_policy(), 1)
        first = await sla.policy(writer, created.id, version=1)
    assert (same.version, changed.version) == (1, 2)
    assert (changed.position, first.position) == (5, 10)


async def test_every_change_tells_the_open_tickets(database: Database) -> None:
    async with database.writing() as writer:
        created = await sla.create_policy(writer, make_policy())
        await sla.update_policy(writer, created.id, make_policy(name="Silver"), None)
        await sla.archive_policy(writer, created.id, None)
        told = (await writer.execute(select(OutboxRow.topic, OutboxRow.key))).all()
    assert [tuple(row) for row in told] == [("policy", str(created.id))] * 3


async def test_policies_are_asked_in_the_order_of_their_positions(database: Database) -> None:
    async with database.writing() as writer:
        for name, position in (("third", 30), ("first", 10), ("second", 20), ("gone", 5)):
            created = await sla.create_policy(writer, make_policy(name=name, position=position))
        await sla.archive_policy(writer, created.id, None)
        await sla.ensure_default_policy(writer)
    async with database.reading() as reader:
        active = await sla.active_policies(reader)
        listed = await sla.policies(reader)
    names = ["first", "second", "third", "Default promises"]
    assert [one.policy.name for one in active] == names
    assert [one.name for one in listed] == names
    chosen = choose_policy(active, TicketFacts(priority=Priority.LOW))
    assert chosen is not None
    assert chosen.policy == DEFAULT_POLICY


async def test_active_policies_come_with_the_newest_calendar_in_one_query(database: Database) -> None:
    async with database.writing() as writer:
        office = await create_calendar(writer, Calendar.model_validate(HOURS), Origin())
        await sla.create_policy(writer, make_policy(calendar=office.id))
        await sla.create_policy(writer, make_policy(position=20))
        changed = Calendar.model_validate({**HOURS, "holidays": ["2026-12-25"]})
        await update_calendar(writer, office.id, changed, Origin(), None)
    statements: list[str] = []
    engine = database.engine.sync_engine

    def listen(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", listen)
    try:
        async with database.reading() as reader:
            with_calendar, around_the_clock = await sla.active_policies(reader)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len(statements) == 1
    assert (with_calendar.calendar_id, with_calendar.calendar_version) == (office.id, 2)
    assert with_calendar.calendar == changed
    assert (around_the_clock.calendar_id, around_the_clock.calendar_version) == (None, 0)
    assert around_the_clock.calendar == ALWAYS


async def test_what_a_policy_names_must_exist(database: Database) -> None:
    async with database.writing() as writer:
        gone = await create_calendar(writer, Calendar.model_validate(HOURS), Origin())
        await archive_calendar(writer, gone.id, None)
    for fields, field in (
        ({"calendar": uuid4()}, "calendar"),
        ({"calendar": gone.id}, "calendar"),
        ({"match": {"team": [uuid4()]}}, "match.team"),
        ({"match": {"organization": [uuid4()]}}, "match.organization"),
    ):
        async with database.writing() as writer:
            with pytest.raises(Invalid) as refused:
                await sla.create_policy(writer, make_policy(**fields))
        assert refused.value.field == field


async def test_an_archived_policy_is_not_changed(database: Database) -> None:
    async with database.writing() as writer:
        created = await sla.create_policy(writer, make_policy())
        await sla.archive_policy(writer, created.id, 1)
        with pytest.raises(NotFound):
            await sla.update_policy(writer, created.id, make_policy(name="Silver"), None)
        with pytest.raises(NotFound):
            await sla.archive_policy(writer, created.id, None)
        assert (await sla.policy(writer, created.id)).archived_at is not None


async def test_the_default_promises_are_put_in_force_once(database: Database) -> None:
    async def ensure() -> bool:
        async with database.writing() as writer:
            return await sla.ensure_default_policy(writer)

    assert sum(await asyncio.gather(*(ensure() for _ in range(8)))) == 1
    async with database.writing() as writer:
        await sla.archive_policy(writer, sla.DEFAULT_POLICY_ID, None)
    assert await ensure() is False
    async with database.reading() as reader:
        assert await sla.active_policies(reader) == []
