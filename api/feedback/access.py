"""How a route gets at an item: it reads it, asks the policy, and answers 404 for one that the caller may not know."""

from uuid import UUID

from domain.account import Principal
from domain.authorization import check, may, not_found
from domain.feedback.record import Feedback
from domain.ticket.record import PersonRef
from storage.database import Database, Reader, Writer
from storage.feedback import read


async def item_for(reader: Reader | Writer, caller: Principal, feedback_id: UUID, action: str) -> Feedback:
    """The item, if the caller may do `action` to it; raises NotFound or Forbidden."""
    item = await read.get(reader, caller.person_id, feedback_id)
    if item is None:
        raise not_found()
    check(caller, action, read.facts(item))
    return item


async def shown(database: Database, caller: Principal, feedback_id: UUID) -> Feedback:
    """The item as the caller may see it, after a change of theirs."""
    async with database.reading() as reader:
        return shown_to(caller, await item_for(reader, caller, feedback_id, "feedback.read"))


def shown_to(caller: Principal, item: Feedback) -> Feedback:
    """Without what only the staff may see of it."""
    if may(caller, "feedback.internal", read.facts(item)):
        return item
    requester = PersonRef(id=item.requester.id, name=item.requester.name)
    hidden = {"requester": requester, "next_step": None, "next_step_at": None, "breached": False}
    return item.model_copy(update={**hidden, "tags": (), "guessed": ()})
