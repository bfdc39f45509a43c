"""What reconciliation asks of the database: everything that a Temporal store may have forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text

from domain.account import Absence, Role
from storage import reconciliation
from storage.account import people
from storage.database import Database, Writer
from storage.feedback.words import document
from storage.tables.feedback import FeedbackRow, FeedbackTurnRow, ReleaseItemRow, ReleaseRow
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from tests.rows import insert_ticket


@pytest.fixture
async def ada(database: Database) -> UUID:
    async with database.writing() as writer:
        values = {"email": "ada@desk.example", "name": "Ada", "roles": [Role.AGENT]}
        return (await people.create_person(writer, values)).id


async def asked(database: Database) -> list[tuple[str, str, dict[str, Any]]]:
    async with database.writing() as writer:
        await writer.execute(text("DELETE FROM outbox"))
        await reconciliation.repeat_requests(writer)
    async with database.reading() as reader:
        rows = (await reader.execute(select(OutboxRow.topic, OutboxRow.key, OutboxRow.payload))).all()
    return sorted(((row.topic, row.key, row.payload) for row in rows), key=str)


def mail(ada: UUID, state: str, **fields: Any) -> dict[str, Any]:
    values = {"event_key": str(uuid4()), "params": {}, "locale": "en", "kind": "ticket_closed", **fields}
    blank = {"send_after": None, "created_at": datetime.now(UTC), "generation": 0}
    return {"id": uuid4(), "recipient_id": ada, "channel": "email", "state": state, **blank, **values}


async def test_what_a_lost_store_may_not_know_is_asked_again(database: Database, ada: UUID) -> None:
    assert await asked(database) == [("capacity", "reconciliation", {}), ("policy", "reconciliation", {})]
    later = datetime.now(UTC) + timedelta(hours=1)
    mails = [mail(ada, "pending", generation=2), mail(ada, "pending", send_after=later), mail(ada, "sent")]
    survivor = await insert_ticket(database, ada)
    merged = await insert_ticket(database, ada, status="merged", merged_into=survivor)
    async with database.writing() as writer:
        await writer.execute(insert(NotificationRow), mails)
        await people.set_absence(writer, ada, Absence(since=later))
    found = {(topic, key): payload for topic, key, payload in await asked(database)}
    assert found[("notification", f"{mails[0]['id']}:2")] == {}
    payload = found[("notification", f"{mails[1]['id']}:0")]
    assert datetime.fromisoformat(payload["send_after"]) == later
    told = {"cause": "merged", "ticket_id": str(merged), "version": 1}
    assert found[("ticket", str(survivor))] == told
    assert {topic for topic, _ in found} == {"notification", "absence", "ticket", "policy", "capacity"}
    assert len(found) == 6


async def insert_feedback(writer: Writer, requester_id: UUID, **fields: Any) -> UUID:
    now, made = datetime.now(UTC), uuid4()
    texts = {
        "title": "Dark mode",
        "body": "At night",
        "fingerprint": "",
        "source": "api",
        "kind": "suggestion",
    }
    plain = {"version": 1, "status": "planned", "priority": "low", "importance": 3, "public": True}
    times = {"created_at": now, "updated_at": now, "search": document("Dark mode", "At night")}
    values = {**texts, **plain, **times, "id": made, "requester_id": requester_id, **fields}
    await writer.execute(insert(FeedbackRow).values(values))
    return made


async def test_word_to_feedback_and_its_followers_is_asked_for_again(database: Database, ada: UUID) -> None:
    """A merge, what a published release has yet to ship, and a turn that somebody has yet to be told of."""
    now, release, early = datetime.now(UTC), uuid4(), uuid4()
    async with database.writing() as writer:
        item = await insert_feedback(writer, ada)
        shipped = await insert_feedback(writer, ada, status="shipped")
        merged = await insert_feedback(writer, ada, status="merged", merged_into=item)
        known = {"fingerprint": "", "name": "2.0", "notes": "", "created_by": ada}
        for one, published in ((release, now), (early, None)):
            await writer.execute(insert(ReleaseRow).values(id=one, published_at=published, **known))
        shipping = [(release, item, None), (release, shipped, now), (early, merged, None)]
        await writer.execute(
            insert(ReleaseItemRow),
            [{"release_id": one, "feedback_id": about, "shipped_at": at} for one, about, at in shipping],
        )
        turn = {"kind": "feedback_moved", "params": {}, "requesters_only": False, "at": now, "total": 600}
        await writer.execute(insert(FeedbackTurnRow).values(feedback_id=item, version=4, position=0, **turn))
    found = [
        (topic, key, told) for topic, key, told in await asked(database) if topic in ("feedback", "telling")
    ]
    assert found == [
        ("feedback", str(item), {"cause": "merged", "feedback_id": str(merged), "version": 1}),
        ("feedback", str(item), {"cause": "released", "release_id": str(release)}),
        ("telling", f"{item}:4", {}),
    ]
