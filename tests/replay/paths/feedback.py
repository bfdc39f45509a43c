"""Stories of feedback, played at its process with the real commits, and of telling many."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import WorkflowIDReusePolicy

from benchmarks.crowd import insert_followers
from domain import ids
from domain.feedback import process
from domain.feedback.fields import Assessment, Status, Verdict
from domain.feedback.messages import Act, FeedbackInput, News, TellInput
from domain.feedback.moves import Action
from domain.process import ProcessView
from domain.sla.policy import ClockName, LadderStep, Policy
from domain.ticket.fields import Priority
from storage.feedback import telling
from storage.feedback.commit import commit
from storage.sla import create_policy
from tests.replay.stage import Stage, soon, until
from tests.workflows.desk import Outage
from tests.workflows.voices import Voices, listening
from workflows.feedback import ACT, FeedbackWorkflow, TellingWorkflow

_LIMIT = 40
FOLLOWERS = 2600
_QUICK = Policy(
    name="Seconds",
    about="feedback",
    position=1,
    targets={
        priority: {ClockName.TRIAGE: timedelta(seconds=2), ClockName.SILENCE: timedelta(seconds=3)}
        for priority in Priority
    },
    ladder=(
        LadderStep(at="50%", do=("notify:assignee",)),
        LadderStep(at="100%", do=("notify:lead", "tag:late")),
        LadderStep(clock=ClockName.SILENCE, at="100%", do=("notify:assignee",)),
    ),
)


async def life(stage: Stage) -> Sequence[str]:
    """From the wish to the day it is closed, with a no between, and the answer to a repeated request."""
    async with listening(stage.client, stage.database) as desk:
        asker = await desk.person()
        command = desk.command(requester={"person_id": asker}, created_by=asker)
        item = command.feedback_id
        await desk.submit(command)
        await desk.act(item, Action.TRIAGE, importance=4)
        await desk.act(item, Action.ANSWER, text="Good idea", request_id="answer")
        await desk.act(item, Action.ANSWER, text="Good idea", request_id="answer")
        for one in Assessment:
            await desk.act(item, Action.ASSESS, assessment=one, verdict=Verdict.FOR, text="Fine.")
        await desk.act(item, Action.PLAN)
        await desk.act(item, Action.START)
        await desk.act(item, Action.SHIP)
        await desk.act(item, Action.CONFIRM, actor_id=asker, solved=False, text="Still bright")
        await desk.act(item, Action.SHIP)
        await desk.act(item, Action.CONFIRM, actor_id=asker, solved=True)
        await desk.act(item, Action.CLOSE)
        return [desk.handle(item).id]


async def early(stage: Stage) -> Sequence[str]:
    """An action comes before the item is committed, and waits; another body under its key is refused."""
    async with listening(stage.client, stage.database) as desk:
        command = desk.command()
        note = Act(action=Action.NOTE, actor_id=None, request_id="early", text="already?", text_id=uuid4())
        await desk.submit(command, ACT, note)
        try:
            await desk.submit(command.model_copy(update={"fingerprint": "two"}))
        except WorkflowUpdateFailedError:
            return [desk.handle(command.feedback_id).id]
    raise AssertionError("it was not refused")


async def considers(stage: Stage) -> Sequence[str]:
    """More people want it, promises change, and a release ships what is planned."""
    async with listening(stage.client, stage.database) as desk:
        command = desk.command()
        item, handle = command.feedback_id, desk.handle(command.feedback_id)
        await desk.submit(command)
        await desk.act(item, Action.TRIAGE, importance=5)
        await desk.vote(item, await desk.person())
        await handle.signal("consider", News(cause="reach"))
        for one in Assessment:
            await desk.act(item, Action.ASSESS, assessment=one, verdict=Verdict.FOR, text="Fine.")
        await desk.act(item, Action.PLAN)
        await handle.signal("consider", News(cause="policy"))
        await handle.signal("consider", News(cause="released", release_id=uuid4()))

        async def shipped() -> bool:
            return (await desk.state(item)).shipped_at is not None

        await until(shipped)
        return [handle.id]


async def ladder(stage: Stage) -> Sequence[str]:
    """Steps that warn, break the promise and nudge, each by the timer."""
    async with listening(stage.client, stage.database) as desk:
        async with stage.database.writing() as writer:
            await create_policy(writer, _QUICK)
        command = desk.command()
        await desk.submit(command)
        await _without_timers(desk, command.feedback_id)
        return [desk.handle(command.feedback_id).id]


async def ends(stage: Stage) -> Sequence[str]:
    """What is declined ends when it can no longer be reopened; three months are made short in the state."""
    async with listening(stage.client, stage.database) as desk:
        command = desk.command()
        await desk.submit(command)
        await desk.act(command.feedback_id, Action.DECLINE, text="No.")
        await _begin_anew(desk, command.feedback_id, finish_at=soon(1))
        handle = desk.handle(command.feedback_id)
        await handle.result()
        return [handle.id]


async def checks(stage: Stage) -> Sequence[str]:
    """Whoever asked for it is asked again, by the timer, and says no; two weeks are made short in the state."""
    async with listening(stage.client, stage.database) as desk:
        asker = await desk.person()
        command = desk.command(requester={"person_id": asker}, created_by=asker)
        item = command.feedback_id
        await desk.submit(command)
        await desk.act(item, Action.TRIAGE)
        for one in Assessment:
            await desk.act(item, Action.ASSESS, assessment=one, verdict=Verdict.FOR, text="Fine.")
        await desk.act(item, Action.PLAN)
        await desk.act(item, Action.SHIP)
        await desk.act(item, Action.CONFIRM, actor_id=asker, solved=True)
        await _begin_anew(desk, item, checks=(soon(1),))

        async def asked() -> bool:
            return (await desk.state(item)).asking == "check"

        await until(asked)
        await desk.act(item, Action.CONFIRM, actor_id=asker, solved=False, text="It is gone again.")
        assert (await desk.state(item)).status is Status.IN_PROGRESS
        return [desk.handle(item).id]


async def merges(stage: Stage) -> Sequence[str]:
    """One item goes on with another one, which hears of it twice, and they come apart again."""
    async with listening(stage.client, stage.database) as desk:
        one, other = desk.command().feedback_id, desk.command().feedback_id
        for item in (one, other):
            await desk.submit(desk.command(feedback_id=item))
            await desk.act(item, Action.TRIAGE)
        handle = desk.handle(other)
        merged = await desk.act(one, Action.MERGE, into=other)
        for _ in range(2):
            await handle.signal("consider", News(cause="merged", feedback_id=one, version=merged.version))
        apart = await desk.act(one, Action.UNMERGE)
        await handle.signal("consider", News(cause="unmerged", feedback_id=one, version=apart.version))

        async def are_apart() -> bool:
            return (await desk.state(other)).merges.get(one) == apart.version

        await until(are_apart)
        return [desk.handle(one).id, handle.id]


async def _begin_anew(desk: Voices, feedback_id: UUID, **changes: Any) -> None:
    """Its process goes on from its state, with these changes."""
    state = (await desk.state(feedback_id)).model_copy(update=changes)
    handle = desk.handle(feedback_id)
    await handle.terminate()
    await desk.client.start_workflow(
        FeedbackWorkflow.run,
        FeedbackInput(feedback_id=feedback_id, state=state),
        id=handle.id,
        task_queue=desk.queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def behind(stage: Stage) -> Sequence[str]:
    """The database knows of a commit that the process has forgotten."""
    async with listening(stage.client, stage.database) as desk:
        command = desk.command()
        await desk.submit(command)
        state = await desk.state(command.feedback_id)
        unseen = Act(action=Action.NOTE, actor_id=None, request_id="unseen", text="x", text_id=uuid4())
        async with stage.database.writing() as writer:
            await commit(writer, process.acted(state, unseen, soon(0)), mail=False)
        await desk.act(command.feedback_id, Action.NOTE, text="decided again")
        return [desk.handle(command.feedback_id).id]


async def runs(stage: Stage) -> Sequence[str]:
    """Many actions and facts at once, over several runs."""
    async with listening(stage.client, stage.database) as desk:
        command = desk.command()
        await desk.submit(command, history_limit=_LIMIT)
        handle = desk.handle(command.feedback_id)
        acts = (desk.act(command.feedback_id, Action.NOTE, text=f"note {count}") for count in range(16))
        facts = (handle.signal("consider", News(cause="policy")) for _ in range(6))
        await asyncio.gather(*acts, *facts, return_exceptions=True)

        async def continued() -> bool:
            view: ProcessView = await handle.query(FeedbackWorkflow.describe)
            return view.continued_runs > 0

        await until(continued)
        return [handle.id]


async def pages(stage: Stage) -> Sequence[str]:
    """A turn that is told in several pages."""
    return [await told(stage)]


async def page_runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    return [await told(stage, history_limit=10)]


async def told(stage: Stage, history_limit: int | None = None, outage: Outage | None = None) -> str:
    """The id of the process that told it; its first page was told in the transaction of the turn."""
    async with listening(stage.client, stage.database, outage=outage) as desk:
        command = desk.command()
        await desk.submit(command)
        await desk.act(command.feedback_id, Action.TRIAGE)
        await insert_followers(stage.database, command.feedback_id, FOLLOWERS)
        version = (await desk.act(command.feedback_id, Action.DECLINE, text="No.")).version
        if outage is not None:
            outage.begin(3)
        workflow_id = ids.workflow_id("telling", telling.telling_key(command.feedback_id, version))
        start = TellInput(feedback_id=command.feedback_id, version=version, history_limit=history_limit)
        await stage.client.execute_workflow(TellingWorkflow.run, start, id=workflow_id, task_queue=desk.queue)
        return workflow_id


async def _without_timers(desk: Voices, feedback_id: UUID) -> None:
    """Until no step is due any more."""

    async def done() -> bool:
        return not process.timers(await desk.state(feedback_id))

    await until(done)
