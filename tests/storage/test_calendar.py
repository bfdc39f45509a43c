"""Calendars on a real PostgreSQL: versions, and what is still in use."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from domain.calendar import Calendar
from domain.errors import Conflict, NotFound, StaleVersion
from domain.sla.policy import DEFAULT_TARGETS, Policy
from storage import sla
from storage.calendar import (
    Origin,
    archive_calendar,
    calendar,
    calendars,
    create_calendar,
    update_calendar,
)
from storage.database import Database
from storage.tables.outbox import OutboxRow


def make_spec(**fields: Any) -> Calendar:
    weekly = {"mon": [["09:00", "12:00"], ["13:00", "24:00"]]}
    return Calendar.model_validate(
        {"name": "Office", "time_zone": "Asia/Shanghai", "weekly": weekly, **fields}
    )


async def test_a_calendar_comes_back_as_it_was_stored(database: Database) -> None:
    spec = make_spec(holidays=["2026-10-01"], special_days={"2026-10-10": [["09:00", "18:00"]]})
    async with database.writing() as writer:
        created = await create_calendar(writer, spec, Origin(country="CN"))
    async with database.reading() as reader:
        found = await calendar(reader, created.id)
    assert found == created
    assert found.plain() == spec
    assert (found.version, found.country, found.archived_at) == (1, "CN", None)


async def test_a_change_makes_a_version_and_keeps_the_old_one(database: Database) -> None:
    changed = make_spec(name="Bureau", holidays=["2026-12-25"])
    async with database.writing() as writer:
        created = await create_calendar(writer, make_spec(), Origin())
    async with database.writing() as writer:
        updated = await update_calendar(writer, created.id, changed, Origin(), 1)
    assert (updated.version, updated.name) == (2, "Bureau")
    async with database.reading() as reader:
        assert (await calendar(reader, created.id, version=1)).plain() == make_spec()
        assert (await calendar(reader, created.id)).plain() == changed
        with pytest.raises(NotFound):
            await calendar(reader, created.id, version=3)


async def test_open_tickets_hear_of_a_change_and_not_of_none(database: Database) -> None:
    async with database.writing() as writer:
        created = await create_calendar(writer, make_spec(), Origin())
        same = await update_calendar(writer, created.id, make_spec(), Origin(), None)
        assert same.version == 1
        await update_calendar(writer, created.id, make_spec(time_zone="UTC"), Origin(), None)
        told = (await writer.execute(select(OutboxRow.topic, OutboxRow.key))).all()
    assert [tuple(row) for row in told] == [("policy", str(created.id))]


async def test_a_stale_change_is_refused(database: Database) -> None:
    async with database.writing() as writer:
        created = await create_calendar(writer, make_spec(), Origin())
        with pytest.raises(StaleVersion):
            await update_calendar(writer, created.id, make_spec(name="Other"), Origin(), 7)


async def test_a_calendar_that_a_policy_uses_is_not_archived(database: Database) -> None:
    async with database.writing() as writer:
        created = await create_calendar(writer, make_spec(), Origin())
        policy = Policy(name="Gold", calendar=created.id, targets=DEFAULT_TARGETS)
        stored = await sla.create_policy(writer, policy)
    async with database.writing() as writer:
        with pytest.raises(Conflict, match="Gold"):
            await archive_calendar(writer, created.id, None)
        await sla.archive_policy(writer, stored.id, None)
        await archive_calendar(writer, created.id, None)


async def test_an_archived_calendar_is_in_no_list_but_can_be_read(database: Database) -> None:
    async with database.writing() as writer:
        kept = await create_calendar(writer, make_spec(name="B"), Origin())
        gone = await create_calendar(writer, make_spec(name="A"), Origin())
        await archive_calendar(writer, gone.id, None)
        with pytest.raises(NotFound):
            await update_calendar(writer, gone.id, make_spec(), Origin(), None)
    async with database.reading() as reader:
        assert [one.id for one in await calendars(reader)] == [kept.id]
        assert (await calendar(reader, gone.id)).archived_at is not None
        with pytest.raises(NotFound):
            await calendar(reader, uuid4())


async def test_calendars_are_paged_and_found_by_name(database: Database) -> None:
    async with database.writing() as writer:
        for name in ("Delta", "Alpha", "Beta", "Alpha"):
            await create_calendar(writer, make_spec(name=name), Origin())
    async with database.reading() as reader:
        first = await calendars(reader, size=2)
        key = (first[1].name, first[1].id)
        rest = await calendars(reader, after=key, size=2)
        found = await calendars(reader, q="lph")
    assert [one.name for one in first[:2]] == ["Alpha", "Alpha"]
    assert [one.name for one in rest] == ["Beta", "Delta"]
    assert len(found) == 2
