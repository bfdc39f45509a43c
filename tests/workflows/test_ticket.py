"""The life of a ticket as a durable process, on a real Temporal server and a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.failure import as_desk_error
from domain import ids
from domain.account import Role
from domain.errors import Unavailable
from domain.process import ProcessView
from domain.ticket.fields import Priority, Status
from domain.ticket.messages import Reconsider, TicketInput
from domain.ticket.moves import Action
from storage.database import Database
from storage.ticket import read
from tests.replay.stage import until
from tests.workflows.desk import Outage, TicketDesk, running
from workflows.ticket import TicketWorkflow


@pytest.fixture
async def desk(temporal: Client, database: Database) -> AsyncIterator[TicketDesk]:
    async with running(temporal, database) as desk:
        yield desk


async def test_a_ticket_is_committed_and_assigned_when_the_update_answers(desk: TicketDesk) -> None:
    agent = await desk.person(Role.AGENT)
    command = desk.command()
    assert (await desk.open(command)).version == 1
    async with desk.database.reading() as reader:
        ticket = await read.get(reader, command.ticket_id)
        rows = await read.ledger(reader, command.ticket_id)
    assert ticket is not None
    assert (ticket.status, ticket.number, ticket.version) == (Status.ASSIGNED, 1, 1)
    assert ticket.assignee is not None
    assert ticket.assignee.id == agent
    assert ticket.requester.email == "lin.wei@customers.example"
    assert {(row.clock, row.kind) for row in rows} == {("first_response", "start"), ("resolution", "start")}


async def test_merges_that_are_told_together_and_again_all_happened_once(
    temporal: Client, database: Database
) -> None:
    """While the first of them cannot be committed the others come, and then all of them again."""
    outage = Outage(Unavailable("database_away", "Later."))
    async with running(temporal, database, outage=outage) as desk:
        command, other = desk.command(), uuid4()
        await desk.open(command)
        outage.begin(5)
        words = [
            Reconsider(cause=cause, ticket_id=other, version=version)
            for version, cause in enumerate(("merged", "unmerged") * 2, start=2)
        ]
        for word in (*words, *words):
            await desk.handle(command.ticket_id).signal(TicketWorkflow.reconsider, word)
        await asyncio.wait_for(outage.over.wait(), 30)

        async def told() -> list[str]:
            async with desk.database.reading() as reader:
                events = await read.events(reader, command.ticket_id, internal=True, after=None, size=50)
            return [event.type for event in events if event.type.endswith("merged_from")]

        async def are_told() -> bool:
            return len(await told()) >= 4

        await until(are_told)
        await desk.act(command.ticket_id, Action.NOTE, body="Whatever was told is done before this.")
        assert await told() == ["merged_from", "unmerged_from"] * 2


@pytest.mark.parametrize("error", [Unavailable("database_away", "Later."), ConnectionResetError("gone")])
async def test_a_commit_outlives_an_absent_database(
    temporal: Client, database: Database, error: Exception
) -> None:
    """Both ways to commit: of the process's own accord, where a few quick attempts come first, and of an update."""
    outage = Outage(error)
    outage.begin(5)
    async with running(temporal, database, outage=outage) as desk:
        command = desk.command()
        start = TicketInput(ticket_id=command.ticket_id, open=command)
        workflow_id = ids.workflow_id("ticket", command.ticket_id)
        await temporal.start_workflow(TicketWorkflow.run, start, id=workflow_id, task_queue=desk.queue)
        await asyncio.wait_for(outage.over.wait(), 30)
        assert (await desk.open(command)).version == 1
        outage.begin(2)
        assert (await desk.act(command.ticket_id, Action.REPLY, body="still here")).version == 2
        assert outage.over.is_set()


async def test_the_same_key_gives_the_same_ticket_and_another_body_is_refused(desk: TicketDesk) -> None:
    command = desk.command()
    answers = await asyncio.gather(*(desk.open(command) for _ in range(5)))
    assert {answer.version for answer in answers} == {1}
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await desk.open(command.model_copy(update={"fingerprint": "two"}))
    error = as_desk_error(refused.value.cause)
    assert error is not None
    assert (error.kind, error.code) == ("conflict", "idempotency_key_reused")


async def test_a_whole_life_in_order(desk: TicketDesk) -> None:
    await desk.person(Role.AGENT)
    command = desk.command()
    await desk.open(command)
    steps = [
        (Action.REPLY, {"body": "Have a look at /var"}),
        (Action.WAIT, {}),
        (Action.RESUME, {}),
        (Action.RESOLVE, {"body": "Cleaned"}),
        (Action.CLOSE, {}),
    ]
    versions = [(await desk.act(command.ticket_id, action, **fields)).version for action, fields in steps]
    assert versions == [2, 3, 4, 5, 6]
    async with desk.database.reading() as reader:
        events = await read.events(reader, command.ticket_id, internal=True, after=None, size=100)
        comments = await read.comments(reader, command.ticket_id, internal=True, after=None, size=100)
    changes = [event.data["status"] for event in events if event.type == "status_changed"]
    assert changes == [
        ["open", "assigned"],
        ["assigned", "in_progress"],
        ["in_progress", "waiting"],
        ["waiting", "in_progress"],
        ["in_progress", "resolved"],
        ["resolved", "closed"],
    ]
    assert [comment.body for comment in comments] == ["Have a look at /var", "Cleaned"]
    history = await desk.handle(command.ticket_id).fetch_history()
    assert len(history.events) <= 90


async def test_an_illegal_move_costs_no_event(desk: TicketDesk) -> None:
    command = desk.command()
    await desk.open(command)
    handle = desk.handle(command.ticket_id)
    before = len((await handle.fetch_history()).events)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await desk.act(command.ticket_id, Action.RESUME)
    error = as_desk_error(refused.value.cause)
    assert error is not None
    assert error.code == "illegal_move"
    assert "resolve" in error.extra["allowed"]
    assert len((await handle.fetch_history()).events) == before


async def test_many_actions_at_once_happen_one_after_the_other(desk: TicketDesk) -> None:
    command = desk.command()
    await desk.open(command)
    notes = [desk.act(command.ticket_id, Action.NOTE, body=f"note {count}") for count in range(30)]
    versions = [answer.version for answer in await asyncio.gather(*notes)]
    assert sorted(versions) == list(range(2, 32))


async def test_one_request_id_is_one_action(desk: TicketDesk) -> None:
    command = desk.command()
    await desk.open(command)
    body = uuid4()
    same = [
        desk.act(command.ticket_id, Action.NOTE, body="once", request_id="r1", body_id=body) for _ in range(4)
    ]
    assert {answer.version for answer in await asyncio.gather(*same)} == {2}


async def test_an_action_that_changes_nothing_is_answered_and_costs_no_commit(desk: TicketDesk) -> None:
    agent = await desk.person(Role.AGENT)
    command = desk.command()
    await desk.open(command)
    again = {"assignee_id": agent, "assignee_tier": 1}
    for action, fields in ((Action.ASSIGN, again), (Action.SET_PRIORITY, {"priority": Priority.NORMAL})):
        assert (await desk.act(command.ticket_id, action, **fields)).version == 1
    assert (await desk.act(command.ticket_id, Action.START)).version == 2


async def test_an_ended_process_is_not_started_again(desk: TicketDesk) -> None:
    command = desk.command()
    await desk.open(command)
    await desk.handle(command.ticket_id).terminate()
    with pytest.raises(WorkflowAlreadyStartedError):
        await desk.open(command)


async def test_the_process_names_its_timers(desk: TicketDesk) -> None:
    command = desk.command()
    await desk.open(command)
    view: ProcessView = await desk.handle(command.ticket_id).query(TicketWorkflow.describe)
    assert view.timers[0].name == "first_response 75%"
    assert view.timers[0].due_at > datetime.now(UTC)
    assert view.state == "open"
