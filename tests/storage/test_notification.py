"""Rows of notifications: written with their event, once, and taken through their states."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.account import Role
from domain.errors import Conflict, NotFound
from domain.notification.delivery import DeadLetter, NotificationInput
from domain.notification.kind import Audience, Channel, Kind
from domain.notification.notice import Notice, plan
from domain.notification.preferences import Preferences, QuietHours
from domain.notification.record import State
from storage import notification
from storage.account import people
from storage.database import Database
from storage.notification import Deliveries, delivery, preference, read
from storage.notification.read import NotificationFilter
from storage.tables.outbox import OutboxRow

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
PARAMS = {"ticket_id": str(UUID(int=7)), "number": 7, "subject": "磁盘空间不足", "excerpt": "Try this"}


async def _person(database: Database, **fields: Any) -> UUID:
    name = uuid4().hex[:8]
    values = {"email": f"{name}@desk.example", "name": name, "roles": [Role.REQUESTER], **fields}
    async with database.writing() as writer:
        return (await people.create_person(writer, values, teams=(), password=None)).id


async def _tell(
    database: Database, *person_ids: UUID, key: str = "event", smtp: bool = True, now: datetime = NOW
) -> None:
    notice = Notice(kind=Kind.TICKET_REPLIED, audience=[Audience.REQUESTER])
    async with database.writing() as writer:
        found = await notification.recipients(writer, person_ids)
        await notification.add(writer, plan(notice, key, PARAMS, found, now), smtp_configured=smtp)


async def _rows(database: Database, person_id: UUID, **wanted: Any) -> dict[Channel, Any]:
    async with database.reading() as reader:
        chosen = NotificationFilter(recipient=person_id, **wanted)
        rows = await read.notifications(reader, chosen, after=None, size=100)
    return {row.channel: row for row in rows}


async def _asked(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """The deliveries that the outbox asks for."""
    async with database.reading() as reader:
        rows = await reader.scalars(
            select(OutboxRow).where(OutboxRow.topic == "notification").order_by(OutboxRow.id)
        )
        return [(row.key, row.payload) for row in rows]


async def _pending(database: Database) -> tuple[UUID, NotificationInput]:
    person_id = await _person(database)
    await _tell(database, person_id)
    mail = (await _rows(database, person_id))[Channel.EMAIL]
    return person_id, NotificationInput(notification_id=mail.id, generation=0)


async def test_an_event_is_told_once_on_each_channel_and_asks_for_one_delivery(database: Database) -> None:
    person_id = await _person(database)
    await _tell(database, person_id)
    await _tell(database, person_id)
    rows = await _rows(database, person_id)
    assert {channel: row.state for channel, row in rows.items()} == {
        Channel.IN_APP: State.UNREAD,
        Channel.EMAIL: State.PENDING,
    }
    assert await _asked(database) == [(f"{rows[Channel.EMAIL].id}:0", {})]


async def test_many_recipients_are_told_in_one_statement(database: Database) -> None:
    person_ids = [await _person(database) for _ in range(5)]
    await _tell(database, *person_ids)
    assert len(await _asked(database)) == 5


async def test_without_a_mail_server_mails_are_kept_and_no_delivery_is_asked_for(database: Database) -> None:
    person_id = await _person(database)
    await _tell(database, person_id, smtp=False)
    assert (await _rows(database, person_id))[Channel.EMAIL].state is State.KEPT
    assert await _asked(database) == []


async def test_nothing_is_told_when_the_event_is_rolled_back(database: Database) -> None:
    person_id = await _person(database)
    notice = Notice(kind=Kind.TICKET_REPLIED, audience=[Audience.REQUESTER])
    async with database.writing() as writer:
        found = await notification.recipients(writer, [person_id])
        await notification.add(writer, plan(notice, "event", {}, found, NOW), smtp_configured=True)
        await writer.rollback()
    assert await _rows(database, person_id) == {}
    assert await _asked(database) == []


async def test_telling_nobody_is_nothing(database: Database) -> None:
    await _tell(database)
    assert await _asked(database) == []


async def test_recipients_come_with_their_language_zone_and_choices(database: Database) -> None:
    person_id = await _person(database, locale="zh-CN", time_zone="Asia/Shanghai")
    gone = await _person(database, active=False)
    chosen = Preferences(
        channels={Kind.TICKET_REPLIED: {Channel.EMAIL: False}},
        quiet_hours=QuietHours(start=time(22), end=time(7)),
    )
    async with database.writing() as writer:
        await preference.set_preferences(writer, person_id, Preferences())
        await preference.set_preferences(writer, person_id, chosen)
    async with database.reading() as reader:
        (found,) = await notification.recipients(reader, [person_id, gone])
        assert await preference.preferences_of(reader, person_id) == chosen
        assert await preference.preferences_of(reader, gone) == Preferences()
    assert (found.locale, found.time_zone, found.preferences) == ("zh-CN", "Asia/Shanghai", chosen)


async def test_a_held_mail_says_so_to_its_delivery(database: Database) -> None:
    person_id = await _person(database)
    async with database.writing() as writer:
        quiet = Preferences(quiet_hours=QuietHours(start=time(0), end=time(7)))
        await preference.set_preferences(writer, person_id, quiet)
    await _tell(database, person_id)
    ((key, payload),) = await _asked(database)
    job = NotificationInput.from_outbox(key, payload)
    assert job.send_after == NOW + timedelta(hours=1)


async def test_a_claimed_mail_holds_all_that_it_is_made_of(database: Database) -> None:
    _, job = await _pending(database)
    claimed = await Deliveries(database).claim(job)
    assert claimed is not None
    assert (claimed.body, claimed.params["number"], claimed.active) == ("Try this", 7, True)
    assert claimed.email == f"{claimed.name}@desk.example"


async def test_a_mail_that_was_sent_cannot_be_claimed_again(database: Database) -> None:
    person_id, job = await _pending(database)
    deliveries = Deliveries(database)
    await deliveries.mark_failed(job, "451 later")
    await deliveries.mark_sent(job)
    assert await deliveries.claim(job) is None
    row = (await _rows(database, person_id))[Channel.EMAIL]
    assert (row.state, row.attempts, row.last_error) == (State.SENT, 2, None)
    assert row.sent_at is not None


async def test_a_dead_letter_keeps_what_the_server_said_last(database: Database) -> None:
    person_id, job = await _pending(database)
    deliveries = Deliveries(database)
    await deliveries.mark_failed(job, "550 no such user")
    await deliveries.mark_dead(DeadLetter(**job.model_dump(exclude={"send_after"}), code="mail_refused"))
    row = (await _rows(database, person_id))[Channel.EMAIL]
    assert (row.state, row.last_error) == (State.DEAD, "550 no such user")


async def test_a_resent_mail_is_a_new_delivery_and_the_old_one_changes_nothing(database: Database) -> None:
    person_id, job = await _pending(database)
    deliveries = Deliveries(database)
    await deliveries.mark_dead(DeadLetter(notification_id=job.notification_id, generation=0, code="x"))
    async with database.writing() as writer:
        await delivery.resend(writer, job.notification_id, smtp_configured=True)
    await deliveries.mark_sent(job)
    row = (await _rows(database, person_id))[Channel.EMAIL]
    assert (row.state, row.attempts, row.last_error) == (State.PENDING, 0, None)
    assert (await _asked(database))[-1][0] == f"{job.notification_id}:1"
    assert await deliveries.claim(job) is None
    assert await deliveries.claim(job.model_copy(update={"generation": 1})) is not None


async def test_only_dead_and_kept_mails_are_sent_again(database: Database) -> None:
    person_id, job = await _pending(database)
    in_app = (await _rows(database, person_id))[Channel.IN_APP]
    for notification_id in (job.notification_id, in_app.id):
        with pytest.raises(Conflict):
            async with database.writing() as writer:
                await delivery.resend(writer, notification_id, smtp_configured=True)
    with pytest.raises(NotFound):
        async with database.writing() as writer:
            await delivery.resend(writer, uuid4(), smtp_configured=True)


async def test_a_kept_mail_waits_for_a_mail_server(database: Database) -> None:
    person_id = await _person(database)
    await _tell(database, person_id, smtp=False)
    mail = (await _rows(database, person_id))[Channel.EMAIL]
    with pytest.raises(Conflict) as refused:
        async with database.writing() as writer:
            await delivery.resend(writer, mail.id, smtp_configured=False)
    assert refused.value.code == "smtp_not_configured"


async def test_lists_are_newest_first_and_pages_meet(database: Database) -> None:
    person_id = await _person(database)
    for number in range(5):
        await _tell(database, person_id, key=str(number), now=NOW + timedelta(seconds=number // 2))
    wanted = NotificationFilter(recipient=person_id, channel=Channel.IN_APP)
    async with database.reading() as reader:
        whole = await read.notifications(reader, wanted, after=None, size=100)
        first = await read.notifications(reader, wanted, after=None, size=2)
        key = (first[1].created_at, first[1].id)
        rest = await read.notifications(reader, wanted, after=key, size=100)
    assert len(first) == 3
    assert [*first[:2], *rest] == whole
    assert sorted(whole, key=lambda row: (row.created_at, row.id), reverse=True) == whole


async def test_reading_counts_down_and_keeps_the_first_time(database: Database) -> None:
    person_id = await _person(database)
    for number in range(3):
        await _tell(database, person_id, key=str(number))
    one = (await _rows(database, person_id))[Channel.IN_APP]
    async with database.writing() as writer:
        await read.mark_read(writer, one.id, NOW)
        await read.mark_read(writer, one.id, NOW + timedelta(hours=1))
    async with database.reading() as reader:
        assert await read.unread_count(reader, person_id) == 2
        assert (await read.notification(reader, one.id)).read_at == NOW
    async with database.writing() as writer:
        assert await read.mark_all_read(writer, person_id, NOW) == 2
        assert await read.mark_all_read(writer, person_id, NOW) == 0


async def test_a_mail_is_not_marked_as_read(database: Database) -> None:
    _, job = await _pending(database)
    with pytest.raises(Conflict):
        async with database.writing() as writer:
            await read.mark_read(writer, job.notification_id, NOW)
