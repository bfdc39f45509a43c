"""Taking over a ticket from another desk, as its export wrote it (`api/ticket/imported.py`).

The ticket keeps its id, and its number where nobody else has it; the same again changes nothing. People are known
by their addresses, teams and organizations by their names. Promises go on where they stood.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from api.dependencies import Caller, CurrentDesk, caller_of
from api.errors import problems
from api.ticket.access import shown
from api.ticket.create import begin, fingerprint
from api.ticket.imported import (
    REMADE,
    ImportedPerson,
    ImportedProcess,
    ImportedRef,
    ImportedTicket,
    check_together,
)
from domain.authorization import STAFF, check
from domain.errors import Conflict, Invalid
from domain.field import check_values
from domain.sla.policy import ClockName
from domain.text import Locale
from domain.ticket.fields import ACTIVE, Relation
from domain.ticket.messages import OpenTicket, Past, Requester
from domain.ticket.record import Ticket
from storage import account
from storage import field as fields
from storage.account import people
from storage.database import Writer
from storage.tables.account import OrganizationRow, TeamRow
from storage.ticket import past

IMPORT_LIMIT: Final = 16 * 2**20
"""Bytes of a ticket with all that belongs to it."""

_RIGHT: Final = "ticket.import"


class _AskedFirst(APIRoute):
    """Who may not import is told so before many megabytes are read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def asked(request: Request) -> Response:
            check(await caller_of(request), _RIGHT)
            return await answer(request)

        return asked


router = APIRouter(prefix="/tickets", tags=["tickets"], route_class=_AskedFirst)


@router.post("/import", status_code=201, response_model=Ticket, responses=problems(403, 409, 413))
async def import_ticket(
    form: ImportedTicket, desk: CurrentDesk, caller: Caller, response: Response
) -> Ticket:
    """Takes over a ticket from another desk, a line of its export. A ticket that is there stays as it is, and
    `Idempotent-Replayed: true` says so."""
    check(caller, _RIGHT)
    check_together(form)
    response.headers["Location"] = f"/api/v1/tickets/{form.id}"
    async with desk.database.writing() as writer:
        known = await past.is_there(writer, form.id)
        if not known:
            command = await _prepared(writer, form, desk.settings.locale)
    if known:
        response.headers["Idempotent-Replayed"] = "true"
    else:
        await begin(desk, command.model_copy(update={"created_by": caller.person_id}), keyed=True)
    return await shown(desk.database, caller, form.id)


async def _prepared(writer: Writer, form: ImportedTicket, locale: Locale) -> OpenTicket:
    """The command that opens the ticket, with ids of this desk; the rest of it is staged."""
    known_fields = await fields.fields(writer)
    elsewhere = {one.key for one in known_fields if not one.is_of(form.category)}
    own = {name: value for name, value in form.custom_fields.items() if name not in elsewhere}
    check_values(known_fields, form.category, own)
    if form.merged_into is not None and not await past.is_there(writer, form.merged_into):
        detail = "The ticket that this one was merged into is not there. Import it first."
        raise Conflict("survivor_missing", detail, field="merged_into")
    known = await _ids(writer, form, locale)
    before = await _past_of(writer, form, known)
    unsaid = {"satisfaction"} if form.satisfaction is None else set()  # as lines of older desks have it
    told = fingerprint(form.model_dump(mode="json", exclude=REMADE | unsaid))
    await past.stage(writer, form.id, told, _belongings(form, known))
    return OpenTicket(
        ticket_id=form.id,
        fingerprint=told,
        subject=form.subject,
        description=form.description,
        requester=Requester(person_id=known[_key(form.requester)]),
        priority=form.requested_priority,
        category=form.category,
        kind=form.kind,
        channel=form.channel,
        tags=form.tags,
        custom_fields=form.custom_fields,
        external_id=form.external_id,
        created_at=form.created_at,
        past=before,
    )


async def _past_of(writer: Writer, form: ImportedTicket, known: Mapping[str, UUID]) -> Past:
    process = form.process or ImportedProcess()
    clocks = {name: one.clock(name) for name, one in process.clocks.items()}
    counted = {name: max(process.cycles.get(name, 0), clock.cycle) for name, clock in clocks.items()}
    assignee_id, tier = await _assignee(writer, form, known)
    return Past(
        number=form.number,
        status=form.status,
        priority=form.priority,
        tier=form.tier,
        organization_id=await _named(writer, OrganizationRow, form.organization, "organization"),
        team_id=await _named(writer, TeamRow, form.team, "team"),
        assignee_id=assignee_id,
        assignee_tier=tier,
        accepted=process.accepted,
        updated_at=form.updated_at,
        first_responded_at=form.first_responded_at,
        resolved_at=form.resolved_at,
        closed_at=form.closed_at,
        reopen_count=form.reopen_count,
        merged_into=form.merged_into,
        merged_from=tuple(link.ticket for link in form.links if link.relation is Relation.MERGED_FROM),
        clocks=clocks,
        cycles=process.cycles | counted,
        ended=None if process.ended is None else process.ended.clock(ClockName.RESOLUTION),
    )


async def _named(
    writer: Writer, table: type[TeamRow | OrganizationRow], ref: ImportedRef | None, field: str
) -> UUID | None:
    if ref is None:
        return None
    found = await past.named(writer, table, ref.name)
    if found is None:
        raise Invalid(f"unknown_{field}", f"There is no {field} called {ref.name}.", field=field)
    return found


async def _assignee(
    writer: Writer, form: ImportedTicket, known: Mapping[str, UUID]
) -> tuple[UUID | None, int | None]:
    """Who has the ticket; while it is worked on, somebody who can work on it. Where it is not known which tier that
    served, it is the one that the ticket was raised to."""
    if form.assignee is None:
        return None, None
    person = await people.person(writer, known[_key(form.assignee)])
    if form.status in ACTIVE and not (person.active and STAFF.intersection(person.roles)):
        detail = f"{form.assignee.email} is no active agent of this desk. Import people first."
        raise Invalid("unknown_assignee", detail, field="assignee")
    served = None if form.process is None else form.process.assignee_tier
    return person.id, served or max(person.tier, form.tier)


async def _ids(writer: Writer, form: ImportedTicket, locale: Locale) -> dict[str, UUID]:
    """The ids of all people of the ticket, by address; who is new is made."""
    known: dict[str, UUID] = {}
    for one in _everybody(form):
        if _key(one) not in known:
            known[_key(one)] = await account.ensure_person(writer, one.email, one.name, locale=locale)
    return known


def _everybody(form: ImportedTicket) -> Iterable[ImportedPerson]:
    yield form.requester
    if form.assignee is not None:
        yield form.assignee
    yield from form.collaborators
    yield from form.watchers
    yield from (comment.author for comment in form.comments if comment.author)
    yield from (event.actor for event in form.events if event.actor)


def _key(one: ImportedPerson) -> str:
    return one.email.lower()


def _belongings(form: ImportedTicket, known: Mapping[str, UUID]) -> dict[str, Any]:
    """As `past.stage` takes it. Events name people by their ids, which are others here."""
    here = {str(one.id): str(known[_key(one)]) for one in _everybody(form) if one.id is not None}
    return {
        "comments": [
            {**one.model_dump(mode="json", exclude={"author"}), "author_id": _id(one.author, known)}
            for one in form.comments
        ],
        "events": [
            {
                **one.model_dump(mode="json", exclude={"actor", "data"}),
                "actor_id": _id(one.actor, known),
                "data": _renamed(one.data, here),
            }
            for one in form.events
        ],
        "ledger": [
            {
                **one.model_dump(mode="json"),
                "target": one.target.total_seconds(),
                "elapsed": one.elapsed.total_seconds(),
            }
            for one in form.ledger
        ],
        "satisfaction": form.satisfaction,
        "watchers": [_id(one, known) for one in form.watchers],
        "collaborators": [_id(one, known) for one in form.collaborators],
        "links": [
            {"ticket": str(one.ticket), "relation": one.relation, "inverse": one.relation.inverse}
            for one in form.links
        ],
    }


def _id(one: ImportedPerson | None, known: Mapping[str, UUID]) -> str | None:
    return None if one is None else str(known[_key(one)])


def _renamed(value: Any, here: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return here.get(value, value)
    if isinstance(value, list):
        return [_renamed(one, here) for one in value]
    if isinstance(value, dict):
        return {name: _renamed(one, here) for name, one in value.items()}
    return value
