"""Stories of a survey: it is woken, takes more than one commit, has something to wait for, and ends when nothing
happens. The process knows only what a commit answers, so the answers are the story."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from temporalio.client import WorkflowHandle

from activities.survey import SurveyActivities
from domain import ids
from domain.survey.messages import Advance, Advanced, SurveyInput, SurveyState
from storage.database import Writer
from tests.replay.stage import Stage, until, working
from workflows.process import DESCRIBE, WAKE
from workflows.survey import SurveyWorkflow

LINGER = timedelta(seconds=2)
TOGETHER = timedelta(milliseconds=100)


class Answers:
    """What each commit answers: in how many seconds something is due, and whether there is more."""

    def __init__(self, *answers: tuple[float | None, bool]) -> None:
        self._answers: Iterator[tuple[float | None, bool]] = iter(answers)
        self.given = 0

    async def advance(self, writer: Writer, wanted: Advance) -> Advanced:
        seconds, more = next(self._answers, (None, False))
        self.given += 1
        next_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        state = SurveyState(survey_id=wanted.survey_id, event_number=self.given, next_at=next_at)
        return Advanced(state=state, more=more)


async def life(stage: Stage) -> Sequence[str]:
    """Two pages, a call, and the end."""
    return await _played(stage, Answers((None, False), (None, True)), calls=1)


async def deadlines(stage: Stage) -> Sequence[str]:
    """A deadline that moves, one that comes, and one that is past already."""
    return await _played(stage, Answers((None, False), (60, False), (1, False), (-1, False)), calls=2)


async def runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    return await _played(stage, Answers(), calls=6, history_limit=10)


async def _played(
    stage: Stage, answers: Answers, *, calls: int, history_limit: int | None = None
) -> Sequence[str]:
    queue, survey_id = f"test-{uuid4()}", uuid4()
    activities = SurveyActivities(stage.database, answers.advance)
    start = SurveyInput(survey_id=survey_id, linger=LINGER, together=TOGETHER, history_limit=history_limit)
    async with working(stage, queue, workflows=[SurveyWorkflow], activities=[activities.advance]):
        handle = await stage.client.start_workflow(
            SurveyWorkflow.run, start, id=ids.workflow_id("survey", survey_id), task_queue=queue
        )
        await _until_given(answers, 1)
        for _ in range(calls):
            before = answers.given
            await _call(stage, survey_id)
            await _until_given(answers, before + 1)
        await stage.client.get_workflow_handle(handle.id).result()
    return [handle.id]


async def _call(stage: Stage, survey_id: UUID) -> None:
    handle: WorkflowHandle[SurveyWorkflow, None] = stage.client.get_workflow_handle(
        ids.workflow_id("survey", survey_id)
    )
    await handle.query(DESCRIBE)
    await handle.signal(WAKE)


async def _until_given(answers: Answers, count: int) -> None:
    async def enough() -> bool:
        return answers.given >= count

    await until(enough)
