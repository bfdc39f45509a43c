"""Finds what a change wants to know before it can be committed, inside the transaction that commits it."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.errors import Invalid
from domain.feedback.fields import priority_of
from domain.feedback.messages import Change, Facts
from domain.feedback.process import already_answered
from domain.feedback.promises import policy_for
from storage import account
from storage.database import Writer
from storage.feedback import followers
from storage.sla import active_policies
from storage.tables.account import PersonRow
from storage.tables.feedback import FeedbackAnswerRow, FeedbackRow


async def gather(writer: Writer, change: Change) -> Facts:
    found: dict[str, Any] = {}
    if "requester" in change.wants:
        found |= await _requester(writer, change)
    if "answers" in change.wants:
        found |= await _answers(writer, change)
    if "policy" in change.wants:
        state = change.state
        reach = 1 if change.submitted else await _reach(writer, change)
        level = priority_of(reach, state.importance)
        policy = policy_for(await active_policies(writer), state.kind, state.category, level)
        found |= {"reach": reach, "policy": policy}
    return Facts(**found)


async def _requester(writer: Writer, change: Change) -> dict[str, Any]:
    """Who says it, and the item's number. Someone who writes for the first time becomes a person here."""
    assert change.submitted is not None
    asker = change.submitted.requester
    person_id = asker.person_id
    if person_id is None and asker.email is not None:
        person_id = await account.ensure_person(writer, asker.email, asker.name, locale=asker.locale)
    known = await writer.scalar(select(PersonRow.id).where(PersonRow.id == person_id))
    if known is None:
        raise Invalid("unknown_requester", "There is no such requester.", field="requester")
    number = await writer.scalar(select(func.nextval(func.pg_get_serial_sequence("feedback", "number"))))
    return {"requester_id": known, "number": number}


async def _reach(writer: Writer, change: Change) -> int:
    """Of an item that comes out of a merge it is counted anew: votes may have been taken back in the meantime."""
    if change.unmerge is not None:
        present = followers.following(change.feedback_id, change.state.event_number, requesters_only=False)
        return await followers.count(writer, present)
    return await writer.scalar(select(FeedbackRow.reach).where(FeedbackRow.id == change.feedback_id)) or 0


async def _answers(writer: Writer, change: Change) -> dict[str, Any]:
    """Writes the answer, and counts those of its round. Raises Conflict for a second answer of one person."""
    answer = change.answer
    assert answer is not None
    values = {"feedback_id": change.feedback_id, "at": change.at, **answer.model_dump()}
    statement = upsert(FeedbackAnswerRow).values(values).on_conflict_do_nothing()
    if await writer.scalar(statement.returning(FeedbackAnswerRow.round)) is None:
        raise already_answered()
    counted = (
        await writer.execute(
            select(FeedbackAnswerRow.solved, func.count())
            .where(
                FeedbackAnswerRow.feedback_id == change.feedback_id, FeedbackAnswerRow.round == answer.round
            )
            .group_by(FeedbackAnswerRow.solved)
        )
    ).all()
    counts = {row[0]: row[1] for row in counted}
    asked = followers.following(change.feedback_id, change.state.event_number, requesters_only=True)
    return {
        "asked": await followers.count(writer, asked),
        "yes": counts.get(True, 0),
        "no": counts.get(False, 0),
    }
