"""Continuing as new under fire: messages flood a process whose runs are kept very short. Nothing is lost,
nothing happens twice, timers stay exact, and no run grows without end."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.failure import as_desk_error
from activities.reconciliation import ReconciliationActivities
from activities.sla import SlaActivities
from domain import ids
from domain.account import Role
from domain.contest.moves import Action as ContestAction
from domain.process import ProcessView
from domain.reconciliation import ReconciliationInput, Totals
from domain.repetition import SEEN_LIMIT
from domain.sla.ledger import LedgerEntry
from domain.sla.policy import ClockName, LadderStep, Policy
from domain.sla.rollout import RolloutInput
from domain.ticket.fields import Priority
from domain.ticket.messages import Reconsider
from domain.ticket.moves import Action
from storage.assignment import active_tickets
from storage.database import Database
from storage.feedback.reconciliation import open_items
from storage.sla import create_policy
from storage.ticket import read
from tests.replay.paths import achievement, bulk
from tests.replay.stage import Stage, histories, until, working
from tests.workflows import contests
from tests.workflows.desk import TicketDesk, running
from workers.registry import COMPARED, WORKFLOWS
from workflows.reconciliation import ReconciliationWorkflow
from workflows.sla import RolloutWorkflow
from workflows.ticket import TicketWorkflow

LIMIT: Final = 60
CLIENTS: Final = 14
NOTES: Final = 120
LATEST: Final = timedelta(seconds=5)
"""What a busy machine may add to a step; on an idle one it is a tenth of a second."""

STEPS: Final = ("25%", "50%", "75%", "100%", "150%")
POLICY: Final = Policy(
    name="Seconds",
    position=1,
    targets={
        Priority.NORMAL: {
            ClockName.FIRST_RESPONSE: timedelta(seconds=2),
            ClockName.RESOLUTION: timedelta(seconds=4),
        }
    },
    ladder=tuple(LadderStep(at=at, do=("notify:manager",)) for at in STEPS),
)

BOUNDED: Final = {
    "Notification": "the attempts of a mail are one activity, however many they are",
    "Absence": "two timers and two activities, and no messages",
    "Training": "two activities",
    "Housekeeping": "one activity for each kind of leftover",
}
"""The processes that need no second run, with the reason. Every other type has a test of its runs here, those of
feedback in `test_feedback.py`."""


@pytest.fixture
async def desk(temporal: Client, database: Database) -> AsyncIterator[TicketDesk]:
    async with running(temporal, database) as desk:
        yield desk


async def flood(desk: TicketDesk, ticket_id: UUID) -> dict[int, int]:
    """Actions of many clients without a pause, many of them sent again, at once or some runs later, with signals
    between them. Gives the version that each note made."""
    numbers, versions = itertools.count(), dict[int, int]()

    async def note(number: int) -> None:
        answer = await desk.act(
            ticket_id,
            Action.NOTE,
            body=f"note {number}",
            request_id=f"r{number}",
            body_id=UUID(int=number, version=4),
        )
        assert versions.setdefault(number, answer.version) == answer.version, "a repeat had another answer"

    async def client() -> None:
        while (number := next(numbers)) < NOTES:
            await note(number)
            if number % 3 == 0:
                await note(number // 2)
            await desk.handle(ticket_id).signal(TicketWorkflow.reconsider, Reconsider(cause="policy"))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return versions


async def test_a_flood_over_many_runs_loses_doubles_and_delays_nothing(desk: TicketDesk) -> None:
    async with desk.database.writing() as writer:
        await create_policy(writer, POLICY)
    command = desk.command()
    await desk.open(command, history_limit=LIMIT)
    steps = await promised(desk, command.ticket_id)
    versions = await flood(desk, command.ticket_id)
    assert len(versions) == len(set(versions.values())) == NOTES
    async with desk.database.reading() as reader:
        comments = await read.comments(reader, command.ticket_id, internal=True, after=None, size=NOTES + 1)
    assert sorted(comment.body for comment in comments) == sorted(f"note {count}" for count in range(NOTES))

    fired = await fired_steps(desk, command.ticket_id, len(steps))
    assert Counter((row.clock, row.step) for row in fired) == Counter(steps.keys())
    assert {(row.clock, row.step): row.due_at for row in fired} == steps
    late = [row.fired_at - row.due_at for row in fired if row.fired_at and row.due_at]
    assert all(timedelta(0) <= one < LATEST for one in late), late

    view: ProcessView = await desk.handle(command.ticket_id).query(TicketWorkflow.describe)
    async with desk.database.reading() as reader:
        state = await read.state(reader, command.ticket_id)
    assert state is not None
    assert view.event_number == state.event_number
    # A run that waited for a moment without handlers would not end while the flood lasts: it had 1600 events.
    # What waits for the lock when the limit is reached still happens: ten updates, the server's own limit, of nine
    # events each, as often as the process itself has to take the lock on its way out.
    runs = await histories(desk.client, desk.handle(command.ticket_id).id)
    assert len(runs) >= 5
    assert max(len(run.events) for run in runs) < LIMIT + 400


async def promised(desk: TicketDesk, ticket_id: UUID) -> dict[tuple[str, str | None], datetime]:
    """When each step is due, by the policy alone."""
    async with desk.database.reading() as reader:
        state = await read.state(reader, ticket_id)
    assert state is not None
    return {
        (clock, step): state.created_at + target * int(step.removesuffix("%")) / 100
        for clock, target in POLICY.targets[Priority.NORMAL].items()
        for step in STEPS
    }


async def fired_steps(desk: TicketDesk, ticket_id: UUID, count: int) -> list[LedgerEntry]:
    """The steps that fired, when there are so many of them."""
    fired = list[LedgerEntry]()

    async def all_fired() -> bool:
        async with desk.database.reading() as reader:
            fired[:] = [row for row in await read.ledger(reader, ticket_id) if row.fired_at is not None]
        return len(fired) >= count

    await until(all_fired)
    return fired


async def test_the_server_suggests_a_new_run_long_before_a_replay_takes_a_second(desk: TicketDesk) -> None:
    """By `temporal-config/embedded.toml`; the server's own default is 4096 events."""
    command = desk.command()
    await desk.open(command)
    for count in range(50):
        await desk.act(
            command.ticket_id, Action.TAG, add=[f"tag{count % 5}"], remove=[f"tag{(count + 2) % 5}"]
        )
    view: ProcessView = await desk.handle(command.ticket_id).query(TicketWorkflow.describe)
    assert view.continued_runs > 0
    assert view.history_length < 300


async def test_a_request_of_an_earlier_run_is_answered_and_not_carried_out(desk: TicketDesk) -> None:
    """The server forgets the ids of updates at the end of a run; the process does not."""
    command = desk.command()
    await desk.open(command, history_limit=300)
    first = {"body": "once", "request_id": "first", "body_id": uuid4()}
    answer = await desk.act(command.ticket_id, Action.NOTE, **first)
    for count in range(SEEN_LIMIT - 1):
        await desk.act(command.ticket_id, Action.TAG, add=[f"tag{count % 5}"])
    view: ProcessView = await desk.handle(command.ticket_id).query(TicketWorkflow.describe)
    assert view.continued_runs > 3
    assert await desk.act(command.ticket_id, Action.NOTE, **first) == answer


async def test_a_request_that_is_older_than_the_memory_is_refused_and_leaves_the_ticket_working(
    desk: TicketDesk,
) -> None:
    """Its words stand in the ticket, so it is known to be a repeat although its answer is forgotten."""
    command = desk.command()
    await desk.open(command, history_limit=300)
    first = {"body": "once", "request_id": "first", "body_id": uuid4()}
    await desk.act(command.ticket_id, Action.NOTE, **first)
    for count in range(SEEN_LIMIT):
        await desk.act(command.ticket_id, Action.TAG, add=[f"tag{count % 5}"])
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await desk.act(command.ticket_id, Action.NOTE, **first)
    error = as_desk_error(refused.value.cause)
    assert error is not None
    assert (error.kind, error.code) == ("conflict", "request_repeated")
    assert (await desk.act(command.ticket_id, Action.NOTE, body="another")).version == SEEN_LIMIT + 3


async def test_a_rollout_over_many_runs_tells_every_ticket(desk: TicketDesk) -> None:
    commands = [desk.command() for _ in range(12)]
    await asyncio.gather(*(desk.open(command) for command in commands))
    async with desk.database.writing() as writer:
        await create_policy(writer, POLICY)
    activities = SlaActivities(desk.database, desk.client, active_tickets, open_items, page=1)
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("rollout", str(uuid4()))
    work = {"workflows": [RolloutWorkflow], "activities": [activities.tell_tickets]}
    async with working(Stage(desk.client, desk.database), queue, **work):
        await desk.client.execute_workflow(
            RolloutWorkflow.run, RolloutInput(history_limit=10), id=workflow_id, task_queue=queue
        )
    assert len(await histories(desk.client, workflow_id)) > 3

    async def all_adopted() -> bool:
        async with desk.database.reading() as reader:
            states = [await read.state(reader, command.ticket_id) for command in commands]
        return all(state and state.policy and state.policy.policy == POLICY for state in states)

    await until(all_adopted)


async def test_a_reconciliation_over_many_runs_looks_at_every_ticket_once(desk: TicketDesk) -> None:
    tickets = [desk.command() for _ in range(12)]
    await asyncio.gather(*(desk.open(command) for command in tickets))
    activities = ReconciliationActivities(desk.database, desk.client, COMPARED, size=1)
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("reconciliation", str(uuid4()))
    work = {"workflows": [ReconciliationWorkflow], "activities": [activities.page, activities.repeat]}
    async with working(Stage(desk.client, desk.database), queue, **work):
        totals = await desk.client.execute_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(full=True, history_limit=10),
            id=workflow_id,
            task_queue=queue,
        )
    assert totals == Totals(checked=len(tickets), asked=len(tickets))
    assert len(await histories(desk.client, workflow_id)) > 3


async def test_a_bulk_action_over_many_runs_is_done_to_every_ticket_once(
    temporal: Client, database: Database
) -> None:
    workflow_id, done = await bulk.carried_out(Stage(temporal, database), history_limit=10)
    assert set(done.values()) == {1}
    assert len(done) == bulk.TICKETS
    assert len(await histories(temporal, workflow_id)) > 1


async def test_a_backfill_over_many_runs_looks_at_every_page_once(
    temporal: Client, database: Database
) -> None:
    workflow_id = await achievement.backfilled(Stage(temporal, database), 12, history_limit=10)
    assert len(await histories(temporal, workflow_id)) > 3


async def test_a_claim_that_is_moved_over_many_runs_looks_each_time(
    temporal: Client, database: Database
) -> None:
    workflow_id = await achievement.claimed(
        Stage(temporal, database), (None,) * 12, wakes=12, history_limit=10
    )
    assert len(await histories(temporal, workflow_id)) > 2


async def test_a_contest_that_is_flooded_over_many_runs_takes_every_entry_once(
    temporal: Client, database: Database
) -> None:
    """Entries of many people without a pause, each of them sent again, while runs are kept short."""
    async with contests.running(temporal, database) as contest_desk:
        now = datetime.now(UTC)
        judges = [await contest_desk.person(Role.AGENT) for _ in range(2)]
        people = [await contest_desk.person() for _ in range(CLIENTS)]
        contest = await contest_desk.create(now, judges, history_limit=LIMIT, per_person=1000)

        async def enter(person: UUID) -> list[int]:
            versions = []
            for number in range(5):
                request = {"request_id": f"{person}:{number}", "record_id": uuid5(person, str(number))}
                given = {"actor_id": person, "arrived_at": now, "text": "Snow", **request}
                first = await contest_desk.act(contest, ContestAction.ENTER, **given)
                assert await contest_desk.act(contest, ContestAction.ENTER, **given) == first
                versions.append(first.version)
            return versions

        made = await asyncio.gather(*(enter(person) for person in people))
        versions = [version for many in made for version in many]
        state = await contest_desk.state(contest)
        assert len(versions) == len(set(versions)) == state.entries == 5 * CLIENTS
        assert (await contest_desk.view(contest)).event_number == state.event_number
        runs = await histories(temporal, contest_desk.handle(contest).id)
        assert len(runs) > 3
        assert max(len(run.events) for run in runs) < LIMIT + 400


def test_every_workflow_type_has_a_reason_or_a_test_for_the_length_of_its_history() -> None:
    types = {one.__temporal_workflow_definition.name for one in WORKFLOWS}  # type: ignore[attr-defined]
    assert types == {
        "Ticket",
        "Rollout",
        "Bulk",
        "Member",
        "Backfill",
        "Claim",
        "Feedback",
        "Telling",
        "Contest",
        "Survey",
        "Reconciliation",
        *BOUNDED,
    }
