"""Splitting a ticket: some of its comments make a ticket of their own. They are copied, so nothing is torn."""

from uuid import UUID

from api.ticket.create import fingerprint
from api.ticket.forms import Split
from domain import ids
from domain.account import Principal
from domain.errors import Invalid
from domain.ticket.fields import SUBJECT_LIMIT, Visibility
from domain.ticket.messages import OpenTicket, Requester
from domain.ticket.record import Ticket
from storage.database import Reader
from storage.ticket import read


async def splitting(
    reader: Reader, caller: Principal, ticket: Ticket, form: Split, request_id: str
) -> OpenTicket:
    """The ticket to open. Its description is the first of the public comments; raises Invalid
    `unknown_comment` and `nothing_public`."""
    comments = await read.comments_by_id(reader, ticket.id, form.comments)
    missing = set(form.comments) - {comment.id for comment in comments}
    if missing:
        raise Invalid("unknown_comment", f"This ticket has no comment {min(missing)}.", field="comments")
    first = next((one for one in comments if one.visibility is Visibility.PUBLIC), None)
    if first is None:
        raise Invalid(
            "nothing_public",
            "One of the comments must be public: it describes the new ticket.",
            field="comments",
        )
    copies: list[UUID] = [one.id for one in comments if one.id != first.id]
    return OpenTicket(
        ticket_id=ids.ticket_id("split", request_id),
        fingerprint=fingerprint(form.model_dump(mode="json")),
        subject=(form.subject or ticket.subject)[:SUBJECT_LIMIT],
        description=first.body,
        requester=Requester(person_id=ticket.requester.id),
        priority=ticket.priority,
        category=ticket.category,
        kind=ticket.kind,
        channel=ticket.channel,
        tags=list(ticket.tags),
        created_by=caller.person_id,
        split_from=ticket.id,
        copies=copies,
    )
