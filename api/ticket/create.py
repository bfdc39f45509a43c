"""Opening a ticket: one round trip to its process, which answers when the ticket is committed."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field
from structlog.contextvars import bind_contextvars
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import (
    Priority as TaskPriority,
)
from temporalio.common import (
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from api import temporal
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.ticket.access import shown
from domain import ids
from domain.account import Principal
from domain.authorization import check
from domain.errors import Invalid
from domain.field import check_values
from domain.queues import PROCESS
from domain.repetition import key_reused
from domain.text import Body, Email, Fields, Line, Locale, Name, Word
from domain.ticket.fields import TAGS_LIMIT, Channel, Kind, Priority
from domain.ticket.messages import OpenTicket, Requester, TicketInput
from domain.ticket.record import Ticket
from storage import field as fields
from storage.ticket import read
from workflows.ticket import OPENED, TicketWorkflow, starting_attributes

router = APIRouter(prefix="/tickets", tags=["tickets"])

_SKEW = timedelta(minutes=5)


class RequesterForm(Form):
    email: Email
    name: Name | None = None


class NewTicket(Form):
    """`requester` is the caller if left out. `created_at` is for imports: the past of a ticket that has one."""

    subject: Line
    description: Body
    category: Word | None = None
    priority: Priority = Priority.NORMAL
    kind: Kind | None = None
    requester: RequesterForm | None = None
    tags: Annotated[list[Word], Field(max_length=TAGS_LIMIT)] = []
    custom_fields: Fields = {}
    channel: Channel | None = None
    external_id: Name | None = None
    created_at: AwareDatetime | None = None


@router.post("", status_code=201, response_model=Ticket, responses=problems(403, 409, 413))
async def open_ticket(
    form: NewTicket, desk: CurrentDesk, caller: Caller, key: IdempotencyKey, response: Response
) -> Ticket:
    """Opens a ticket. The same `Idempotency-Key`, or the same `external_id`, gives the same ticket.

    `Idempotent-Replayed: true` says that the ticket was there before.
    """
    _check(form, caller)
    if form.custom_fields:
        async with desk.database.reading() as reader:
            check_values(await fields.fields(reader), form.category, form.custom_fields)
    command = await _classified(desk, form, _command(form, caller, key, desk.settings.locale))
    if not await begin(desk, command, keyed=bool(key or form.external_id)):
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/v1/tickets/{command.ticket_id}"
    return await shown(desk.database, caller, command.ticket_id)


async def begin(desk: Desk, command: OpenTicket, *, keyed: bool) -> bool:
    """Starts the ticket's process, or finds the one that runs under this key, and waits for the commit.

    False when the ticket had been committed before.
    """
    if keyed:
        async with desk.database.reading() as reader:
            known = await read.fingerprint(reader, command.ticket_id)
        if known is not None:
            if known != command.fingerprint:
                raise key_reused()
            return False
    bind_contextvars(ticket_id=str(command.ticket_id))
    start = TicketInput(ticket_id=command.ticket_id, open=command)
    operation = WithStartWorkflowOperation(
        TicketWorkflow.run,
        start,
        id=ids.workflow_id("ticket", command.ticket_id),
        task_queue=PROCESS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=TypedSearchAttributes(starting_attributes(start)),
        priority=TaskPriority(priority_key=command.priority.key),
    )
    await temporal.begin(desk.temporal, operation, OPENED, command.fingerprint)
    return True


async def _classified(desk: Desk, form: NewTicket, command: OpenTicket) -> OpenTicket:
    """What the caller left open is guessed; a guess that is sure is filled in, but a priority is only proposed. What
    has a past of its own stays as it was."""
    if command.channel is Channel.IMPORT:
        return command
    given = [name for name in ("category", "kind") if getattr(command, name) is not None]
    if "priority" in form.model_fields_set:
        given.append("priority")
    threshold = desk.settings.classifier_threshold
    found = await desk.guesser.guess(
        desk.database, command.subject, command.description, threshold=threshold, given=given
    )
    if found is None:
        return command
    category, kind = found.taken("category"), found.taken("kind")
    filled = {
        "category": category or command.category,
        "kind": Kind(kind) if kind else command.kind,
        "classification": found,
    }
    return command.model_copy(update=filled)


def _check(form: NewTicket, caller: Principal) -> None:
    check(caller, "ticket.create")
    if form.requester is not None and form.requester.email.lower() != caller.email.lower():
        check(caller, "ticket.create_for")
    if form.created_at is not None or form.channel is Channel.IMPORT:
        check(caller, "ticket.import")
    if form.created_at is not None and form.created_at > datetime.now(UTC) + _SKEW:
        raise Invalid("in_the_future", "A ticket cannot have been created in the future.", field="created_at")
    if form.created_at is not None and form.created_at.year < 1970:
        raise Invalid("too_long_ago", "A ticket was created in 1970 or later.", field="created_at")


def _command(form: NewTicket, caller: Principal, key: str | None, locale: Locale) -> OpenTicket:
    requester = Requester(person_id=caller.person_id)
    if form.requester is not None:
        requester = Requester(email=form.requester.email, name=form.requester.name, locale=locale)
    return OpenTicket(
        ticket_id=_ticket_id(form, caller, key),
        fingerprint=fingerprint(form.model_dump(mode="json")),
        subject=form.subject,
        description=form.description,
        requester=requester,
        priority=form.priority,
        category=form.category,
        kind=form.kind,
        channel=form.channel or (Channel.IMPORT if form.created_at else Channel.API),
        tags=form.tags,
        custom_fields=form.custom_fields,
        external_id=form.external_id,
        created_at=None if form.created_at is None else form.created_at.astimezone(UTC),
        created_by=caller.person_id,
    )


def _ticket_id(form: NewTicket, caller: Principal, key: str | None) -> UUID:
    """An id in another system names the ticket for everybody, an idempotency key for its caller."""
    if form.external_id is not None:
        return ids.ticket_id("external", form.external_id)
    return uuid4() if key is None else ids.ticket_id(str(caller.person_id), key)


def fingerprint(body: Any) -> str:
    """Tells two bodies under one key apart."""
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
