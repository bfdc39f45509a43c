"""Actions on feedback: a route an action, each an update of the item's process."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.desk import Desk
from api.feedback.access import item_for, shown
from api.feedback.forms import FORMS, SUMMARIES
from api.forms import Form, action_route, unknown_action
from api.temporal import LIMIT, ProcessEnded, ask_again, process_lost
from api.ticket.access import ticket_for
from api.ticket.create import fingerprint
from domain import ids
from domain.account import Principal, Role
from domain.authorization import STAFF, FeedbackFacts, check, not_found
from domain.errors import Invalid, NotFound
from domain.feedback.fields import Role as Follows
from domain.feedback.messages import Act
from domain.feedback.moves import Action
from domain.feedback.process import is_finished
from domain.feedback.record import Feedback
from domain.process import Committed
from storage.account import people
from storage.database import Reader
from storage.feedback import followers, read
from workflows.feedback import ACT

router = APIRouter(prefix="/feedback/{feedback_id}/actions", tags=["feedback"])

_FARTHEST: Final = timedelta(days=366)


def _add_route(action: Action, form_type: type[Form]) -> None:
    async def act(
        feedback_id: UUID,
        desk: CurrentDesk,
        caller: Caller,
        version: IfMatch,
        key: IdempotencyKey,
        form: Any = None,
    ) -> Feedback:
        return await carry_out(desk, caller, feedback_id, action, form or form_type(), version, key)

    action_route(router, action, form_type, act, of="feedback", does=SUMMARIES[action], answer=Feedback)


for _action, _form in FORMS.items():
    _add_route(_action, _form)


@router.post("/{action}", include_in_schema=False)
async def refuse_unknown(feedback_id: UUID, action: str, caller: Caller) -> None:
    raise unknown_action(FORMS)


async def carry_out(
    desk: Desk,
    caller: Principal,
    feedback_id: UUID,
    action: Action,
    form: Form,
    version: int | None,
    key: str | None,
) -> Feedback:
    """Checks the right, asks the process, answers with the item as it is then."""
    async with desk.database.reading() as reader:
        await _check(reader, caller, feedback_id, action)
        fields = await _fields(reader, caller, form)
    request_id = f"{caller.person_id}:{key or uuid4()}"
    act = Act(
        action=action,
        actor_id=caller.person_id,
        request_id=request_id,
        text_id=uuid5(feedback_id, request_id),
        fingerprint=fingerprint([action, form.model_dump(mode="json")]),
        expected_version=version,
        **fields,
    )
    await send(desk, feedback_id, act)
    return await shown(desk.database, caller, feedback_id)


async def _check(reader: Reader, caller: Principal, feedback_id: UUID, action: Action) -> None:
    """Whoever asked for an item that was merged into this one asked for this one, too."""
    name = f"feedback.act:{action}"
    if action is not Action.CONFIRM:
        await item_for(reader, caller, feedback_id, name)
        return
    item = await read.get(reader, caller.person_id, feedback_id)
    if item is None:
        raise not_found()
    role = await followers.role_of(reader, feedback_id, caller.person_id)
    asked = frozenset({caller.person_id} if role is Follows.REQUESTER else ())
    check(caller, name, FeedbackFacts(item.requester.id, item.public, asked))


async def _fields(reader: Reader, caller: Principal, form: Any) -> dict[str, Any]:
    """The fields of the message, out of the form of the action. Raises Invalid and NotFound for what it names."""
    given = form.model_dump(exclude_unset=True)
    found = {name: value for name, value in given.items() if name in Act.model_fields}
    if "reason" in given:
        found["text"] = given["reason"]
    if "result" in given:
        found["text"] = given["result"]
    if "body" in given and "title" not in type(form).model_fields:
        found = {**found, "text": given["body"], "body": None}
    if given.get("owner") is not None:
        found["owner_id"] = await _colleague(reader, given["owner"])
    if given.get("ticket") is not None:
        found["ticket_id"] = (await ticket_for(reader, caller, given["ticket"], "ticket.read")).id
    if given.get("into") is not None:
        await item_for(reader, caller, given["into"], "feedback.act:merge")
    if given.get("due_at") is not None:
        _check_due(given["due_at"])
    return found


def _check_due(due_at: datetime) -> None:
    now = datetime.now(UTC)
    if due_at <= now:
        raise Invalid("in_the_past", "An assessment is due in the future.", field="due_at")
    if due_at > now + _FARTHEST:
        raise Invalid("too_far_ahead", "An assessment is due within a year.", field="due_at")


async def _colleague(reader: Reader, person_id: UUID) -> UUID:
    """Somebody who can own an item or an assessment."""
    try:
        person = await people.person(reader, person_id)
    except NotFound:
        raise Invalid("unknown_person", "There is no such person.", field="owner") from None
    if not person.active or not {Role(one) for one in STAFF}.intersection(person.roles):
        raise Invalid("not_an_agent", "Only an active member of the staff can own this.", field="owner")
    return person.id


async def send(desk: Desk, feedback_id: UUID, act: Act) -> Committed:
    """Sends one action to the item's process. The update's id is the request's, so a repeat is one action."""
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("feedback", feedback_id))
    update_id = f"{fingerprint(act.request_id)}:{act.fingerprint[:8]}"

    def update() -> Awaitable[Committed]:
        return handle.execute_update(ACT, act, id=update_id, result_type=Committed, rpc_timeout=LIMIT)

    try:
        return await ask_again(update)
    except ProcessEnded:
        async with desk.database.reading() as reader:
            state = await read.state(reader, feedback_id)
        if state is not None and not is_finished(state, datetime.now(UTC)):
            raise process_lost() from None
        raise
