"""Stories of a contest, played at its process with the real commits."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from domain.account import Role
from domain.contest.fields import Status
from domain.contest.messages import News
from domain.contest.moves import Action
from domain.errors import DeskError
from tests.replay.stage import Stage
from tests.workflows.contests import ContestDesk, running
from workflows.contest import ContestWorkflow

_LIMIT = 40


async def life(stage: Stage) -> Sequence[str]:
    """From the draft to the appeals, and then it is cancelled; with a repeat, a refusal, and a look at the database."""
    async with running(stage.client, stage.database) as desk:
        contest, person = await _opened(desk, closes=2)
        entry = {"record_id": uuid4(), "arrived_at": datetime.now(UTC), "request_id": "one", "text": "Snow"}
        for _ in range(2):
            await desk.act(contest, Action.ENTER, actor_id=person, **entry)
        with suppress(DeskError):
            await desk.enter(contest, person, datetime.now(UTC))
        await desk.handle(contest).signal(ContestWorkflow.consider, News(cause="restored"))
        await desk.becomes(contest, Status.JUDGING)
        while (await desk.state(contest)).assign_at is not None:  # noqa: ASYNC110  the process tells nobody
            await asyncio.sleep(0.1)
        await desk.becomes(contest, Status.JUDGING)
        await desk.score_all(contest)
        await desk.becomes(contest, Status.PROVISIONAL)
        await desk.act(contest, Action.CANCEL, text="No money")
        await desk.handle(contest).result()
    return [desk.handle(contest).id]


async def early(stage: Stage) -> Sequence[str]:
    """Somebody schedules it before a worker has made it."""
    desk = ContestDesk(stage.client, stage.database, f"test-{uuid4()}")
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    opens = timedelta(hours=1)
    closes = timedelta(hours=2)
    creating = asyncio.create_task(desk.create(datetime.now(UTC), judges, opens=opens, closes=closes))
    await asyncio.sleep(0.5)
    async with running(stage.client, stage.database, queue=desk.queue):
        contest = await creating
        await desk.act(contest, Action.CANCEL, text="No money")
        await desk.handle(contest).result()
    return [desk.handle(contest).id]


async def late(stage: Stage) -> Sequence[str]:
    """No worker was there at the bell; when one comes, somebody's entry waits already."""
    async with running(stage.client, stage.database) as desk:
        contest, person = await _opened(desk, closes=2)
    state = await desk.state(contest)
    at = state.rules.closes_at
    await asyncio.sleep((at - datetime.now(UTC)).total_seconds() + 0.3)
    entering = asyncio.create_task(desk.enter(contest, person, at))
    await asyncio.sleep(0.5)
    async with running(stage.client, stage.database, queue=desk.queue):
        await entering
        await desk.becomes(contest, Status.JUDGING)
        await desk.act(contest, Action.CANCEL, text="No money")
        await desk.handle(contest).result()
    return [desk.handle(contest).id]


async def runs(stage: Stage) -> Sequence[str]:
    """Several runs, the last of them in the middle of what is told to everybody."""
    async with running(stage.client, stage.database) as desk:
        contest, person = await _opened(desk, closes=60, history_limit=_LIMIT)
        for _ in range(6):
            await desk.enter(contest, person, datetime.now(UTC))
        await desk.act(contest, Action.EXTEND, by=timedelta(hours=1))
        await desk.act(contest, Action.CANCEL, text="No money")
        await desk.handle(contest).result()
    return [desk.handle(contest).id]


async def _opened(desk: ContestDesk, closes: float, history_limit: int | None = None) -> tuple[UUID, UUID]:
    """A contest that is active, and somebody who may enter it."""
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    contest = await desk.create(
        datetime.now(UTC),
        judges,
        closes=timedelta(seconds=closes),
        history_limit=history_limit,
        per_person=100,
    )
    await desk.becomes(contest, Status.ACTIVE)
    return contest, await desk.person()
