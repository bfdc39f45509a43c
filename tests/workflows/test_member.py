"""The member's process on a real server and a real database: nothing lost, nothing twice, and it ends when idle."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.member import MemberActivities
from domain import ids
from domain.account import Role
from domain.errors import Unavailable
from domain.member.fact import NewFact, received
from domain.member.record import Advance, Advanced, MemberInput
from domain.member.rules import DEFAULT
from storage.database import Database, Writer
from storage.member import facts as intake
from storage.member import read
from storage.member.commit import advance
from tests.replay.stage import Stage, histories, until, working
from tests.storage.world import person
from workflows.member import MemberWorkflow
from workflows.process import WAKE

LIMIT = 40
CLIENTS = 8
FACTS = 240


@pytest.fixture
async def member(database: Database) -> UUID:
    return await person(database, Role.REQUESTER)


@asynccontextmanager
async def process(stage: Stage, *, failing: float = 0) -> AsyncIterator[str]:
    """A worker of a queue; of its commits, a share fails, some before and some after they are made."""
    chance = random.Random(7)

    async def commit(writer: Writer, wanted: Advance) -> Advanced:
        if chance.random() < failing:
            raise Unavailable("struck", "Before the commit.")
        done = await advance(writer, wanted, mail=False)
        if chance.random() < failing:
            await writer.commit()
            raise Unavailable("struck", "After the commit.")
        return done

    queue = f"test-{uuid4()}"
    activities = MemberActivities(stage.database, commit)
    async with working(stage, queue, workflows=[MemberWorkflow], activities=[activities.advance]):
        yield queue


async def bring(stage: Stage, queue: str, member_id: UUID, *fact_ids: str, limit: int | None = None) -> None:
    """As the route and the relay do it."""
    now = datetime.now(UTC)
    facts = [
        received(member_id, NewFact(fact_id=one, action="accepted_answer"), DEFAULT, now) for one in fact_ids
    ]
    async with stage.database.writing() as writer:
        await intake.receive(writer, facts)
    await stage.client.start_workflow(
        MemberWorkflow.run,
        MemberInput(member_id=member_id, history_limit=limit, linger=timedelta(seconds=2)),
        id=ids.workflow_id("member", member_id),
        task_queue=queue,
        start_signal=WAKE,
    )


async def settled(stage: Stage, member_id: UUID) -> int:
    async def counted() -> bool:
        async with stage.database.reading() as reader:
            return not (await read.member(reader, member_id)).pending

    await until(counted)
    async with stage.database.reading() as reader:
        return (await read.member(reader, member_id)).points


async def test_a_flood_over_many_runs_with_commits_that_fail_counts_each_fact_once(
    temporal: Client, database: Database, member: UUID
) -> None:
    stage, numbers = Stage(temporal, database), itertools.count()
    async with process(stage, failing=0.15) as queue:

        async def client() -> None:
            while (number := next(numbers)) < FACTS:
                await bring(stage, queue, member, f"f{number}", f"f{number // 2}", limit=LIMIT)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        assert await settled(stage, member) == 15 * FACTS
    assert len(await histories(temporal, ids.workflow_id("member", member))) > 1


async def test_an_idle_process_ends_and_the_next_fact_starts_it_again(
    temporal: Client, database: Database, member: UUID
) -> None:
    stage, handle = Stage(temporal, database), temporal.get_workflow_handle(ids.workflow_id("member", member))
    async with process(stage) as queue:
        await bring(stage, queue, member, "a")
        assert await settled(stage, member) == 15

        async def over() -> bool:
            return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

        await until(over)
        await bring(stage, queue, member, "b")
        assert await settled(stage, member) == 30
