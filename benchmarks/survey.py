"""Surveys: a campaign asks a crowd, some of whom answer by their links, and the results are read."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.crowd import insert_people
from benchmarks.desk import BenchDesk, Block, in_parallel, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection
from domain.survey.invitation import PURPOSE
from storage import link
from storage.database import Database
from storage.tables.survey import SurveyInvitationRow

ASKED: Final = {"short": 2000, "long": 10_000}
ANSWERS: Final = {"short": 200, "long": 2000}
_CLIENTS: Final = 8
_READS: Final = 20


async def measure(size: str) -> Section:
    count = ANSWERS[size]
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        admin = await stack.enter_async_context(desk.connection(desk.admin_token))
        database = Database(desk.database_url())
        stack.push_async_callback(database.close)
        await insert_people(database, ASKED[size])
        asked, seconds, survey = await _ask(admin, database)
        answers = await _answer(stack, desk, await _tokens(database, survey, count))
        reads = []
        for _ in range(_READS):
            began = time.perf_counter()
            total = (await admin.get(f"/api/v1/surveys/{survey}/results")).expect(200)["total"]
            reads.append(time.perf_counter() - began)
    if (total["asked"], total["answered"]) != (asked, count):
        raise RuntimeError(f"{total['answered']} of {total['asked']} answered")
    return Section(
        "Surveys",
        f"A campaign for {asked} people is started: the time until the last of them is asked, in the app and by mail. "
        f"Then {_CLIENTS} of them at a time answer over HTTP, and the results are read.",
        [
            Table(
                ("", "count", "seconds", "a second"),
                [
                    ("people asked", asked, seconds, asked / seconds),
                    ("answers", count, answers.together, count / answers.together),
                ],
            )
        ],
        [
            Goal("people asked a second", asked / seconds, at_least=500),
            Goal("p50 of an answer", percentile(answers.each, 0.5) * 1000, at_most=100, unit="ms"),
            Goal("p50 of the results", percentile(reads, 0.5) * 1000, at_most=100, unit="ms"),
        ],
    )


async def _ask(admin: Connection, database: Database) -> tuple[int, float, UUID]:
    """How many a new campaign is for, how long it took until all of them were asked, and its id."""
    body = {"name": "How do you like it?", "kind": "nps"}
    survey = UUID((await admin.post("/api/v1/surveys", body)).expect(201)["id"])
    foreseen = (await admin.get(f"/api/v1/surveys/{survey}/preview")).expect(200)["audience"]
    began = time.perf_counter()
    (await admin.patch(f"/api/v1/surveys/{survey}", {"state": "active"})).expect(200)
    state = SurveyInvitationRow.state == "asked"
    statement = select(func.count()).where(SurveyInvitationRow.survey_id == survey, state)
    while True:
        async with database.reading() as reader:
            if await reader.scalar(statement) == foreseen:
                return foreseen, time.perf_counter() - began, survey
        await asyncio.sleep(0.02)


async def _tokens(database: Database, survey: UUID, count: int) -> list[str]:
    statement = select(SurveyInvitationRow.id).where(SurveyInvitationRow.survey_id == survey).limit(count)
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    async with database.reading() as reader:
        wanted = [
            {"purpose": PURPOSE, "id": str(one), "expires_at": end} for one in await reader.scalars(statement)
        ]
        return [str(await link.token_of(reader, one, survey)) for one in wanted]


async def _answer(stack: AsyncExitStack, desk: BenchDesk, tokens: list[str]) -> Block:
    async def answer(holder: Connection, number: int) -> None:
        body: dict[str, Any] = {"score": number % 11, "comment": "It does what it should."}
        (await holder.post(f"/api/v1/surveys/answers/{tokens[number]}", body)).expect(201)

    holders = [await stack.enter_async_context(desk.connection()) for _ in range(_CLIENTS)]
    return await in_parallel([partial(answer, holder) for holder in holders], len(tokens))
