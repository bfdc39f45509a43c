"""Stories of training: over labelled tickets, by the trainer itself."""

from collections.abc import Sequence
from uuid import uuid4

from activities.classifier import ClassifierActivities
from domain import ids
from domain.classifier.evaluation import Outcome
from domain.classifier.training import Done, Result, Task, TrainingInput
from domain.errors import Invalid
from storage import classifier
from storage.database import Database
from tests.labelled import LabelledDesk, learned
from tests.replay.stage import Stage, working
from workflows.classifier import TrainingWorkflow


def activities_of(database: Database) -> ClassifierActivities:
    return ClassifierActivities(database, classifier, learned, threshold=0.7)


async def train(
    stage: Stage, *, asked: bool = False, activities: ClassifierActivities | None = None
) -> tuple[str, Result]:
    """One training, and what became of it."""
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("classifier", str(uuid4()))
    one = activities or activities_of(stage.database)
    start = TrainingInput(asked_by=uuid4() if asked else None)
    async with working(stage, queue, workflows=[TrainingWorkflow], activities=[one.train, one.conclude]):
        result = await stage.client.execute_workflow(
            TrainingWorkflow.run, start, id=workflow_id, task_queue=queue
        )
    return workflow_id, result


async def taken(stage: Stage) -> Sequence[str]:
    """A first version, which is better than the rule base."""
    await LabelledDesk(stage.database).fill(200)
    workflow_id, result = await train(stage)
    assert result.outcome is Outcome.TAKEN
    return [workflow_id]


async def failed(stage: Stage) -> Sequence[str]:
    """A trainer that cannot do it, however often."""

    async def broken(task: Task) -> Done:
        raise Invalid("broken_task", "Nothing can be learned from this.")

    activities = ClassifierActivities(stage.database, classifier, broken, threshold=0.7)
    workflow_id, result = await train(stage, activities=activities)
    assert result.outcome is Outcome.FAILED
    return [workflow_id]


async def nothing_new(stage: Stage) -> Sequence[str]:
    """The night after: nobody has said anything since."""
    await LabelledDesk(stage.database).fill(200)
    await train(stage)
    workflow_id, result = await train(stage)
    assert result.outcome is Outcome.NOTHING_NEW
    return [workflow_id]
