"""Answers to surveys in the database: taken once, counted, and followed up when they are low."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from domain.account import Role
from domain.calendar import Calendar
from domain.errors import Conflict, DeskError, Gone, NotFound
from domain.report.asked import Asked, Span
from domain.sla.policy import DEFAULT_POLICY
from domain.survey.definition import AFTER_RESOLUTION
from domain.survey.questions import Given
from domain.ticket.moves import Action
from storage import link
from storage import report as reports
from storage.calendar import Origin, create_calendar
from storage.database import Database
from storage.sla import create_policy
from storage.survey import answer, definition, task
from storage.survey.results import results
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow, SurveyTaskRow
from storage.tables.ticket import TicketRow
from tests.rows import insert_ticket, link_to
from tests.storage.surveyed import DAY, HOUR, T0, Surveyed, surveyed
from tests.storage.world import EVERYTHING, person


@pytest.fixture
async def world(database: Database) -> Surveyed:
    return await surveyed(database)


async def test_an_answer_is_taken_once_and_stands_on_the_ticket(world: Surveyed) -> None:
    ticket = await world.resolved()
    await world.advance(T0 + HOUR)
    await world.answer(4, T0 + 2 * HOUR, comment="Thanks 谢谢")
    for score in (4, 1):
        with pytest.raises(Conflict, match="already"):
            await world.answer(score, T0 + 3 * HOUR)
    async with world.database.reading() as reader:
        (one,) = await answer.answers(reader, AFTER_RESOLUTION, after=None, size=10)
        kept = await reader.scalar(select(TicketRow.satisfaction).where(TicketRow.id == ticket))
    assert (one.score, one.comment, one.ticket and one.ticket.id, one.team and one.team.id) == (
        4,
        "Thanks 谢谢",
        ticket,
        world.team,
    )
    assert kept == 4
    assert await world.rows(SurveyTaskRow) == 0
    assert (await world.advance(T0 + 60 * HOUR)).state.next_at is None
    assert await world.kinds(world.asker) == {"survey_asked": 1}


async def test_of_many_who_use_one_link_at_once_one_answers(world: Surveyed) -> None:
    await world.resolved()
    await world.advance(T0 + HOUR)
    done = await asyncio.gather(
        *(world.answer(score, T0 + 2 * HOUR) for score in (1, 2, 3, 4, 5, 1, 2, 3)), return_exceptions=True
    )
    assert [one for one in done if one is None] == [None]
    assert {getattr(one, "code", None) for one in done if one is not None} == {"already_answered"}
    assert await world.rows(SurveyAnswerRow) == 1


@pytest.mark.parametrize("forgery", ["", "x", "x" * 54, "é" * 54])
async def test_a_link_that_is_not_ours_answers_nothing(world: Surveyed, forgery: str) -> None:
    await world.resolved()
    await world.advance(T0 + HOUR)
    async with world.database.writing() as writer:
        with pytest.raises(NotFound):
            await answer.take(writer, forgery, Given(score=5), T0 + 2 * HOUR, mail=False)


async def test_links_end_with_their_time_with_the_reopening_and_with_a_revoked_key(world: Surveyed) -> None:
    ticket = await world.resolved()
    await world.advance(T0 + HOUR)
    with pytest.raises(Gone) as refusal:
        await world.answer(5, T0 + 9 * DAY)
    assert refusal.value.code == "link_expired"
    token = await link_to(world.database, (await world.invitation()).id, T0 + 7 * DAY)

    async def code_of(token: str) -> str:
        async with world.database.reading() as reader:
            try:
                await answer.behind_link(reader, token, T0 + 2 * HOUR)
            except DeskError as error:
                return error.code
        return "open"

    assert await code_of(token) == "open"
    async with world.database.writing() as writer:
        assert await link.rotate(writer, revoke=False) == 2
    assert await code_of(token) == "open"
    async with world.database.writing() as writer:
        assert await link.rotate(writer, revoke=True) == 3
    assert await code_of(token) == "link_unknown"
    token = await link_to(world.database, (await world.invitation()).id, T0 + 7 * DAY)
    assert await code_of(token) == "open"
    await world.hand.act(ticket, Action.REOPEN, world.asker, T0 + 2 * HOUR, body="It burns.")
    assert await code_of(token) == "survey_withdrawn"


async def test_a_low_score_makes_a_task_for_the_lead_within_a_working_day(world: Surveyed) -> None:
    hours = [["09:00", "17:00"]]
    office = Calendar.model_validate({"name": "Office", "weekly": {"fri": hours, "mon": hours}})
    async with world.database.writing() as writer:
        calendar = await create_calendar(writer, office, Origin())
        await create_policy(
            writer,
            DEFAULT_POLICY.model_copy(update={"position": 1, "calendar": calendar.id, "name": "Office"}),
        )
    ticket = await world.resolved()  # a Friday at noon
    await world.advance(T0 + HOUR)
    await world.answer(2, T0 + 2 * HOUR, comment="It took long.")
    async with world.database.reading() as reader:
        (one,) = await task.tasks(reader, EVERYTHING, T0 + 2 * HOUR, size=10)
    assert (one.ticket.id, one.score, one.comment, one.state) == (ticket, 2, "It took long.", "open")
    assert one.assignee is not None
    assert one.assignee.id == world.lead
    assert one.due_at == datetime(2026, 11, 23, 14, tzinfo=UTC), "three hours on Friday, five on Monday"
    assert not one.overdue
    assert await world.kinds(world.lead) == {"survey_task": 1}


async def test_a_task_that_nobody_does_is_told_of_once(world: Surveyed) -> None:
    manager = await person(world.database, Role.MANAGER)
    await world.resolved()
    await world.advance(T0 + HOUR)
    await world.answer(1, T0 + 2 * HOUR)
    assert (await world.advance(T0 + 3 * HOUR)).state.next_at == T0 + 10 * HOUR
    done = await world.advance(T0 + 10 * HOUR)
    assert done.state.next_at is None
    await world.advance(T0 + 20 * HOUR)
    assert await world.kinds(world.lead) == {"survey_task": 1, "survey_task_overdue": 1}
    assert await world.kinds(manager) == {"survey_task_overdue": 1}


async def test_a_task_is_done_once_and_then_nobody_is_told(world: Surveyed) -> None:
    await world.resolved()
    await world.advance(T0 + HOUR)
    await world.answer(1, T0 + 2 * HOUR)
    async with world.database.reading() as reader:
        (one,) = await task.tasks(reader, EVERYTHING, T0, size=10)
    async with world.database.writing() as writer:
        await task.finish(writer, one.id, world.agent, "All is well.", T0 + 3 * HOUR)
    async with world.database.writing() as writer:
        with pytest.raises(Conflict, match="before"):
            await task.finish(writer, one.id, world.agent, None, T0 + 4 * HOUR)
        done = await task.task(writer, one.id, T0 + 20 * HOUR)
    assert (done.state, done.note, done.overdue) == ("done", "All is well.", False)
    assert (await world.advance(T0 + 20 * HOUR)).state.next_at is None
    assert await world.kinds(world.lead) == {"survey_task": 1}


async def test_results_and_reports_count_what_was_answered(world: Surveyed) -> None:
    scores = [5, 5, 4, 3, 1, None, None, None]
    for number, score in enumerate(scores):
        await world.resolved(T0 + number * timedelta(minutes=1))
        await world.all_due(T0 + HOUR + number * timedelta(minutes=1))
        if score is not None:
            async with world.database.reading() as reader:
                open_one = await reader.scalar(
                    select(SurveyInvitationRow.id).where(SurveyInvitationRow.state == "asked").limit(1)
                )
            await world.answer(score, T0 + 2 * HOUR, open_one)
    await insert_ticket(world.database, world.asker, created_at=T0)
    asked = Asked(Span(T0, T0 + DAY), ("team",))
    async with world.database.reading() as reader:
        survey = await definition.survey(reader, AFTER_RESOLUTION)
        found = await results(reader, AFTER_RESOLUTION, survey, asked)
        report = await reports.tickets(reader, Asked(Span(T0, T0 + DAY)), T0 + DAY)
        later = await reports.tickets(reader, Asked(Span(T0 + DAY, T0 + 2 * DAY)), T0 + 2 * DAY)
    assert [getattr(line.groups["team"], "id", None) for line in found.lines] == [world.team]
    assert found.lines[0].figures == found.total
    total = found.total
    assert (total["asked"], total["answered"], total["response_rate"]) == (8, 5, 5 / 8)
    assert (total["satisfied"], total["satisfaction_rate"], total["score"]) == (3, 3 / 5, 3.6)
    assert total["scores"] == {"1": 1, "2": 0, "3": 1, "4": 1, "5": 2}
    assert total["satisfaction_rate_interval"]["low"] == pytest.approx(0.2307, abs=1e-4)
    assert total["satisfaction_rate_interval"]["high"] == pytest.approx(0.8824, abs=1e-4)
    assert (total["net_promoter_score"], total["net_promoter_score_interval"]) == (None, None)
    assert (report.total["rated"], report.total["satisfied"], report.total["satisfaction"]) == (5, 3, 3.6)
    assert report.total["satisfaction_rate_interval"] == total["satisfaction_rate_interval"]
    assert (later.total["rated"], later.total["satisfaction_rate"]) == (0, None)
