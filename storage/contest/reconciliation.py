"""The contests that should have a process, for comparing both (`activities/reconciliation.py`)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from domain.contest.state import ContestState
from storage.database import Reader
from storage.tables.contest import ContestProcessRow as Process


async def with_process(
    reader: Reader, after: UUID | None, size: int, now: datetime
) -> tuple[UUID | None, list[ContestState]]:
    """The states of the next contests that should have a process, and the last id looked at, None at the end."""
    statement = select(Process.state).where(~Process.finished).order_by(Process.contest_id).limit(size)
    if after is not None:
        statement = statement.where(Process.contest_id > after)
    states = [ContestState.model_validate(one) for one in await reader.scalars(statement)]
    return states[-1].id if len(states) == size else None, states


async def event_number(reader: Reader, contest_id: UUID) -> int:
    statement = select(Process.version).where(Process.contest_id == contest_id)
    return await reader.scalar(statement) or 0
