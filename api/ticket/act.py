"""Actions on a ticket: a route an action, each an update of the ticket's process."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.desk import Desk
from api.forms import Form, action_route, unknown_action
from api.temporal import LIMIT, ProcessEnded, ask_again, process_lost
from api.ticket.access import shown, ticket_for
from api.ticket.create import begin, fingerprint
from api.ticket.forms import FORMS, SUMMARIES, Share, Split
from api.ticket.split import splitting
from api.ticket.steps import introduced, step_of
from domain import ids
from domain.account import Principal
from domain.authorization import check, may
from domain.process import Committed
from domain.ticket.fields import SUBJECT_LIMIT
from domain.ticket.messages import Act, OpenTicket, Requester
from domain.ticket.moves import Action
from domain.ticket.process import is_finished
from domain.ticket.record import Ticket
from storage.ticket import read
from workflows.ticket import ACT

router = APIRouter(prefix="/tickets/{ticket_id}/actions", tags=["tickets"])


def _add_route(action: Action, form_type: type[Form]) -> None:
    async def act(
        ticket_id: UUID,
        desk: CurrentDesk,
        caller: Caller,
        version: IfMatch,
        key: IdempotencyKey,
        form: Any = None,
    ) -> Ticket:
        given = form or form_type()
        if isinstance(given, Share):
            check(caller, f"ticket.act:{action}")
            given = await introduced(desk, given)
        return await carry_out(desk, caller, ticket_id, action, given, version, key)

    action_route(router, action, form_type, act, of="ticket", does=SUMMARIES[action], answer=Ticket)


for _action, _form in FORMS.items():
    _add_route(_action, _form)


@router.post("/{action}", include_in_schema=False)
async def refuse_unknown(ticket_id: UUID, action: str, caller: Caller) -> None:
    raise unknown_action(FORMS)


async def carry_out(
    desk: Desk,
    caller: Principal,
    ticket_id: UUID,
    action: Action,
    form: Form,
    version: int | None,
    key: str | None,
) -> Ticket:
    """Checks the right, asks the process, answers with the ticket as it is then.

    A message that comes to a merged ticket goes to the one that goes on; one that comes too late opens a new
    ticket; a split answers with the ticket that it made.
    """
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, f"ticket.act:{action}")
        works = may(caller, "ticket.internal", read.facts(ticket))
        if action is Action.REPLY and not works:
            action = Action.COMMENT
        request_id = f"{caller.person_id}:{key or uuid4()}"
        body_id = uuid5(ticket_id, request_id)
        step = await step_of(reader, caller, ticket, action, form, body_id, works=works)
        recipient = await read.survivor(reader, ticket_id) if action is Action.COMMENT else ticket_id
        split = await splitting(reader, caller, ticket, form, request_id) if isinstance(form, Split) else None
    if split is not None:
        step = step.model_copy(update={"split": split, "linked_id": split.ticket_id})
    act = Act(
        **dict(step),
        actor_id=caller.person_id,
        request_id=request_id,
        fingerprint=fingerprint([action, form.model_dump(mode="json")]),
        expected_version=version,
    )
    try:
        await send(desk, recipient, act)
    except ProcessEnded:
        if await _has_process(desk, ticket_id):
            raise process_lost() from None
        if action is not Action.COMMENT:
            raise
        return await shown(desk.database, caller, await _follow_up(desk, ticket, act))
    if split is not None:  # it is opened without us, too, but we answer with it
        await begin(desk, split, keyed=True)
    return await shown(desk.database, caller, ticket_id if split is None else split.ticket_id)


async def _has_process(desk: Desk, ticket_id: UUID) -> bool:
    """Whether the ticket should have one by what the database knows."""
    async with desk.database.reading() as reader:
        state = await read.state(reader, ticket_id)
    return state is not None and not is_finished(state, datetime.now(UTC))


async def _follow_up(desk: Desk, ended: Ticket, act: Act) -> UUID:
    """A message to a ticket that can no longer be reopened opens a new one that is linked to it."""
    subject = ended.subject if ended.subject.startswith("Re: ") else f"Re: {ended.subject}"
    command = OpenTicket(
        ticket_id=ids.ticket_id("follow-up", act.request_id),
        fingerprint=act.fingerprint,
        subject=subject[:SUBJECT_LIMIT],
        description=act.body or "",
        requester=Requester(person_id=ended.requester.id),
        priority=ended.priority,
        category=ended.category,
        kind=ended.kind,
        channel=ended.channel,
        created_by=act.actor_id,
        follow_up_of=ended.id,
    )
    await begin(desk, command, keyed=True)
    return command.ticket_id


async def send(desk: Desk, ticket_id: UUID, act: Act) -> Committed:
    """Sends one action to the ticket's process. The update's id is the request's, so a repeat is one action."""
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("ticket", ticket_id))
    update_id = f"{fingerprint(act.request_id)}:{act.fingerprint[:8]}"

    def update() -> Awaitable[Committed]:
        return handle.execute_update(ACT, act, id=update_id, result_type=Committed, rpc_timeout=LIMIT)

    return await ask_again(update)
