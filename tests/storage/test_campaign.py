"""Campaigns in the database: rounds that begin at their time, samples, quotas, rest, and an end."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from domain.account import Role
from domain.errors import Conflict
from domain.survey.definition import Contents, State, Survey
from domain.survey.messages import Advance, Advanced
from domain.survey.questions import Given
from domain.survey.schedule import is_drawn
from storage.database import Database
from storage.survey import answer, campaign, definition
from storage.survey.commit import advance
from storage.survey.invitation import invitations
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationRow
from storage.tables.survey import SurveyInvitationRow
from tests.rows import insert_ticket, link_to
from tests.storage.world import person

T0: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass
class Desk:
    database: Database

    async def people(self, count: int, **fields: Any) -> list[UUID]:
        ids = [
            UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC834) % 2**128) for number in range(1, count + 1)
        ]
        rows = [
            {"id": one, "email": f"{one}@desk.example", "name": "N", "roles": ["requester"], **fields}
            for one in ids
        ]
        async with self.database.writing() as writer:
            await writer.execute(insert(PersonRow), rows)
        return ids

    async def campaign(self, start: bool = True, **contents: Any) -> UUID:
        values = {"name": "How is it?", "kind": "nps", "audience": {}, "schedule": {}, "delay": timedelta(0)}
        async with self.database.writing() as writer:
            made = await definition.create(writer, Contents.model_validate({**values, **contents}))
        if start:
            await self.move(made.id, State.ACTIVE)
        return made.id

    async def move(self, survey_id: UUID, state: State, now: datetime = T0, **changes: Any) -> Survey:
        async with self.database.writing() as writer:
            known, contents = await definition.change(writer, survey_id, changes, None)
            return await definition.keep(writer, known, contents, state, now)

    async def advance(self, survey_id: UUID, now: datetime) -> Advanced:
        """Until nothing more is due."""
        while True:
            async with self.database.writing() as writer:
                done = await advance(writer, Advance(survey_id=survey_id, now=now), mail=False)
            if not done.more:
                return done

    async def survey(self, survey_id: UUID) -> Survey:
        async with self.database.reading() as reader:
            return await definition.survey(reader, survey_id)

    async def states(self, survey_id: UUID, number: int | None = None) -> Counter[str]:
        statement = select(SurveyInvitationRow.state).where(SurveyInvitationRow.survey_id == survey_id)
        if number is not None:
            statement = statement.where(SurveyInvitationRow.round == number)
        async with self.database.reading() as reader:
            return Counter(await reader.scalars(statement))

    async def mails(self) -> Counter[str]:
        of = NotificationRow.channel == "email"
        async with self.database.reading() as reader:
            return Counter(await reader.scalars(select(NotificationRow.kind).where(of)))

    async def answer(self, survey_id: UUID, count: int, now: datetime) -> None:
        """So many of those who were asked answer."""
        asked = (SurveyInvitationRow.survey_id == survey_id, SurveyInvitationRow.state == "asked")
        async with self.database.reading() as reader:
            rows = (await reader.scalars(select(SurveyInvitationRow.id).where(*asked).limit(count))).all()
        assert len(rows) == count
        for one in rows:
            token = await link_to(self.database, one, now + DAY)
            async with self.database.writing() as writer:
                await answer.take(writer, token, Given(score=9), now, mail=False)


@pytest.fixture
async def desk(database: Database) -> Desk:
    await person(database, Role.ADMIN)
    return Desk(database)


async def test_a_draft_asks_nobody_and_a_campaign_once_asks_its_audience_once_and_ends(desk: Desk) -> None:
    await desk.people(30)
    survey = await desk.campaign(start=False)
    assert (await desk.advance(survey, T0 + DAY)).state.next_at is None
    assert await desk.states(survey) == {}
    await desk.move(survey, State.ACTIVE, T0 + DAY)
    done = await desk.advance(survey, T0 + DAY)
    assert await desk.states(survey) == {"asked": 30}
    assert done.state.next_at == T0 + 3 * DAY
    assert (await desk.advance(survey, T0 + DAY)).state == done.state
    await desk.advance(survey, T0 + 3 * DAY)
    await desk.answer(survey, 10, T0 + 4 * DAY)
    assert (await desk.advance(survey, T0 + 8 * DAY)).state.next_at is None
    assert await desk.states(survey) == {"answered": 10, "expired": 20}
    assert (await desk.survey(survey)).state is State.ENDED
    assert await desk.mails() == {"survey_asked": 30, "survey_reminded": 30}
    with pytest.raises(Conflict, match="ended"):
        await desk.move(survey, State.ACTIVE)


async def test_rounds_come_back_ask_again_and_make_up_for_an_outage_once(desk: Desk) -> None:
    await desk.people(5)
    schedule = {"starts_at": T0 + HOUR, "every": "week", "rounds": 5}
    survey = await desk.campaign(schedule=schedule, remind_after=None, close_after=DAY, rest=None)
    assert (await desk.advance(survey, T0)).state.next_at == T0 + HOUR
    await desk.advance(survey, T0 + HOUR)
    assert await desk.states(survey, 1) == {"asked": 5}
    await desk.advance(survey, T0 + HOUR + 22 * DAY)  # the second and the third were missed
    assert (await desk.survey(survey)).round == 4
    assert (await desk.states(survey, 2), await desk.states(survey, 3)) == ({}, {})
    assert await desk.states(survey, 4) == {"asked": 5}
    await desk.advance(survey, T0 + HOUR + 28 * DAY)
    assert (await desk.survey(survey)).round == 5
    await desk.advance(survey, T0 + HOUR + 30 * DAY)
    assert (await desk.survey(survey)).state is State.ENDED
    assert await desk.mails() == {"survey_asked": 15}


async def test_whoever_was_asked_by_another_survey_rests(desk: Desk) -> None:
    people = await desk.people(40)
    first = await desk.campaign(audience={"people": people[:25]}, rest=30 * DAY, schedule={"every": "month"})
    second = await desk.campaign(rest=30 * DAY)
    await asyncio.gather(desk.advance(first, T0), desk.advance(second, T0))
    asked = (await desk.states(first))["asked"] + (await desk.states(second))["asked"]
    assert asked == 40
    async with desk.database.reading() as reader:
        most = select(func.count()).where(SurveyInvitationRow.state == "asked")
        counts = list(await reader.scalars(most.group_by(SurveyInvitationRow.person_id)))
    assert counts == [1] * 40, "nobody twice, though both asked at the same moment"
    await desk.advance(first, T0 + 30 * DAY)
    assert (await desk.states(first, 2))["asked"] == 25


async def test_a_sample_is_drawn_and_so_many_are_asked_each_day(desk: Desk) -> None:
    people = await desk.people(2300)
    survey = await desk.campaign(sample=0.5, per_day=400, remind_after=None)
    await desk.advance(survey, T0)
    drawn = [one for one in people if is_drawn(survey, 1, one, 0.5)]
    assert await desk.states(survey) == {"asked": 400, "waiting": len(drawn) - 400}
    async with desk.database.reading() as reader:
        ids = set(await reader.scalars(select(SurveyInvitationRow.person_id)))
        foreseen = await campaign.foresee(reader, survey, await definition.survey(reader, survey), 1, T0)
        days = Counter(await reader.scalars(select(SurveyInvitationRow.ask_at)))
    assert ids == set(drawn)
    assert (foreseen.audience, foreseen.drawn) == (2300, len(drawn))
    assert [days[one] for one in sorted(days)] == [400, 400, len(drawn) - 800]
    await desk.advance(survey, T0 + DAY)
    assert (await desk.states(survey))["asked"] == 800


async def test_a_full_quota_asks_and_reminds_nobody_else(desk: Desk) -> None:
    await desk.people(30)
    survey = await desk.campaign(quota=5, per_day=10, remind_after=DAY + HOUR)
    await desk.advance(survey, T0)
    await desk.answer(survey, 5, T0 + HOUR)
    await desk.advance(survey, T0 + 3 * DAY)
    assert await desk.states(survey) == {"answered": 5, "asked": 5, "skipped": 20}
    assert await desk.mails() == {"survey_asked": 10}
    await desk.answer(survey, 5, T0 + 4 * DAY)
    assert (await desk.states(survey))["answered"] == 10, "who was asked may still answer"
    async with desk.database.reading() as reader:
        skipped = await invitations(reader, survey, state=None, number=1, after=None, size=100)
    assert {one.reason for one in skipped if one.state == "skipped"} == {"quota"}


async def test_a_round_that_has_enough_asks_nobody_else_when_the_next_one_has_begun(desk: Desk) -> None:
    await desk.people(30)
    schedule = {"every": "day"}
    survey = await desk.campaign(quota=5, per_day=10, schedule=schedule, rest=None, remind_after=None)
    await desk.advance(survey, T0)
    await desk.answer(survey, 5, T0 + HOUR)
    await desk.advance(survey, T0 + DAY)
    assert await desk.states(survey, 1) == {"answered": 5, "asked": 5, "skipped": 10, "waiting": 10}
    assert await desk.states(survey, 2) == {"asked": 10, "waiting": 20}


async def test_an_audience_is_narrowed_by_all_that_is_said(desk: Desk) -> None:
    people = await desk.people(12, locale="zh-CN")
    await person(desk.database, Role.REQUESTER)
    for one in people[:4]:
        await insert_ticket(desk.database, one, created_at=T0 - 10 * DAY)
    await insert_ticket(desk.database, people[5], created_at=T0 - 100 * DAY)
    for audience, count in (
        ({}, 13),
        ({"roles": ["admin"]}, 1),
        ({"roles": ["admin", "requester"]}, 14),
        ({"locales": ["zh-CN"]}, 12),
        ({"people": [str(one) for one in people[:3]]}, 3),
        ({"ticket_within": "P90D"}, 4),
        ({"ticket_within": "P90D", "people": [str(one) for one in people[2:8]]}, 2),
        ({"organizations": [str(people[0])]}, 0),
    ):
        survey = await desk.campaign(start=False, audience=audience)
        async with desk.database.reading() as reader:
            found = await campaign.foresee(reader, survey, await definition.survey(reader, survey), 1, T0)
        assert (found.audience, found.resting, found.drawn) == (count, 0, count), audience


async def test_paused_it_waits_and_ended_it_asks_nobody_who_waits(desk: Desk) -> None:
    await desk.people(20)
    survey = await desk.campaign(per_day=10, schedule={"every": "day"}, rest=None, remind_after=None)
    await desk.advance(survey, T0)
    await desk.move(survey, State.PAUSED)
    assert (await desk.advance(survey, T0 + 3 * DAY)).state.next_at == T0 + 7 * DAY
    assert (await desk.survey(survey)).round == 1
    await desk.move(survey, State.ACTIVE)
    await desk.advance(survey, T0 + 3 * DAY)
    assert (await desk.survey(survey)).round == 4
    await desk.move(survey, State.ENDED)
    await desk.advance(survey, T0 + 4 * DAY)
    found = await desk.states(survey)
    assert (found["waiting"], found["asked"]) == (0, 30)
    await desk.advance(survey, T0 + 20 * DAY)
    assert (await desk.survey(survey)).round == 4
    assert await desk.states(survey) == {"expired": 30, "skipped": 10}


async def test_what_is_started_keeps_what_it_asks_and_whom(desk: Desk) -> None:
    survey = await desk.campaign()
    for changes in ({"audience": {"roles": ["agent"]}}, {"schedule": {"every": "day"}}, {"sample": 0.5}):
        with pytest.raises(Conflict, match="keeps"):
            await desk.move(survey, State.ACTIVE, **changes)
    assert (await desk.move(survey, State.ACTIVE, quota=3)).quota == 3
