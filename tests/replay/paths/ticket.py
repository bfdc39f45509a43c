"""Stories of a ticket, played at its process with the real commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import WorkflowIDReusePolicy

from domain import ids
from domain.account import Absence, Role
from domain.classifier.classification import Classification, Guess
from domain.errors import Unavailable
from domain.process import ProcessView
from domain.sla.clock import Clock
from domain.sla.policy import ClockName, LadderStep, Policy
from domain.ticket import process
from domain.ticket.fields import Kind, Priority, Relation, Status
from domain.ticket.messages import Act, Edit, Past, Reconsider, Requester, TicketInput
from domain.ticket.moves import Action
from domain.ticket.state import TicketState
from storage.account import people
from storage.sla import create_policy
from storage.ticket import past, read
from storage.ticket.commit import commit
from tests.replay.stage import Stage, until
from tests.workflows.desk import Outage, TicketDesk, running
from workflows.ticket import TicketWorkflow

_BELONGINGS = ("comments", "events", "ledger", "watchers", "collaborators", "links")
_LIMIT = 40
_SHORTEST = 10
_TARGETS = {ClockName.FIRST_RESPONSE: timedelta(seconds=2), ClockName.RESOLUTION: timedelta(seconds=4)}
_QUICK = Policy(
    name="Seconds",
    position=1,
    targets={Priority.NORMAL: _TARGETS, Priority.HIGH: _TARGETS},
    ladder=(
        LadderStep(at="50%", do=("notify:assignee",)),
        LadderStep(at="100%", do=("notify:lead", "tier:2", "priority:high")),
    ),
)


async def life(stage: Stage) -> Sequence[str]:
    """Every action once, and the answer to a repeated request."""
    async with _desk(stage) as desk:
        agent = await desk.person(Role.AGENT)
        other, command = desk.command(), desk.command()
        await desk.open(other)
        await desk.open(command)

        async def act(action: Action, **fields: object) -> None:
            await desk.act(command.ticket_id, action, actor_id=agent, **fields)

        await act(Action.ACCEPT, assignee_id=agent, assignee_tier=1)
        await act(Action.START)
        await act(Action.REPLY, body="Have a look at /var", request_id="reply")
        await act(Action.REPLY, body="Have a look at /var", request_id="reply")
        await act(Action.WAIT)
        await act(Action.COMMENT, body="还是满的")
        await act(Action.HOLD)
        await act(Action.RESUME)
        await act(Action.NOTE, body="Ask the storage team")
        await act(Action.ESCALATE, body="They are many")
        await act(Action.ACKNOWLEDGE)
        await act(Action.SET_PRIORITY, priority=Priority.HIGH)
        await act(Action.SET_CATEGORY, category="storage")
        await act(Action.TAG, add=["disk"])
        await act(Action.WATCH, watcher_id=agent)
        await act(Action.UNWATCH, watcher_id=agent)
        await act(Action.LINK, linked_id=other.ticket_id, relation=Relation.RELATED)
        await act(Action.UNLINK, linked_id=other.ticket_id)
        await act(Action.EDIT, edit=Edit(subject="Disk full on node 3"))
        await act(Action.RESOLVE, body="Cleaned")
        await act(Action.REOPEN, body="Full again")
        await act(Action.RESOLVE, body="Cleaned, and a bigger disk")
        await act(Action.CLOSE)
        return [desk.handle(command.ticket_id).id]


async def classified(stage: Stage) -> Sequence[str]:
    """A ticket with what was guessed of it; somebody says otherwise."""
    guessed = Classification(
        version=3,
        category=Guess(value="storage", confidence=0.93, sure=True),
        kind=Guess(value="fault", confidence=0.4, sure=False),
    )
    async with _desk(stage) as desk:
        agent = await desk.person(Role.AGENT)
        command = desk.command(category="storage", classification=guessed)
        await desk.open(command)
        await desk.act(command.ticket_id, Action.SET_CATEGORY, actor_id=agent, category="network")
        await desk.act(command.ticket_id, Action.RESOLVE, actor_id=agent, body="Cable", kind=Kind.FAULT)
        return [desk.handle(command.ticket_id).id]


async def early(stage: Stage) -> Sequence[str]:
    """An action arrives while the ticket is still being committed, and waits."""
    away = Outage(Unavailable("database_away", "Later."))
    away.begin(2)
    async with _desk(stage, outage=away) as desk:
        command = desk.command()
        opening = asyncio.create_task(desk.open(command))
        await away.struck.wait()
        await desk.act(command.ticket_id, Action.NOTE, body="already?")
        await opening
        return [desk.handle(command.ticket_id).id]


async def refusals(stage: Stage) -> Sequence[str]:
    """Another body under the key; two that exclude each other, at once; an action that changes nothing."""
    async with _desk(stage) as desk:
        command = desk.command()
        await desk.open(command)
        await _refused(desk.open(command.model_copy(update={"fingerprint": "two"})))
        await desk.act(command.ticket_id, Action.SET_PRIORITY, priority=Priority.NORMAL)
        holding = [desk.act(command.ticket_id, Action.RESOLVE, body=f"fixed {count}") for count in range(4)]
        await asyncio.gather(*holding, return_exceptions=True)
        return [desk.handle(command.ticket_id).id]


async def reconsiders(stage: Stage) -> Sequence[str]:
    """A ticket that nobody opened by an update waits for an agent, gets one, loses them, gets new promises."""
    async with _desk(stage) as desk:
        command = desk.command()
        start = TicketInput(ticket_id=command.ticket_id, open=command)
        handle = await stage.client.start_workflow(
            TicketWorkflow.run,
            start,
            id=ids.workflow_id("ticket", command.ticket_id),
            task_queue=desk.queue,
        )
        await _at(desk, command.ticket_id, 1)
        agent = await desk.person(Role.AGENT)
        await handle.signal(TicketWorkflow.reconsider, Reconsider(cause="capacity"))
        await _at(desk, command.ticket_id, 2)
        for cause in ("policy", "capacity"):
            await handle.signal(TicketWorkflow.reconsider, Reconsider(cause=cause))
        await desk.person(Role.AGENT)
        await _send_away(desk, agent)
        await handle.signal(TicketWorkflow.reconsider, Reconsider(cause="absence", person_id=agent))
        await _at(desk, command.ticket_id, 3)
        await _new_promises(desk, _QUICK.model_copy(update={"ladder": ()}))
        await handle.signal(TicketWorkflow.reconsider, Reconsider(cause="policy"))
        await _at(desk, command.ticket_id, 4)
        return [handle.id]


async def ladder(stage: Stage) -> Sequence[str]:
    """Steps that warn, break the promise and raise the ticket, each by the timer."""
    async with _desk(stage, _QUICK) as desk:
        await desk.person(Role.AGENT)
        command = desk.command()
        await desk.open(command)
        await _without_timers(desk, command.ticket_id)
        await desk.act(command.ticket_id, Action.REPLY, body="Sorry, that took long")
        return [desk.handle(command.ticket_id).id]


async def ladder_runs(stage: Stage) -> Sequence[str]:
    """The same, where each step is the last of its run."""
    async with _desk(stage, _QUICK) as desk:
        command = desk.command()
        await desk.open(command, history_limit=_SHORTEST)
        await _without_timers(desk, command.ticket_id)
        return [desk.handle(command.ticket_id).id]


async def late(stage: Stage) -> Sequence[str]:
    """While no worker is there, steps become due, a fact arrives, and promises change."""
    async with _desk(stage, _QUICK) as desk:
        command = desk.command()
        await desk.open(command)
    handle = desk.handle(command.ticket_id)
    await _new_promises(desk, _QUICK.model_copy(update={"position": 0, "name": "Others"}))
    await handle.signal(TicketWorkflow.reconsider, Reconsider(cause="policy"))

    async def is_due() -> bool:
        events = (await handle.fetch_history()).events
        return any(event.HasField("timer_fired_event_attributes") for event in events)

    await until(is_due)
    async with running(stage.client, stage.database, queue=desk.queue):
        await _without_timers(desk, command.ticket_id)
    return [handle.id]


async def taken_over(stage: Stage) -> Sequence[str]:
    """A ticket of another desk comes with a clock that ran out on the way; what has fired there is passed over."""
    async with _desk(stage) as desk:
        await _new_promises(desk, _QUICK)
        agent = await desk.person(Role.AGENT)
        since = datetime.now(UTC) - timedelta(hours=1)
        clock = Clock(
            name=ClockName.RESOLUTION,
            cycle=1,
            target=timedelta(seconds=4),
            started_at=since,
            running_since=since,
            fired={"50%": 1},
        )
        before = Past(
            number=7000,
            status=Status.ASSIGNED,
            priority=Priority.HIGH,
            assignee_id=agent,
            assignee_tier=1,
            updated_at=since,
            first_responded_at=since,
            clocks={ClockName.RESOLUTION: clock},
        )
        command = desk.command(requester=Requester(person_id=agent), past=before)
        async with stage.database.writing() as writer:
            nothing: dict[str, list[str]] = {name: [] for name in _BELONGINGS}
            await past.stage(writer, command.ticket_id, command.fingerprint, nothing)
        await desk.open(command)
        await _at(desk, command.ticket_id, 2)
        await desk.act(command.ticket_id, Action.RESOLVE, actor_id=agent, body="Cleaned")
        return [desk.handle(command.ticket_id).id]


async def closes(stage: Stage) -> Sequence[str]:
    """A resolved ticket closes by itself; three days are made short in the state that a run begins with."""
    async with _desk(stage) as desk:
        state = await _resolved(desk)
        soon = datetime.now(UTC) + timedelta(seconds=1)
        workflow_id = await _run_from(desk, state.model_copy(update={"auto_close_at": soon}))
        await _at(desk, state.id, 3)
        return [workflow_id]


async def ends(stage: Stage) -> Sequence[str]:
    """A closed ticket ends when it can no longer be reopened; made short in the same way."""
    async with _desk(stage) as desk:
        state = await _resolved(desk)
        await desk.act(state.id, Action.CLOSE)
        closed = await _state(desk, state.id)
        soon = datetime.now(UTC) + timedelta(seconds=1)
        workflow_id = await _run_from(desk, closed.model_copy(update={"finish_at": soon}))
        await desk.handle(state.id).result()
        return [workflow_id]


async def outage(stage: Stage) -> Sequence[str]:
    """The database is away while a ticket opens, while an action is carried out, and while a step is due."""
    away = Outage(Unavailable("database_away", "Later."))
    away.begin(4)
    async with _desk(stage, _QUICK, away) as desk:
        command = desk.command()
        await desk.open(command)
        away.begin(2)
        await desk.act(command.ticket_id, Action.NOTE, body="still here")
        away.begin(4)
        await _without_timers(desk, command.ticket_id)
        return [desk.handle(command.ticket_id).id]


async def behind(stage: Stage) -> Sequence[str]:
    """The database knows of a commit that the process has forgotten, before an action and before a step."""
    async with _desk(stage, _QUICK) as desk:
        command = desk.command()
        await desk.open(command)
        await _commit_unseen(desk, command.ticket_id, "an action that another worker carried out")
        await desk.act(command.ticket_id, Action.NOTE, body="decided again")
        await _commit_unseen(desk, command.ticket_id, "another one")
        await _without_timers(desk, command.ticket_id)
        return [desk.handle(command.ticket_id).id]


async def runs(stage: Stage) -> Sequence[str]:
    """Many actions and facts at once, over several runs."""
    async with _desk(stage) as desk:
        command = desk.command()
        await desk.open(command, history_limit=_LIMIT)
        handle = desk.handle(command.ticket_id)
        await asyncio.gather(
            *(desk.act(command.ticket_id, Action.NOTE, body=f"note {count}") for count in range(16)),
            *(handle.signal(TicketWorkflow.reconsider, Reconsider(cause="policy")) for _ in range(6)),
        )

        async def continued() -> bool:
            view: ProcessView = await handle.query(TicketWorkflow.describe)
            return view.continued_runs > 0

        await until(continued)
        await desk.act(command.ticket_id, Action.NOTE, body="after it")
        return [handle.id]


@asynccontextmanager
async def _desk(
    stage: Stage, policy: Policy | None = None, outage: Outage | None = None
) -> AsyncIterator[TicketDesk]:
    async with running(stage.client, stage.database, outage=outage) as desk:
        if policy is not None:
            await _new_promises(desk, policy)
        yield desk


async def _refused(call: Awaitable[object]) -> None:
    try:
        await call
    except WorkflowUpdateFailedError:
        return
    raise AssertionError("it was not refused")


async def _state(desk: TicketDesk, ticket_id: UUID) -> TicketState:
    async with desk.database.reading() as reader:
        state = await read.state(reader, ticket_id)
    assert state is not None
    return state


async def _at(desk: TicketDesk, ticket_id: UUID, version: int) -> None:
    """Until the ticket is committed at this version."""

    async def reached() -> bool:
        async with desk.database.reading() as reader:
            state = await read.state(reader, ticket_id)
        return state is not None and state.event_number >= version

    await until(reached)


async def _without_timers(desk: TicketDesk, ticket_id: UUID) -> None:
    """Until no step is due any more."""

    async def done() -> bool:
        return not process.timers(await _state(desk, ticket_id))

    await until(done)


async def _send_away(desk: TicketDesk, person_id: UUID) -> None:
    async with desk.database.writing() as writer:
        await people.set_absence(writer, person_id, Absence(since=datetime.now(UTC)))


async def _new_promises(desk: TicketDesk, policy: Policy) -> None:
    async with desk.database.writing() as writer:
        await create_policy(writer, policy)


async def _resolved(desk: TicketDesk) -> TicketState:
    command = desk.command()
    await desk.open(command)
    await desk.act(command.ticket_id, Action.RESOLVE, body="Cleaned")
    return await _state(desk, command.ticket_id)


async def _run_from(desk: TicketDesk, state: TicketState) -> str:
    """Puts a new run in the place of the present one, as if a run before had handed over this state."""
    handle = desk.handle(state.id)
    await handle.terminate()
    await desk.client.start_workflow(
        TicketWorkflow.run,
        TicketInput(ticket_id=state.id, state=state),
        id=handle.id,
        task_queue=desk.queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    return handle.id


async def _commit_unseen(desk: TicketDesk, ticket_id: UUID, body: str) -> None:
    """What a worker leaves behind that commits and dies before it can say so."""
    note = Act(action=Action.NOTE, actor_id=None, request_id=uuid4().hex, body=body, body_id=uuid4())
    change = process.acted(await _state(desk, ticket_id), note, datetime.now(UTC))
    async with desk.database.writing() as writer:
        await commit(writer, change, mail=False)
