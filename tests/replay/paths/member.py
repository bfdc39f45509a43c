"""Stories of a member: it is woken, takes more than one commit, has something to wait for, and ends when nothing
happens. The process knows only what a commit answers, so the answers are the story."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from temporalio.client import WorkflowHandle

from activities.member import MemberActivities
from domain import ids
from domain.member.record import Advance, Advanced, MemberInput, MemberState
from storage.database import Writer
from tests.replay.stage import Stage, until, working
from workflows.member import MemberWorkflow
from workflows.process import DESCRIBE, WAKE

LINGER = timedelta(seconds=2)


class Answers:
    """What each commit answers: in how many seconds something is due, and whether there is more."""

    def __init__(self, *answers: tuple[float | None, bool]) -> None:
        self._answers: Iterator[tuple[float | None, bool]] = iter(answers)
        self.given = 0

    async def advance(self, writer: Writer, wanted: Advance) -> Advanced:
        seconds, more = next(self._answers, (None, False))
        self.given += 1
        next_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        state = MemberState(member_id=wanted.member_id, event_number=self.given, next_at=next_at)
        return Advanced(state=state, more=more)


async def life(stage: Stage) -> Sequence[str]:
    """Two pages, a call, and the end."""
    answers = Answers((None, False), (None, True))
    return await _played(stage, answers, calls=1)


async def deadlines(stage: Stage) -> Sequence[str]:
    """A deadline that moves, and one that comes."""
    answers = Answers((None, False), (60, False), (1, False))
    return await _played(stage, answers, calls=2)


async def runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    answers = Answers()
    return await _played(stage, answers, calls=6, history_limit=10)


async def _played(
    stage: Stage, answers: Answers, *, calls: int, history_limit: int | None = None
) -> Sequence[str]:
    queue, member_id = f"test-{uuid4()}", uuid4()
    activities = MemberActivities(stage.database, answers.advance)
    async with working(stage, queue, workflows=[MemberWorkflow], activities=[activities.advance]):
        handle = await stage.client.start_workflow(
            MemberWorkflow.run,
            MemberInput(member_id=member_id, linger=LINGER, history_limit=history_limit),
            id=ids.workflow_id("member", member_id),
            task_queue=queue,
        )
        await _until_given(answers, 1)
        for _ in range(calls):
            before = answers.given
            await _call(stage, member_id)
            await _until_given(answers, before + 1)
        await stage.client.get_workflow_handle(handle.id).result()
    return [handle.id]


async def _call(stage: Stage, member_id: UUID) -> None:
    handle: WorkflowHandle[MemberWorkflow, None] = stage.client.get_workflow_handle(
        ids.workflow_id("member", member_id)
    )
    await handle.query(DESCRIBE)
    await handle.signal(WAKE)


async def _until_given(answers: Answers, count: int) -> None:
    async def enough() -> bool:
        return answers.given >= count

    await until(enough)
