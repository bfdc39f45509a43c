"""A training as it runs: on real rows, by the trainer itself, over the death of a worker."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from temporalio.client import Client, WorkflowHandle

from activities.classifier import ClassifierActivities
from domain import ids
from domain.account import Role
from domain.classifier.evaluation import Outcome, Report, is_held_out
from domain.classifier.training import Done, NewVersion, Result, Task, TrainingInput
from domain.errors import Invalid
from storage import classifier
from storage.account import people
from storage.database import Database
from storage.tables.classifier import ClassifierVersionRow
from storage.tables.ticket import TicketRow
from tests.labelled import LabelledDesk, examples, misled
from tests.replay.paths.classifier import activities_of, train
from tests.replay.stage import Stage, working
from workflows.classifier import TrainingWorkflow

LEARNED_FROM: Final = [one.ticket_id for one in examples(200) if not is_held_out(one.ticket_id)]


@pytest.fixture
def stage(temporal: Client, database: Database) -> Stage:
    return Stage(temporal, database)


async def used(stage: Stage) -> int:
    async with stage.database.reading() as reader:
        return (await classifier.in_force(reader)).version


async def versions(stage: Stage) -> int:
    async with stage.database.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ClassifierVersionRow)) or 0


async def test_an_empty_desk_goes_on_with_the_rule_base(stage: Stage) -> None:
    assert (await train(stage))[1] == Result(outcome=Outcome.TOO_FEW_LABELS)
    assert await used(stage) == 0


async def test_a_version_that_is_worse_is_not_taken(stage: Stage) -> None:
    """What is said since of all that was not held out is nonsense."""
    desk = LabelledDesk(stage.database)
    await desk.fill(200)
    assert (await train(stage))[1] == Result(outcome=Outcome.TAKEN, trained=1, version=1)
    async with stage.database.writing() as writer:
        nonsense = update(TicketRow).where(TicketRow.id.in_(LEARNED_FROM[:100]))
        await writer.execute(nonsense.values(category="travel", kind="fault"))
    assert (await train(stage))[1] == Result(outcome=Outcome.NOT_BETTER, trained=2)
    assert await used(stage) == 1


async def test_a_version_that_became_worse_than_the_one_before_is_rolled_back(stage: Stage) -> None:
    """The second version learned from other words; then the held-out tickets are as the first one knew them."""
    desk = LabelledDesk(stage.database)
    await desk.fill(200)
    await train(stage)
    async with stage.database.writing() as writer:
        await writer.execute(update(TicketRow).values(category="travel", kind="fault"))
    await desk.resolve(
        [misled(misled(one, "category", "car"), "kind", "presales") for one in examples(60, seed=2)]
    )
    assert (await train(stage))[1] == Result(outcome=Outcome.TAKEN, trained=2, version=2)
    for one in examples(200):
        truth = {field: label.value for field, label in one.labels.items()}
        async with stage.database.writing() as writer:
            await writer.execute(update(TicketRow).where(TicketRow.id == one.ticket_id).values(truth))
    async with stage.database.writing() as writer:
        await writer.execute(
            update(TicketRow).where(TicketRow.id.in_(LEARNED_FROM)).values(category="payroll", kind="usage")
        )
    assert (await train(stage))[1] == Result(outcome=Outcome.ROLLED_BACK, trained=3, version=1)


async def test_a_choice_by_hand_holds_until_a_training_is_asked_for(stage: Stage) -> None:
    await LabelledDesk(stage.database).fill(200)
    await train(stage)
    async with stage.database.writing() as writer:
        values = {"email": "ada@desk.example", "name": "Ada", "roles": [Role.MANAGER]}
        ada = (await people.create_person(writer, values)).id
        await classifier.choose(writer, 0, ada)
    await LabelledDesk(stage.database).fill(20, seed=3)
    assert (await train(stage))[1].outcome is Outcome.HELD
    assert await used(stage) == 0
    assert (await train(stage, asked=True))[1].outcome is Outcome.TAKEN
    assert await used(stage) == 3


async def test_a_broken_model_is_trained_anew_although_nothing_is_new(stage: Stage) -> None:
    await LabelledDesk(stage.database).fill(200)
    await train(stage)
    assert (await train(stage))[1].outcome is Outcome.NOTHING_NEW
    async with stage.database.writing() as writer:
        await writer.execute(update(ClassifierVersionRow).values(content=b"broken"))
    assert (await train(stage))[1].version == 2


async def test_a_training_that_cannot_be_done_says_so_and_changes_nothing(stage: Stage) -> None:
    await LabelledDesk(stage.database).fill(50)

    async def broken(task: Task) -> Done:
        raise Invalid("broken_task", "Nothing can be learned from this.")

    activities = ClassifierActivities(stage.database, classifier, broken, 0.7)
    assert (await train(stage, activities=activities))[1] == Result(outcome=Outcome.FAILED)
    assert await used(stage) == 0
    async with stage.database.reading() as reader:
        last = await classifier.last_training(reader)
    assert last is not None
    assert last.outcome is Outcome.FAILED


async def test_a_training_goes_on_after_its_worker_died_and_makes_one_version(stage: Stage) -> None:
    await LabelledDesk(stage.database).fill(200)
    begun = asyncio.Event()

    async def endless(task: Task) -> Done:
        begun.set()
        return await asyncio.Future()

    handle, queue = await started(
        stage, ClassifierActivities(stage.database, classifier, endless, 0.7), begun
    )
    assert await concluded(stage, handle, queue, activities_of(stage.database)) == Result(
        outcome=Outcome.TAKEN, trained=1, version=1
    )
    assert await versions(stage) == 1


async def test_a_version_of_which_nobody_heard_is_not_made_again(stage: Stage) -> None:
    """The worker died between writing the version and telling of it."""
    begun = asyncio.Event()

    async def endless(task: Task) -> Done:
        begun.set()
        return await asyncio.Future()

    async def never(task: Task) -> Done:
        raise AssertionError("it was trained already")

    handle, queue = await started(
        stage, ClassifierActivities(stage.database, classifier, endless, 0.7), begun
    )
    run = f"{handle.id} {handle.first_execution_run_id}"
    report = Report(in_use=0, held_out=10, in_use_right=5, candidate_right=9)
    new = NewVersion(
        run=run, labels="", tickets=50, after_choice=0, report=report, practice={}, content=b"model"
    )
    async with stage.database.writing() as writer:
        await classifier.add(writer, new)
    again = ClassifierActivities(stage.database, classifier, never, 0.7)
    assert (await concluded(stage, handle, queue, again)).version == 1


async def started(
    stage: Stage, activities: ClassifierActivities, begun: asyncio.Event
) -> tuple[WorkflowHandle[Any, Result], str]:
    """A training whose worker leaves it in the middle."""
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("classifier", str(uuid4()))
    work = [activities.train, activities.conclude]
    async with working(stage, queue, workflows=[TrainingWorkflow], activities=work):
        handle = await stage.client.start_workflow(
            TrainingWorkflow.run, TrainingInput(), id=workflow_id, task_queue=queue
        )
        await begun.wait()
    return handle, queue


async def concluded(
    stage: Stage, handle: WorkflowHandle[Any, Result], queue: str, activities: ClassifierActivities
) -> Result:
    """How it ends with another worker."""
    work = [activities.train, activities.conclude]
    async with working(stage, queue, workflows=[TrainingWorkflow], activities=work):
        return await handle.result()
