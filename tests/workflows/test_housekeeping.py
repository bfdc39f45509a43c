"""Housekeeping as it runs: what it removes, what it leaves, and that a second run finds nothing."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select
from temporalio.client import Client
from temporalio.worker import Worker

from activities.housekeeping import HousekeepingActivities
from adapters.objects import attachment_key, open_objects
from domain.account import Role
from domain.housekeeping import KEPT, Leftover
from domain.ticket.fields import Visibility
from storage import attachment
from storage.account import people, tokens
from storage.attachment import NewAttachment
from storage.database import Base, Database
from storage.housekeeping import PAGE
from storage.tables.account import TokenRow
from storage.tables.bulk import BulkItemRow, BulkRow
from storage.tables.notification import NotificationRow
from storage.tables.ticket import TicketViewerRow
from tests.rows import insert_ticket
from workers.housekeeping import sweepers
from workers.runner import RUNNER
from workflows.housekeeping import HousekeepingWorkflow

HOUR = timedelta(hours=1)


def ago(leftover: Leftover, more: timedelta) -> datetime:
    """So long before now that it has just been kept long enough, and `more`."""
    return datetime.now(UTC) - KEPT[leftover] - more


class House:
    def __init__(self, temporal: Client, database: Database, folder: Path, queue: str) -> None:
        self.temporal, self.database, self.folder, self.queue = temporal, database, folder, queue
        self.objects = open_objects(folder.as_uri())

    async def keep(self) -> dict[str, int]:
        done: dict[str, int] = await self.temporal.execute_workflow(
            HousekeepingWorkflow.run, id=f"housekeeping:{uuid4()}", task_queue=self.queue
        )
        return done

    async def insert(self, table: type[Base], *rows: dict[str, Any]) -> None:
        async with self.database.writing() as writer:
            await writer.execute(insert(table), list(rows))

    async def ids(self, table: Any) -> set[UUID]:
        async with self.database.reading() as reader:
            return set((await reader.scalars(select(table.id))).all())

    async def file(self, ticket_id: UUID, age: timedelta) -> str:
        async def content() -> AsyncIterator[bytes]:
            yield b"content"

        key = attachment_key(ticket_id, uuid4())
        await self.objects.put(key, content())
        written = (datetime.now(UTC) - age).timestamp()
        os.utime(self.folder / key, (written, written))
        return key


@pytest.fixture
async def house(temporal: Client, database: Database, tmp_path: Path) -> AsyncIterator[House]:
    house = House(temporal, database, tmp_path / "attachments", f"test-{uuid4()}")
    activities = HousekeepingActivities(sweepers(database, house.objects))
    async with Worker(
        temporal,
        task_queue=house.queue,
        workflows=[HousekeepingWorkflow],
        activities=[activities.sweep],
        workflow_runner=RUNNER,
    ):
        yield house


@pytest.fixture
async def ada(database: Database) -> UUID:
    async with database.writing() as writer:
        values = {"email": "ada@desk.example", "name": "Ada", "roles": [Role.AGENT]}
        return (await people.create_person(writer, values)).id


def token(person: UUID, expires_at: datetime, revoked_at: datetime | None = None) -> dict[str, Any]:
    fields = {"name": "old", "prefix": "ddk_", "digest": uuid4().bytes}
    return {"id": uuid4(), "person_id": person, "expires_at": expires_at, "revoked_at": revoked_at, **fields}


async def test_credentials_go_thirty_days_after_their_end(house: House, ada: UUID) -> None:
    later = datetime.now(UTC) + HOUR
    kept = [
        token(ada, ago(Leftover.TOKENS, -HOUR)),
        token(ada, later, revoked_at=ago(Leftover.TOKENS, -HOUR)),
        token(ada, later),
    ]
    await house.insert(
        TokenRow,
        *kept,
        token(ada, ago(Leftover.TOKENS, HOUR)),
        token(ada, later, revoked_at=ago(Leftover.TOKENS, HOUR)),
    )
    assert (await house.keep())["tokens"] == 2
    assert await house.ids(TokenRow) == {one["id"] for one in kept}


async def test_more_than_a_page_goes_in_one_run(house: House, ada: UUID) -> None:
    old = ago(Leftover.TOKENS, HOUR)
    await house.insert(TokenRow, *(token(ada, old) for _ in range(PAGE + 1)))
    assert (await house.keep())["tokens"] == PAGE + 1
    assert (await house.keep())["tokens"] == 0


async def test_a_credential_in_use_is_not_touched(house: House, ada: UUID) -> None:
    async with house.database.writing() as writer:
        expires_at = datetime.now(UTC) + HOUR
        issued = await tokens.issue(writer, ada, "test", expires_at=expires_at, scopes=None)
    await house.keep()
    assert await tokens.authenticate(house.database, issued.secret) is not None


def notification(person: UUID, channel: str, state: str, **times: datetime) -> dict[str, Any]:
    blank = {"send_after": None, "sent_at": None, "read_at": None}
    values = {"id": uuid4(), "event_key": str(uuid4()), "recipient_id": person, "params": {}, "locale": "en"}
    created = ago(Leftover.NOTIFICATIONS, timedelta(days=300))
    return {
        **values,
        "channel": channel,
        "kind": "ticket_closed",
        "state": state,
        "created_at": created,
        **blank,
        **times,
    }


async def test_notifications_go_when_they_were_read_or_sent_long_ago(house: House, ada: UUID) -> None:
    old, young = ago(Leftover.NOTIFICATIONS, HOUR), ago(Leftover.NOTIFICATIONS, -HOUR)
    kept = [
        notification(ada, "in_app", "unread"),
        notification(ada, "in_app", "read", read_at=young),
        notification(ada, "email", "sent", sent_at=young),
        notification(ada, "email", "pending"),
        notification(ada, "email", "dead"),
        notification(ada, "email", "kept"),
    ]
    gone = [
        notification(ada, "in_app", "read", read_at=old),
        notification(ada, "email", "sent", sent_at=old),
    ]
    await house.insert(NotificationRow, *kept, *gone)
    assert (await house.keep())["notifications"] == 2
    assert await house.ids(NotificationRow) == {one["id"] for one in kept}


async def test_bulk_actions_go_with_their_items_and_running_ones_stay(house: House, ada: UUID) -> None:
    ticket = await insert_ticket(house.database, ada)

    def bulk(finished_at: datetime | None) -> dict[str, Any]:
        fields = {"fingerprint": "", "action": "tag", "fields": {}, "state": "done", "total": 1}
        return {"id": uuid4(), "person_id": ada, "finished_at": finished_at, **fields}

    kept = [bulk(None), bulk(ago(Leftover.BULKS, -HOUR))]
    gone = bulk(ago(Leftover.BULKS, HOUR))
    await house.insert(BulkRow, *kept, gone)
    item = {"bulk_id": gone["id"], "position": 1, "ticket_id": ticket, "state": "done"}
    await house.insert(BulkItemRow, item)
    assert (await house.keep())["bulks"] == 1
    assert await house.ids(BulkRow) == {one["id"] for one in kept}


async def test_who_looked_at_a_ticket_is_forgotten(house: House, ada: UUID) -> None:
    tickets = [await insert_ticket(house.database, ada) for _ in range(2)]
    seen = [ago(Leftover.VIEWERS, HOUR), ago(Leftover.VIEWERS, -HOUR)]
    rows = zip(tickets, seen, strict=True)
    await house.insert(
        TicketViewerRow,
        *({"ticket_id": one, "person_id": ada, "typing": False, "seen_at": at} for one, at in rows),
    )
    assert (await house.keep())["viewers"] == 1
    async with house.database.reading() as reader:
        assert (await reader.scalars(select(TicketViewerRow.ticket_id))).all() == [tickets[1]]


async def test_a_file_that_no_attachment_names_goes_after_a_day(house: House, ada: UUID) -> None:
    ticket = await insert_ticket(house.database, ada)
    day = KEPT[Leftover.OBJECTS]
    named, lost, fresh = [await house.file(ticket, age) for age in (day + HOUR, day + HOUR, day - HOUR)]
    stranger = house.folder / "elsewhere" / "file"
    stranger.parent.mkdir()
    stranger.write_bytes(b"not ours")
    os.utime(stranger, (0, 0))
    new = NewAttachment(uuid4(), ticket, "a.txt", "text/plain", 7, "0", named, Visibility.PUBLIC, ada)
    async with house.database.writing() as writer:
        await attachment.add(writer, new)
        await attachment.add(writer, replace(new, id=uuid4(), key="tickets/without/object"))
    assert (await house.keep())["objects"] == 1
    there = {str(path.relative_to(house.folder)) for path in house.folder.rglob("*") if path.is_file()}
    assert there == {named, fresh, "elsewhere/file"}
    assert lost not in there


async def test_a_clean_house_stays_as_it_is(house: House) -> None:
    assert await house.keep() == {str(leftover): 0 for leftover in Leftover}
