"""A worker with the real contest activities on a real database, for tests of the contest process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contest import ContestActivities
from activities.failure import as_desk_error
from domain import ids
from domain.account import Role
from domain.contest.fields import ContestRules
from domain.contest.messages import Act, Change, ContestInput, CreateContest, Outcome
from domain.contest.moves import Action
from domain.contest.process import has_work
from domain.contest.state import ContestState
from domain.process import MOVING, Committed, ProcessView
from storage.account import organizations, people, teams
from storage.contest import read
from storage.contest.commit import commit
from storage.database import Database, Writer
from tests.replay.stage import until
from workers.runner import RUNNER
from workflows.contest import ACT, CREATED, ContestWorkflow
from workflows.process import DESCRIBE

LIMIT = timedelta(seconds=20)
CRITERIA = [{"key": "idea", "name": "Idea", "weight": 2}, {"key": "form", "name": "Form"}]


class LostAnswers:
    """Every `every`th commit happens, and whoever asked for it never hears so."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.count = 0

    def strike(self) -> None:
        self.count += 1
        if self.count % self.every == 0:
            raise ConnectionError


class ContestDesk:
    """Makes contests and acts on them straight at their processes, without HTTP."""

    def __init__(self, client: Client, database: Database, queue: str) -> None:
        self.client = client
        self.database = database
        self.queue = queue
        self.made: list[UUID] = []

    async def person(self, *roles: Role, teams: Any = (), **fields: Any) -> UUID:
        name = uuid4().hex[:8]
        values = {"email": f"{name}@desk.example", "name": name, "roles": list(roles or (Role.REQUESTER,))}
        async with self.database.writing() as writer:
            return (await people.create_person(writer, values | fields, teams=teams, password=None)).id

    async def team(self, name: str) -> UUID:
        async with self.database.writing() as writer:
            return (await teams.create_team(writer, {"name": name, "categories": []}, [])).id

    async def organization(self, name: str) -> UUID:
        async with self.database.writing() as writer:
            return (await organizations.create_organization(writer, {"name": name})).id

    async def create(
        self,
        now: datetime,
        judges: list[UUID],
        history_limit: int | None = None,
        opens: timedelta = timedelta(0),
        closes: timedelta = timedelta(hours=1),
        judged: timedelta = timedelta(days=7),
        **rules: Any,
    ) -> UUID:
        """A contest that is scheduled; it opens so long after `now`."""
        contest_id, manager = uuid4(), await self.person(Role.MANAGER)
        values = {
            "opens_at": now + opens,
            "closes_at": now + closes,
            "judging_until": now + judged,
            "criteria": CRITERIA,
            "judges_per_entry": 2,
            **rules,
        }
        command = CreateContest(
            contest_id=contest_id,
            fingerprint="one",
            name="冬季摄影 Winter",
            description="Pictures",
            rules=ContestRules.model_validate(values),
            judges=judges,
            created_by=manager,
        )
        await self.client.start_workflow(
            ContestWorkflow.run,
            ContestInput(contest_id=contest_id, create=command, history_limit=history_limit),
            id=ids.workflow_id("contest", contest_id),
            task_queue=self.queue,
        )
        self.made.append(contest_id)
        await asyncio.gather(
            self.created(contest_id), self.act(contest_id, Action.SCHEDULE, actor_id=manager)
        )
        return contest_id

    async def created(self, contest_id: UUID) -> Committed:
        update: Awaitable[Committed] = self.handle(contest_id).execute_update(
            CREATED, "one", result_type=Committed, rpc_timeout=LIMIT
        )
        return await update

    async def stop(self) -> None:
        """Ends what still runs: on virtual time, a process without a worker would hold up the clock of everybody."""
        for contest_id in self.made:
            with suppress(RPCError):
                await self.handle(contest_id).terminate()

    def handle(self, contest_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(ids.workflow_id("contest", contest_id))

    async def act(self, contest_id: UUID, action: Action, **fields: Any) -> Committed:
        """Raises the DeskError that it is refused with."""
        values = {"action": action, "request_id": uuid4().hex, "actor_id": uuid4(), **fields}
        act = Act.model_validate(values)
        while True:
            update: Awaitable[Committed] = self.handle(contest_id).execute_update(
                ACT, act, id=act.request_id, result_type=Committed, rpc_timeout=LIMIT
            )
            try:
                return await update
            except (
                RPCError
            ) as error:  # a busy machine may lose a workflow task, and with it what waited for it
                if error.status is not RPCStatusCode.UNAVAILABLE:
                    raise
            except WorkflowUpdateFailedError as error:
                known = as_desk_error(error.cause)
                if known is None:
                    raise
                if known.code != MOVING:
                    raise known from None
            await asyncio.sleep(0.02)

    async def enter(self, contest_id: UUID, person: UUID, at: datetime, **fields: Any) -> UUID:
        entry_id = uuid4()
        given = {"record_id": entry_id, "arrived_at": at, "text": "A picture", **fields}
        await self.act(contest_id, Action.ENTER, actor_id=person, **given)
        return entry_id

    async def state(self, contest_id: UUID) -> ContestState:
        async with self.database.reading() as reader:
            state = await read.state(reader, contest_id)
        assert state is not None
        return state

    async def view(self, contest_id: UUID) -> ProcessView:
        query: Awaitable[ProcessView] = self.handle(contest_id).query(DESCRIBE, result_type=ProcessView)
        return await query

    async def becomes(self, contest_id: UUID, *statuses: str) -> None:
        """Waits until the contest is in one of these states, and nothing goes on page by page."""

        async def met() -> bool:
            state = await self.state(contest_id)
            return state.status in statuses and not has_work(state)

        await until(met)

    async def score_all(self, contest_id: UUID, *, but: frozenset[UUID] = frozenset()) -> int:
        """All judges but these score what they have; gives how many scores there were."""
        async with self.database.reading() as reader:
            found = await read.assignments(
                reader, contest_id, judge_id=None, state=None, after=None, size=1000
            )
        count = 0
        for one in found:
            if one.state == "pending" and one.judge.id not in but:
                scores = {"idea": one.entry_id.int % 11, "form": one.judge.id.int % 11}
                await self.act(
                    contest_id, Action.SCORE, actor_id=one.judge.id, entry_id=one.entry_id, scores=scores
                )
                count += 1
        return count


@asynccontextmanager
async def running(
    client: Client,
    database: Database,
    *,
    queue: str | None = None,
    lost: LostAnswers | None = None,
    **options: Any,
) -> AsyncIterator[ContestDesk]:
    """A desk with its worker, on a queue of its own unless one is named."""

    async def commit_change(writer: Writer, change: Change) -> Outcome:
        outcome = await commit(writer, change, mail=False)
        if lost is not None:
            await writer.commit()
            lost.strike()
        return outcome

    queue = queue or f"test-{uuid4()}"
    activities = ContestActivities(database, commit_change)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[ContestWorkflow],
        activities=[activities.commit],
        workflow_runner=RUNNER,
        **options,
    )
    async with worker:
        yield ContestDesk(client, database, queue)


async def now_of(environment: WorkflowEnvironment) -> datetime:
    return (await environment.get_current_time()).astimezone(UTC)
