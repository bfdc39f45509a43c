"""Turns the notices of a change into notifications for the few who work on an item: owner, assessors, managers."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from domain.feedback.messages import Change
from domain.notification.kind import Audience
from domain.notification.notice import NewNotification, Notice, event_key, plan
from storage import notification
from storage.account.people import managers
from storage.database import Writer
from storage.tables.account import PersonRow
from storage.tables.feedback import FeedbackRow

FEATURE: Final = "feedback"


async def notifications(writer: Writer, change: Change) -> list[NewNotification]:
    """The notifications of `change` to those who work."""
    if not change.notices:
        return []
    told = await facts(writer, change.feedback_id, change.actor_id)
    rows: list[NewNotification] = []
    for notice in change.notices:
        key = event_key(change.feedback_id, change.state.event_number, notice, FEATURE)
        people = await notification.recipients(writer, await _people(writer, change, notice))
        rows += plan(notice, key, told, people, change.at)
    return rows


async def facts(writer: Writer, feedback_id: UUID, actor_id: UUID | None) -> dict[str, Any]:
    """What every notice tells: the item, and who did it."""
    statement = select(FeedbackRow.number, FeedbackRow.title, FeedbackRow.priority)
    row = (await writer.execute(statement.where(FeedbackRow.id == feedback_id))).one()
    actor = await writer.scalar(select(PersonRow.name).where(PersonRow.id == actor_id))
    return {
        "feedback_id": str(feedback_id),
        "number": row.number,
        "subject": row.title,
        "priority": row.priority,
        "actor": actor,
    }


async def _people(writer: Writer, change: Change, notice: Notice) -> Sequence[UUID]:
    """An item without an owner is the managers', who also lead."""
    state, found = change.state, list[UUID]()
    for audience in notice.audience:
        if audience is Audience.NAMED:
            found += [UUID(person) for person in notice.params.get("people", ())]
        elif audience is Audience.REQUESTER:
            found += [state.requester_id] if state.requester_id else []
        elif audience is Audience.ASSIGNEE and state.owner_id is not None:
            found.append(state.owner_id)
        else:
            found += await managers(writer)
    return found
