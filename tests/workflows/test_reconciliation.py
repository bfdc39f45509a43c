"""Reconciliation on a real Temporal server: lost processes go on where the database knows them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from activities.reconciliation import ReconciliationActivities
from domain import ids
from domain.account import Role
from domain.contest.process import timers
from domain.feedback import moves as feedback_moves
from domain.feedback.state import FeedbackState
from domain.process import ProcessView
from domain.queues import PROCESS
from domain.reconciliation import Kind, Page, ReconciliationInput, Totals, is_asked
from domain.ticket.moves import Action
from storage import reconciliation
from storage.database import Database
from storage.tables.feedback import FeedbackProcessRow
from storage.ticket import read
from tests.replay.stage import until
from tests.workflows import contests
from tests.workflows.desk import TicketDesk, running
from tests.workflows.voices import listening
from workers.registry import COMPARED
from workers.runner import RUNNER
from workflows.reconciliation import ReconciliationWorkflow
from workflows.ticket import TicketWorkflow


@asynccontextmanager
async def upkeep(client: Client, database: Database) -> AsyncIterator[str]:
    """A worker of the upkeep's processes; gives its queue."""
    queue = f"upkeep-{uuid4()}"
    comparing = ReconciliationActivities(database, client, COMPARED)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[ReconciliationWorkflow],
        activities=[comparing.page, comparing.repeat],
        workflow_runner=RUNNER,
    )
    async with worker:
        yield queue


async def reconciled(client: Client, queue: str, *, full: bool = True) -> Totals:
    start = ReconciliationInput(full=full, history_limit=10)
    totals: Totals = await client.execute_workflow(
        ReconciliationWorkflow.run, start, id=f"reconcile-{uuid4()}", task_queue=queue
    )
    return totals


async def lost(desk: TicketDesk, client: Client) -> None:
    """The processes of this desk's tickets are gone, as after the loss of Temporal's store."""
    async with desk.database.reading() as reader:
        _, states = await reconciliation.with_process(reader, None, 1000, datetime.now(UTC))
    for state in states:
        await client.get_workflow_handle(ids.workflow_id("ticket", state.id)).terminate()


async def test_a_lost_process_goes_on_where_the_database_knows_it(
    temporal: Client, database: Database
) -> None:
    async with running(temporal, database) as desk, upkeep(temporal, database) as queue:
        await desk.person(Role.AGENT)
        commands = [desk.command() for _ in range(3)]
        for command in commands:
            await desk.open(command)
        await desk.act(commands[0].ticket_id, Action.REPLY, body="seen")
        first = await desk.handle(commands[0].ticket_id).query("describe", result_type=ProcessView)
        await lost(desk, temporal)
        # The worker that takes over is that of the process queue.
        async with Worker(
            temporal, task_queue="duradesk-process", workflows=[TicketWorkflow], workflow_runner=RUNNER
        ):
            totals = await reconciled(temporal, queue)
            assert (totals.checked, totals.lost) == (3, 3)
            again = await desk.handle(commands[0].ticket_id).query("describe", result_type=ProcessView)
            assert (again.event_number, again.timers) == (first.event_number, first.timers)
            assert again.run_id != first.run_id
            totals = await reconciled(temporal, queue)
            assert (totals.checked, totals.asked, totals.lost) == (3, 3, 0)
            await lost(desk, temporal)
        async with database.reading() as reader:
            found = await reconciliation.findings(reader, healed=True, after=None, size=10)
            ledger = await read.ledger(reader, commands[0].ticket_id)
    assert [one.kind for one in found] == [Kind.LOST] * 3
    assert [row.kind for row in ledger].count("start") == 2


@pytest.mark.parametrize(("share", "asked"), [(0, True), (1, False)])
def test_an_ordinary_run_asks_a_share_of_the_processes(share: int, asked: bool) -> None:
    assert is_asked(UUID(int=24 * 7 + share), Page(full=False, after=None, hour=48)) is asked


async def test_lost_feedback_goes_on_where_the_database_knows_it(
    temporal: Client, database: Database
) -> None:
    async with (
        listening(temporal, database, queue=PROCESS) as voices,  # whose worker takes over
        upkeep(temporal, database) as queue,
    ):
        command = voices.command()
        await voices.submit(command)
        await voices.act(command.feedback_id, feedback_moves.Action.TRIAGE)
        before = await voices.state(command.feedback_id)
        handle = voices.handle(command.feedback_id)
        await handle.terminate()
        totals = await reconciled(temporal, queue)
        assert (totals.checked, totals.lost) == (1, 1)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        assert await voices.state(command.feedback_id) == before
        assert (await reconciled(temporal, queue)).lost == 0
        assert await found_of(database, command.feedback_id) == [(Kind.LOST, True)]


async def test_feedback_that_is_ahead_is_told_of_and_what_is_behind_takes_what_holds(
    temporal: Client, database: Database
) -> None:
    async with listening(temporal, database) as voices, upkeep(temporal, database) as queue:
        command = voices.command()
        item = command.feedback_id
        await voices.submit(command)
        old = await voices.state(item)
        await voices.act(item, feedback_moves.Action.TRIAGE)
        new = await voices.state(item)
        await keep(database, old)  # the database was restored
        assert (await reconciled(temporal, queue)).ahead == 1
        assert await found_of(database, item) == [(Kind.AHEAD, False)]
        later = new.model_copy(update={"event_number": new.event_number + 1, "importance": 5})
        await keep(database, later)  # Temporal was restored
        assert (await reconciled(temporal, queue)).behind == 1
        assert await found_of(database, item) == [(Kind.BEHIND, False), (Kind.AHEAD, True)]

        async def has_taken_it() -> bool:
            view = await voices.handle(item).query("describe", result_type=ProcessView)
            return view.event_number == later.event_number

        await until(has_taken_it)
        totals = await reconciled(temporal, queue)
        assert (totals.asked, totals.behind, totals.ahead) == (1, 0, 0)
        assert {healed for _, healed in await found_of(database, item)} == {True}


async def keep(database: Database, state: FeedbackState) -> None:
    """The database knows this state of an item."""
    values = {"version": state.event_number, "state": state.model_dump(mode="json")}
    this = FeedbackProcessRow.feedback_id == state.id
    async with database.writing() as writer:
        await writer.execute(update(FeedbackProcessRow).where(this).values(values))


async def found_of(database: Database, feedback_id: UUID) -> list[tuple[Kind, bool]]:
    """What was found of an item, the newest first, and whether it is right again."""
    async with database.reading() as reader:
        found = await reconciliation.findings(reader, healed=None, after=None, size=10)
    assert {(one.of, one.ticket_id, one.feedback_id) for one in found} == {("feedback", None, feedback_id)}
    return [(one.kind, one.healed_at is not None) for one in found]


async def test_a_lost_contest_goes_on_where_the_database_knows_it(
    temporal: Client, database: Database
) -> None:
    async with (
        contests.running(temporal, database, queue=PROCESS) as desk,
        upkeep(temporal, database) as queue,
    ):
        judges = [await desk.person(Role.AGENT) for _ in range(2)]
        contest = await desk.create(datetime.now(UTC), judges)
        await desk.enter(contest, await desk.person(), datetime.now(UTC))
        before = await desk.state(contest)
        await desk.handle(contest).terminate()
        totals = await reconciled(temporal, queue)
        assert (totals.checked, totals.lost) == (1, 1)
        async with database.reading() as reader:
            found = await reconciliation.findings(reader, healed=True, after=None, size=10)
        assert [(one.of, one.contest_id, one.number) for one in found] == [("contest", contest, None)]
        view = await desk.view(contest)
        assert (view.event_number, view.timers) == (before.event_number, timers(before))
        assert (await reconciled(temporal, queue)).lost == 0
        await desk.enter(contest, await desk.person(), datetime.now(UTC))
        assert (await desk.state(contest)).entries == 2
