"""Points for those who asked for what is shipped: a fact for each, once for each item whatever happens to it later.

What a fact is worth is for the rules of points to say (`domain/member/rules.py`), and whether it counts for the
process of the member.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from domain.feedback.messages import Change
from domain.member.fact import NewFact
from domain.notification.kind import Kind
from storage.database import Writer
from storage.feedback import followers
from storage.member import facts
from storage.tables.feedback import FeedbackFollowerRow as Follower

ACTION: Final = "feedback_shipped"


def fact_of(feedback_id: UUID) -> NewFact:
    """Without a time or a person, so that the same fact comes when the item is shipped again."""
    return NewFact(
        fact_id=f"feedback:{feedback_id}:shipped", action=ACTION, subject=f"feedback {feedback_id}"
    )


async def thank(writer: Writer, change: Change) -> None:
    """In the transaction that ships an item. Who ships their own wish gets nothing for it."""
    if all(turn.kind is not Kind.FEEDBACK_SHIPPED for turn in change.turns):
        return
    asked = followers.following(
        change.feedback_id, change.state.event_number, requesters_only=True, without=change.actor_id
    )
    people = await writer.scalars(select(Follower.person_id).where(*asked).order_by(Follower.person_id))
    fact = fact_of(change.feedback_id)
    await facts.observe(writer, [(person, fact) for person in people.all()], change.at)
