"""From the form of an action to the fields of its message: who is meant, and whether the caller may mean them."""

from typing import Any, Final
from uuid import UUID, uuid5

from api.desk import Desk
from api.forms import Form, as_request
from api.ticket.access import ticket_for
from api.ticket.forms import FORMS, Apply
from domain import macro
from domain.account import Principal, Role
from domain.authorization import check, not_allowed
from domain.errors import Invalid, NotFound
from domain.field import check_complete, check_values
from domain.macro import Macro
from domain.ticket.messages import Edit, Merge, Step
from domain.ticket.moves import Action
from domain.ticket.record import Ticket
from storage import account
from storage import field as fields
from storage import macro as macros
from storage.account import people
from storage.database import Reader
from storage.ticket import read

_PLAIN: Final = {
    Action.REPLY: {"body": "body"},
    Action.COMMENT: {"body": "body"},
    Action.NOTE: {"body": "body"},
    Action.ESCALATE: {"reason": "body"},
    Action.REOPEN: {"reason": "body"},
    Action.RESOLVE: {"resolution": "body", "kind": "kind"},
    Action.SET_PRIORITY: {"priority": "priority"},
    Action.SET_CATEGORY: {"category": "category"},
    Action.TAG: {"add": "add", "remove": "remove"},
}
"""Fields of a form that go into the message as they are, by the name that they have there."""


async def step_of(
    reader: Reader,
    caller: Principal,
    ticket: Ticket,
    action: Action,
    form: Any,
    body_id: UUID,
    *,
    works: bool,
) -> Step:
    """What `form` asks for, as a step. Raises Invalid, NotFound and Forbidden for what it names."""
    if isinstance(form, Apply):
        wanted = await macros.macro(reader, caller, form.macro)
        steps = await _steps(reader, caller, ticket, wanted, body_id)
        return Step(action=action, body_id=body_id, steps=steps)
    if action is Action.RESOLVE:
        check_complete(await fields.fields(reader), ticket.category, ticket.custom_fields)
    taken = await _fields(reader, caller, ticket, action, form, works=works)
    return Step(action=action, body_id=body_id, **taken)


async def _steps(
    reader: Reader, caller: Principal, ticket: Ticket, wanted: Macro, body_id: UUID
) -> list[Step]:
    """The steps of a macro, worded for this ticket; the caller needs the right to each."""
    values = variables(ticket, caller)
    found = []
    for index, one in enumerate(wanted.actions):
        action = Action(one["action"])
        check(caller, f"ticket.act:{action}", read.facts(ticket))
        with as_request("macro", str(index)):  # filled in, a text may be too long
            form = FORMS[action].model_validate(macro.filled(one, values))
        place = uuid5(body_id, str(index))
        found.append(await step_of(reader, caller, ticket, action, form, place, works=True))
    return found


def variables(ticket: Ticket, caller: Principal) -> dict[str, str]:
    """What a macro's `{{...}}` stand for."""
    return {
        "ticket.number": str(ticket.number),
        "ticket.subject": ticket.subject,
        "ticket.category": ticket.category or "",
        "ticket.priority": ticket.priority,
        "requester.name": ticket.requester.name,
        "agent.name": caller.name,
        "team.name": "" if ticket.team is None else ticket.team.name,
    }


async def introduced(desk: Desk, form: Form) -> Form:
    """A form that names somebody by an address that may be new, with that person's id instead."""
    email = getattr(form, "email", None)
    if email is None:
        return form
    async with desk.database.writing() as writer:
        person = await account.ensure_person(writer, email, locale=desk.settings.locale)
    return form.model_copy(update={"person": person, "email": None})


async def _fields(
    reader: Reader, caller: Principal, ticket: Ticket, action: Action, form: Any, *, works: bool
) -> dict[str, Any]:
    """The fields of the message, out of the form of the action."""
    if action in _PLAIN:
        return {name: getattr(form, given) for given, name in _PLAIN[action].items()}
    match action:
        case Action.ASSIGN:
            return await _assignee(reader, form.assignee)
        case Action.ACCEPT:
            return await _assignee(reader, caller.person_id)
        case Action.WATCH | Action.UNWATCH:
            return {"watcher_id": await _watcher(reader, caller, form.person, works=works)}
        case Action.LINK | Action.UNLINK:
            linked = await ticket_for(reader, caller, form.ticket, "ticket.read")
            return {"linked_id": linked.id, "relation": getattr(form, "relation", None)}
        case Action.SHARE | Action.UNSHARE:
            return {"person_id": (await people.person(reader, form.person)).id}
        case Action.MERGE:
            return {"merge": await _merge(reader, caller, ticket, form)}
        case Action.EDIT:
            given = form.model_dump(exclude_unset=True)
            if "custom_fields" in given:
                check_values(await fields.fields(reader), ticket.category, given["custom_fields"])
            return {"kind": given.pop("kind", None), "edit": Edit.model_validate(given)}
        case _:
            return {}


async def _merge(reader: Reader, caller: Principal, ticket: Ticket, form: Any) -> Merge:
    """Two requesters read each other's messages after a merge: either they are of one organization, or whoever
    merges says that it is meant."""
    if form.into == ticket.id:
        raise Invalid("merge_into_itself", "A ticket cannot be merged into itself.", field="into")
    other = await ticket_for(reader, caller, form.into, "ticket.act:merge")
    alike = ticket.requester.id == other.requester.id or (
        ticket.organization is not None and ticket.organization == other.organization
    )
    if not (alike or form.share):
        raise Invalid(
            "requesters_differ",
            "These tickets are of different customers; `share` lets both read the public messages of both.",
            field="share",
        )
    return Merge(into=other.id, share=form.share)


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
        raise not_allowed()
    return (await people.person(reader, person_id)).id
