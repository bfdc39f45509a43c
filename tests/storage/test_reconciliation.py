"""What reconciliation asks of the database: everything that a Temporal store may have forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, text, update

from domain.account import Absence, Role
from storage import reconciliation
from storage.account import people
from storage.database import Database, Writer
from storage.feedback.words import document
from storage.tables.achievement import AwardRow, ClaimRow
from storage.tables.feedback import FeedbackRow, FeedbackTurnRow, ReleaseItemRow, ReleaseRow
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from tests.rows import insert_ticket
from tests.storage.test_claim import look, prized, won
from tests.storage.test_member import NOW, bring
from tests.storage.world import person


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


async def test_members_backfills_and_claims_go_on_after_a_lost_store(database: Database) -> None:
    (claim_id,) = await won(database, await prized(database))
    waiting = await person(database, Role.REQUESTER)
    await bring(database, waiting, {"fact_id": "a"})
    found = [(topic, key) for topic, key, _ in await asked(database)]
    assert {("member", str(waiting)), ("claim", str(claim_id))} < set(found)
    assert [topic for topic, _ in found].count("backfill") == 1


async def test_members_and_claims_that_are_late_are_asked_again(database: Database) -> None:
    (claim_id,) = await won(database, await prized(database))
    waiting = await person(database, Role.REQUESTER)
    await bring(database, waiting, {"fact_id": "a"})

    async def woken(now: datetime) -> set[tuple[str, str]]:
        async with database.writing() as writer:
            await writer.execute(text("DELETE FROM outbox"))
            await reconciliation.wake_late(writer, now)
            return {(row.topic, row.key) for row in await writer.scalars(select(OutboxRow))}

    came = datetime.now(UTC)
    assert ("member", str(waiting)) not in await woken(came)
    assert ("member", str(waiting)) in await woken(came + timedelta(minutes=6))
    due_at = NOW + timedelta(days=3)
    assert ("claim", str(claim_id)) not in await woken(due_at)
    assert ("claim", str(claim_id)) in await woken(due_at + timedelta(minutes=6))
    async with database.writing() as writer:
        await writer.execute(delete(ClaimRow))
    assert ("claim", str(claim_id)) not in await woken(NOW)
    assert ("claim", str(claim_id)) in await woken(NOW + timedelta(minutes=6))


async def test_followers_who_were_not_told_in_time_are_told_by_a_new_process(
    database: Database, ada: UUID
) -> None:
    async with database.writing() as writer:
        item = await insert_feedback(writer, ada)
        turn = {"kind": "feedback_moved", "params": {}, "requesters_only": False, "at": NOW, "total": 600}
        place = {"feedback_id": item, "position": 0}
        await writer.execute(insert(FeedbackTurnRow).values(**place, version=4, **turn))
        await writer.execute(insert(FeedbackTurnRow).values(**place, version=5, done_at=NOW, **turn))

    async def woken(now: datetime) -> list[str]:
        async with database.writing() as writer:
            await writer.execute(text("DELETE FROM outbox"))
            await reconciliation.wake_late(writer, now)
            return list(await writer.scalars(select(OutboxRow.key).where(OutboxRow.topic == "telling")))

    assert await woken(NOW + timedelta(minutes=4)) == []
    assert await woken(NOW + timedelta(minutes=6)) == [f"{item}:4"]


async def test_claims_that_are_not_as_their_awards_want_them_are_asked_again(database: Database) -> None:
    lost, erased = await won(database, await prized(database), members=2)

    async def woken() -> set[str]:
        async with database.writing() as writer:
            await writer.execute(text("DELETE FROM outbox"))
            await reconciliation.wake_late(writer, NOW)
            return set(await writer.scalars(select(OutboxRow.key).where(OutboxRow.topic == "claim")))

    async def become(state: str) -> None:
        async with database.writing() as writer:
            await writer.execute(update(AwardRow).where(AwardRow.id == lost).values(state=state))

    await become("revoked")
    async with database.writing() as writer:
        await writer.execute(delete(AwardRow).where(AwardRow.id == erased))
    assert await woken() == {str(lost), str(erased)}
    for one in (lost, erased):
        assert (await look(database, one)).over
    assert await woken() == set()
    await become("held")
    assert await woken() == {str(lost)}
    assert not (await look(database, lost)).over
