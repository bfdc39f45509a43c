"""Surveys in the database: a resolution asks once, at its time, reminds once and closes, whatever comes between."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain.account import Role
from domain.notification.kind import Channel, Kind
from domain.notification.preferences import Preferences
from domain.survey.definition import State
from domain.survey.messages import PAGE
from domain.ticket.moves import Action
from storage import reconciliation
from storage.database import Database
from storage.notification.preference import set_preferences
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationRow
from storage.tables.survey import SurveyInvitationRow, SurveyRow
from tests.rows import insert_invitation
from tests.storage.surveyed import DAY, HOUR, T0, Surveyed, surveyed
from tests.storage.world import person


@pytest.fixture
async def world(database: Database) -> Surveyed:
    return await surveyed(database)


async def test_a_resolution_is_asked_about_after_an_hour_reminded_once_and_closed_after_a_week(
    world: Surveyed,
) -> None:
    await world.resolved()
    assert await world.states() == ["waiting"]
    assert (await world.advance(T0 + HOUR - timedelta(seconds=1))).state.next_at == T0 + HOUR
    asked = await world.advance(T0 + HOUR)
    assert asked.state.next_at == T0 + 49 * HOUR
    assert await world.states() == ["asked"]
    again = await world.advance(T0 + HOUR)
    assert (again.state, again.more) == (asked.state, False)
    await world.advance(T0 + 49 * HOUR)
    assert await world.kinds(world.asker) == {"survey_asked": 1, "survey_reminded": 1}
    assert (await world.advance(T0 + 8 * DAY)).state.next_at is None
    assert await world.states() == ["expired"]
    assert await world.kinds(world.asker) == {"survey_asked": 1, "survey_reminded": 1}


async def test_after_an_outage_of_weeks_the_question_comes_late_and_once(world: Surveyed) -> None:
    await world.resolved()
    late = T0 + 30 * DAY
    await world.advance(late)
    await world.advance(late + 60 * DAY)
    assert await world.kinds(world.asker) == {"survey_asked": 1}
    row = await world.invitation()
    assert (row.state, row.asked_at, row.closes_at) == ("expired", late, late + 7 * DAY)


async def test_taking_a_ticket_up_again_withdraws_and_each_resolution_is_a_cycle_of_its_own(
    world: Surveyed,
) -> None:
    ticket = await world.resolved()
    await world.hand.act(ticket, Action.REOPEN, world.asker, T0 + timedelta(minutes=30), body="It burns.")
    assert await world.states() == ["withdrawn"]
    await world.resolve(ticket, T0 + 2 * HOUR)
    await world.all_due(T0 + 3 * HOUR)
    await world.hand.act(ticket, Action.COMMENT, world.asker, T0 + 4 * HOUR, body="It burns again.")
    assert await world.states() == ["withdrawn", "withdrawn"]
    await world.resolve(ticket, T0 + 5 * HOUR)
    await world.all_due(T0 + 6 * HOUR)
    assert await world.states() == ["withdrawn", "withdrawn", "asked"]
    async with world.database.reading() as reader:
        cycles = list(await reader.scalars(select(SurveyInvitationRow.cycle)))
    assert sorted(one or 0 for one in cycles) == [1, 2, 3]
    assert await world.kinds(world.asker) == {"survey_asked": 2}


async def test_nobody_is_asked_about_what_they_resolved_themselves_nor_by_a_paused_survey(
    world: Surveyed,
) -> None:
    ticket = await world.hand.open(world.agent, T0)
    await world.resolve(ticket, T0)
    await world.change(state=State.PAUSED)
    await world.resolved()
    assert await world.states() == []
    await world.change(state=State.ACTIVE)
    await world.resolved()
    await world.change(state=State.PAUSED)
    assert (await world.advance(T0 + 2 * HOUR)).state.next_at is None
    assert await world.states() == ["waiting"]
    await world.change(state=State.ACTIVE)
    await world.advance(T0 + 2 * HOUR)
    assert await world.states() == ["asked"]
    await world.change(state=State.PAUSED)
    assert (await world.advance(T0 + 60 * HOUR)).state.next_at == T0 + 7 * DAY + 2 * HOUR
    assert await world.kinds(world.asker) == {"survey_asked": 1}


async def test_who_left_or_wants_no_such_mails_is_not_asked(world: Surveyed) -> None:
    await world.resolved()
    off = {Kind.SURVEY_ASKED: dict.fromkeys(Channel, False)}
    async with world.database.writing() as writer:
        await set_preferences(writer, world.asker, Preferences(channels=off))
    await world.advance(T0 + HOUR)
    assert ((await world.invitation()).state, (await world.invitation()).reason) == ("skipped", "unwanted")
    gone = await person(world.database, Role.REQUESTER)
    await insert_invitation(
        world.database, gone, state="waiting", ask_at=T0, next_at=T0, asked_at=None, closes_at=None
    )
    async with world.database.writing() as writer:
        await writer.execute(update(PersonRow).where(PersonRow.id == gone).values(active=False))
    await world.advance(T0 + HOUR)
    async with world.database.reading() as reader:
        of = SurveyInvitationRow.person_id == gone
        assert await reader.scalar(select(SurveyInvitationRow.reason).where(of)) == "inactive"
    assert await world.rows(NotificationRow) > 0
    assert not await world.kinds(world.asker)


async def test_whoever_was_asked_rests_also_when_two_ask_at_the_same_moment(world: Surveyed) -> None:
    await world.change(rest=30 * DAY)
    for number in range(3):
        await world.resolved(T0 + number * timedelta(minutes=1))
    await world.all_due(T0 + 2 * HOUR)
    assert sorted(await world.states()) == ["asked", "skipped", "skipped"]
    await world.resolved(T0 + 29 * DAY)
    await world.all_due(T0 + 30 * DAY)
    await world.resolved(T0 + 31 * DAY)
    await world.all_due(T0 + 32 * DAY)
    assert Counter(await world.states())["skipped"] == 3
    assert await world.kinds(world.asker) == {"survey_asked": 2}


async def test_many_are_asked_page_by_page_and_none_twice_however_often_it_is_repeated(
    world: Surveyed,
) -> None:
    for number in range(PAGE + 20):
        someone = world.asker if number % 50 else await person(world.database, Role.REQUESTER)
        at = T0 + timedelta(seconds=number)
        fields = {"state": "waiting", "ask_at": at, "next_at": at, "asked_at": None, "closes_at": None}
        await insert_invitation(world.database, someone, **fields)
    assert (await world.advance(T0 + HOUR)).more
    done = await asyncio.gather(*(world.advance(T0 + HOUR) for _ in range(4)))
    assert not any(one.more for one in done)
    assert set(await world.states()) == {"asked"}
    async with world.database.reading() as reader:
        mails = await reader.scalar(
            select(func.count()).where(
                NotificationRow.kind == "survey_asked", NotificationRow.channel == "email"
            )
        )
    assert mails == PAGE + 20


async def test_the_process_is_woken_for_what_is_due_before_it_wakes_by_itself(world: Surveyed) -> None:
    await world.resolved(T0)
    assert await world.calls() == 1
    await world.advance(T0)
    await world.resolved(T0 + timedelta(minutes=5))
    assert await world.calls() == 0, "it wakes for the first, and sees the second then"
    await world.change(delay=timedelta(0))
    assert await world.calls() == 1
    await world.resolved(T0 + timedelta(minutes=10))
    assert await world.calls() == 1


async def test_nothing_is_overlooked_however_resolutions_and_looks_meet(world: Surveyed) -> None:
    """Whatever the order: what is waiting is known to the process, or it has been called."""
    await world.change(delay=timedelta(0), remind_after=None)
    chance = random.Random(5)
    tickets = [await world.hand.open(world.asker, T0, category="net") for _ in range(30)]

    async def resolve(ticket: UUID) -> None:
        await asyncio.sleep(chance.random() / 2)
        await world.resolve(ticket, T0)

    async def look() -> None:
        """Between the two, the survey says that it wakes at T0 by itself."""
        for _ in range(12):
            await world.calls()
            await world.advance(T0 - HOUR)
            await asyncio.sleep(chance.random() / 50)
            await world.advance(T0 + HOUR)

    await asyncio.gather(look(), look(), *(resolve(one) for one in tickets))
    async with world.database.reading() as reader:
        wakes_at = await reader.scalar(select(SurveyRow.next_at))
    waiting = (await world.states()).count("waiting")
    assert not waiting or wakes_at == T0 or await world.calls()


async def test_what_was_lost_is_asked_for_again(world: Surveyed) -> None:
    """A call that Temporal's store forgot, and a process that should have done something by now."""
    await world.resolved()
    await world.calls()
    async with world.database.writing() as writer:
        await reconciliation.wake_late(writer, T0 + HOUR)
    assert await world.calls() == 0
    async with world.database.writing() as writer:
        await reconciliation.wake_late(writer, T0 + 2 * HOUR)
    assert await world.calls() == 1, "the process never heard of it"
    await world.advance(T0)
    async with world.database.writing() as writer:
        await reconciliation.wake_late(writer, T0 + 2 * HOUR)
        await reconciliation.repeat_requests(writer)
    assert await world.calls() == 2
