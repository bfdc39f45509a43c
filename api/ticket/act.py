"""Actions on a ticket: a route an action, each an update of the ticket's process."""

from collections.abc import Awaitable
from typing import Annotated, Any, Final
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.temporal import LIMIT, ProcessEnded, ask
from api.ticket.access import shown, ticket_for
from api.ticket.create import begin, fingerprint
from domain import ids
from domain.account import Principal, Role
from domain.authorization import Owned, check, may
from domain.errors import Invalid, NotFound, Unavailable
from domain.text import Body, Line, Word
from domain.ticket.fields import ACTIVE, SUBJECT_LIMIT, TAGS_LIMIT, Kind, Priority, Relation
from domain.ticket.messages import Act, Committed, Edit, OpenTicket, Requester
from domain.ticket.moves import Action
from domain.ticket.record import Ticket
from storage.account import people
from storage.ticket import read
from workflows.ticket import ACT, TicketWorkflow

router = APIRouter(prefix="/tickets/{ticket_id}/actions", tags=["tickets"])

Tags = Annotated[list[Word], Field(max_length=TAGS_LIMIT)]


class Nothing(Form):
    """An action that needs no words."""


class Assign(Form):
    assignee: UUID


class Words(Form):
    body: Body


class Reason(Form):
    reason: Line | None = None


class Reopen(Form):
    reason: Line


class SetPriority(Form):
    priority: Priority


class SetCategory(Form):
    category: Word | None


class Resolve(Form):
    resolution: Body
    kind: Kind | None = None


class Tag(Form):
    add: Tags = []
    remove: Tags = []


class Watch(Form):
    """`person` is the caller if left out."""

    person: UUID | None = None


class Link(Form):
    ticket: UUID
    relation: Relation = Relation.RELATED


class Unlink(Form):
    ticket: UUID


FORMS: Final[dict[Action, type[Form]]] = {
    Action.ASSIGN: Assign,
    Action.ACCEPT: Nothing,
    Action.START: Nothing,
    Action.REPLY: Words,
    Action.NOTE: Words,
    Action.WAIT: Nothing,
    Action.HOLD: Nothing,
    Action.RESUME: Nothing,
    Action.ESCALATE: Reason,
    Action.ACKNOWLEDGE: Nothing,
    Action.SET_PRIORITY: SetPriority,
    Action.SET_CATEGORY: SetCategory,
    Action.RESOLVE: Resolve,
    Action.REOPEN: Reopen,
    Action.CLOSE: Nothing,
    Action.TAG: Tag,
    Action.WATCH: Watch,
    Action.UNWATCH: Watch,
    Action.LINK: Link,
    Action.UNLINK: Unlink,
}


def _add_route(action: Action, form_type: type[Form]) -> None:
    async def act(
        ticket_id: UUID,
        desk: CurrentDesk,
        caller: Caller,
        version: IfMatch,
        key: IdempotencyKey,
        form: Any = None,
    ) -> Ticket:
        return await carry_out(desk, caller, ticket_id, action, form or form_type(), version, key)

    optional = all(not field.is_required() for field in form_type.model_fields.values())
    act.__annotations__["form"] = (form_type | None) if optional else form_type
    if not optional:
        act.__defaults__ = None
    act.__doc__ = f"The action `{action}`: {_SUMMARIES[action]}"
    router.add_api_route(
        f"/{action}",
        act,
        methods=["POST"],
        name=f"ticket_{action}",
        response_model=Ticket,
        responses=problems(403, 404, 409, 412),
    )


_SUMMARIES: Final = {
    Action.ASSIGN: "give the ticket to an agent.",
    Action.ACCEPT: "take the ticket, or confirm that you have it.",
    Action.START: "begin to work.",
    Action.REPLY: "answer in public; the first answer is the first response.",
    Action.NOTE: "write an internal note.",
    Action.WAIT: "wait for the requester.",
    Action.HOLD: "wait for a third party.",
    Action.RESUME: "go on after waiting.",
    Action.ESCALATE: "raise the ticket to the next tier.",
    Action.ACKNOWLEDGE: "stop the repeats of what has fired.",
    Action.SET_PRIORITY: "change the effective priority, and with it the promises.",
    Action.SET_CATEGORY: "change the category, and with it perhaps team and promises.",
    Action.RESOLVE: "answer with the resolution.",
    Action.REOPEN: "say that it is not solved.",
    Action.CLOSE: "close a resolved ticket.",
    Action.TAG: "add and remove tags.",
    Action.WATCH: "be told of what happens.",
    Action.UNWATCH: "no longer be told.",
    Action.LINK: "link another ticket.",
    Action.UNLINK: "remove a link.",
}

for _action, _form in FORMS.items():
    _add_route(_action, _form)


@router.post("/{action}", include_in_schema=False)
async def unknown_action(ticket_id: UUID, action: str, caller: Caller) -> None:
    names = sorted(FORMS)
    raise Invalid(
        "unknown_action",
        f"There is no such action. Actions: {', '.join(names)}.",
        field="action",
        allowed=names,
    )


async def carry_out(
    desk: Desk,
    caller: Principal,
    ticket_id: UUID,
    action: Action,
    form: Form,
    version: int | None,
    key: str | None,
) -> Ticket:
    """Checks the right, asks the process, answers with the ticket as it is then."""
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, f"ticket.act:{action}")
        works = may(caller, "ticket.internal", read.facts(ticket))
        if action is Action.REPLY and not works:
            action = Action.COMMENT
        fields = await _fields(reader, caller, action, form, works=works)
    request_id = f"{caller.person_id}:{key or uuid4()}"
    act = Act(
        action=action,
        actor_id=caller.person_id,
        request_id=request_id,
        fingerprint=fingerprint([action, form.model_dump(mode="json")]),
        expected_version=version,
        body_id=uuid5(ticket_id, request_id),
        **fields,
    )
    try:
        await send(desk, ticket_id, act)
    except ProcessEnded:
        if ticket.status in ACTIVE:
            raise process_lost() from None
        if action is not Action.COMMENT:
            raise
        return await shown(desk.database, caller, await _follow_up(desk, ticket, act))
    return await shown(desk.database, caller, ticket_id)


def process_lost() -> Unavailable:
    """The database knows an open ticket that Temporal does not: one of them was restored without the other."""
    return Unavailable(
        "process_lost", "The ticket is open, but its process is gone. Tell your operator.", retry_after=60
    )


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
    handle = desk.temporal.get_workflow_handle_for(TicketWorkflow.run, ids.workflow_id("ticket", ticket_id))
    update_id = f"{fingerprint(act.request_id)}:{act.fingerprint[:8]}"
    update: Awaitable[Committed] = handle.execute_update(
        ACT, act, id=update_id, result_type=Committed, rpc_timeout=LIMIT
    )
    return await ask(update)


async def _fields(
    reader: Any, caller: Principal, action: Action, form: Any, *, works: bool
) -> dict[str, Any]:
    """The fields of the message, out of the form of the action."""
    match action:
        case Action.ASSIGN:
            return await _assignee(reader, form.assignee)
        case Action.ACCEPT:
            return await _assignee(reader, caller.person_id)
        case Action.REPLY | Action.COMMENT | Action.NOTE:
            return {"body": form.body}
        case Action.ESCALATE | Action.REOPEN:
            return {"body": form.reason}
        case Action.RESOLVE:
            return {"body": form.resolution, "kind": form.kind}
        case Action.SET_PRIORITY:
            return {"priority": form.priority}
        case Action.SET_CATEGORY:
            return {"category": form.category}
        case Action.TAG:
            return {"add": form.add, "remove": form.remove}
        case Action.WATCH | Action.UNWATCH:
            return {"watcher_id": await _watcher(reader, caller, form.person, works=works)}
        case Action.LINK | Action.UNLINK:
            linked = await ticket_for(reader, caller, form.ticket, "ticket.read")
            return {"linked_id": linked.id, "relation": getattr(form, "relation", None)}
        case Action.EDIT:
            given = form.model_dump(exclude_unset=True)
            return {"kind": given.pop("kind", None), "edit": Edit.model_validate(given)}
        case _:
            return {}


async def _assignee(reader: Any, person_id: UUID) -> dict[str, Any]:
    try:
        person = await people.person(reader, person_id)
    except NotFound:
        raise Invalid("unknown_person", "There is no such person.", field="assignee") from None
    if not person.active or not {Role.AGENT, Role.MANAGER, Role.ADMIN}.intersection(person.roles):
        raise Invalid("not_an_agent", "Only an active agent can be given tickets.", field="assignee")
    return {"assignee_id": person.id, "assignee_tier": person.tier}


async def _watcher(reader: Any, caller: Principal, person_id: UUID | None, *, works: bool) -> UUID:
    """Others may be made to watch by those who work on the ticket; everyone may watch for themselves."""
    if person_id is None or person_id == caller.person_id:
        return caller.person_id
    if not works:
        check(caller, "ticket.create_for", Owned(person_id))
    return (await people.person(reader, person_id)).id
