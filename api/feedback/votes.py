"""Votes: one a person, and whoever votes is told of every turn. They are rows, written in one transaction."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.feedback.access import item_for, shown_to
from domain.feedback.record import Feedback
from storage.feedback import followers

router = APIRouter(prefix="/feedback/{feedback_id}/vote", tags=["feedback"])


@router.post("", response_model=Feedback, responses=problems(403, 404, 409))
async def vote(feedback_id: UUID, desk: CurrentDesk, caller: Caller) -> Feedback:
    """The caller wants it, too, and is told of what becomes of it. A second vote is refused; one for a duplicate is
    for the item that goes on, which is the answer."""
    async with desk.database.writing() as writer:
        await item_for(writer, caller, feedback_id, "feedback.vote")
        voted = await followers.vote(writer, feedback_id, caller.person_id, datetime.now(UTC))
        return shown_to(caller, await item_for(writer, caller, voted, "feedback.read"))


@router.delete("", response_model=Feedback, responses=problems(403, 404, 409))
async def withdraw_vote(feedback_id: UUID, desk: CurrentDesk, caller: Caller) -> Feedback:
    """Takes the vote back; the caller is told no more. Without a vote, nothing changes."""
    async with desk.database.writing() as writer:
        await item_for(writer, caller, feedback_id, "feedback.vote")
        left = await followers.withdraw(writer, feedback_id, caller.person_id)
        return shown_to(caller, await item_for(writer, caller, left, "feedback.read"))
