"""The feedback that should have a process, for comparing both (`activities/reconciliation.py`)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from domain.feedback.fields import ENDED
from domain.feedback.process import REOPEN_WINDOW, is_finished
from domain.feedback.state import FeedbackState
from storage.database import Reader
from storage.tables.feedback import FeedbackProcessRow, FeedbackRow


async def with_process(
    reader: Reader, after: UUID | None, size: int, now: datetime
) -> tuple[UUID | None, list[FeedbackState]]:
    """The states of the next items that should have a process, and the last id looked at, None at the end."""
    alive = or_(FeedbackRow.status.not_in(ENDED), FeedbackRow.updated_at > now - 2 * REOPEN_WINDOW)
    statement = (
        select(FeedbackProcessRow.feedback_id, FeedbackProcessRow.state)
        .join(FeedbackRow, FeedbackRow.id == FeedbackProcessRow.feedback_id)
        .where(alive)
        .order_by(FeedbackProcessRow.feedback_id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(FeedbackProcessRow.feedback_id > after)
    rows = (await reader.execute(statement)).all()
    states = [FeedbackState.model_validate(row.state) for row in rows]
    last = rows[-1].feedback_id if len(rows) == size else None
    return last, [state for state in states if not is_finished(state, now)]


async def event_number(reader: Reader, feedback_id: UUID) -> int:
    statement = select(FeedbackProcessRow.version).where(FeedbackProcessRow.feedback_id == feedback_id)
    return await reader.scalar(statement) or 0


async def open_items(reader: Reader, after: UUID | None, size: int) -> list[UUID]:
    """The ids of items that have not ended, in order, a page at a time."""
    statement = select(FeedbackRow.id).where(FeedbackRow.status.not_in(ENDED)).order_by(FeedbackRow.id)
    if after is not None:
        statement = statement.where(FeedbackRow.id > after)
    return list((await reader.scalars(statement.limit(size))).all())
