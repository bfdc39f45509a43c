"""Submitting feedback: one round trip to its process, which answers when the item is committed."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import Field
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from api import temporal
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.desk import Desk
from api.errors import problems
from api.feedback.access import shown
from api.forms import Form
from api.ticket.access import ticket_for
from api.ticket.create import RequesterForm, fingerprint
from domain import ids
from domain.account import Principal
from domain.authorization import check, feedback_visibility
from domain.feedback.fields import Kind, Source
from domain.feedback.messages import FeedbackInput, Submit
from domain.feedback.record import Feedback, Similar
from domain.feedback.triage import guess
from domain.queues import PROCESS
from domain.repetition import key_reused
from domain.text import Body, Line, Locale, Word
from domain.ticket.fields import TAGS_LIMIT
from domain.ticket.messages import Requester
from storage.feedback import read
from storage.feedback.similar import similar
from workflows.feedback import SUBMITTED, FeedbackWorkflow

router = APIRouter(prefix="/feedback", tags=["feedback"])

Importance = Annotated[int, Field(ge=1, le=5)]


class NewFeedback(Form):
    """What is left out is guessed from the words, and confirmed by a human at the triage. `requester` is the caller if
    left out; `ticket` is one that it came out of, and then its source, if it says no other."""

    title: Line
    body: Body
    kind: Kind | None = None
    source: Source | None = None
    category: Word | None = None
    importance: Importance | None = None
    tags: Annotated[list[Word], Field(max_length=TAGS_LIMIT)] = []
    requester: RequesterForm | None = None
    ticket: UUID | None = None


class Submitted(Feedback):
    """The item, and what was said before that may be the same."""

    similar: tuple[Similar, ...]


@router.post("", status_code=201, response_model=Submitted, responses=problems(403, 404, 409, 413))
async def submit_feedback(
    form: NewFeedback, desk: CurrentDesk, caller: Caller, key: IdempotencyKey, response: Response
) -> Submitted:
    """Submits feedback, and proposes what may be the same. The same `Idempotency-Key` gives the same item."""
    check(caller, "feedback.create")
    if form.requester is not None and form.requester.email.lower() != caller.email.lower():
        check(caller, "feedback.create_for")
    if form.ticket is not None:
        async with desk.database.reading() as reader:
            await ticket_for(reader, caller, form.ticket, "ticket.read")
    command = _command(form, caller, key, desk.settings.locale)
    if not await begin(desk, command, keyed=key is not None):
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/v1/feedback/{command.feedback_id}"
    item = await shown(desk.database, caller, command.feedback_id)
    async with desk.database.reading() as reader:
        # By the title alone: a long body holds many words that nobody else used.
        proposed = await similar(reader, feedback_visibility(caller), form.title, without=item.id)
    return Submitted(**dict(item), similar=tuple(proposed))


def _command(form: NewFeedback, caller: Principal, key: str | None, locale: Locale) -> Submit:
    requester = Requester(person_id=caller.person_id)
    if form.requester is not None:
        requester = Requester(email=form.requester.email, name=form.requester.name, locale=locale)
    guessed = guess(form.title, form.body)
    given = {
        name: value
        for name in ("kind", "category", "importance")
        if (value := getattr(form, name)) is not None
    }
    proposed = {name: value for name, value in guessed.items() if value is not None and name not in given}
    scope = f"feedback:{caller.person_id}"
    return Submit(
        feedback_id=uuid4() if key is None else ids.ticket_id(scope, key),
        fingerprint=fingerprint(form.model_dump(mode="json")),
        title=form.title,
        body=form.body,
        requester=requester,
        source=form.source or (Source.API if form.ticket is None else Source.TICKET),
        tags=form.tags,
        guessed=sorted(proposed),
        ticket_id=form.ticket,
        created_by=caller.person_id,
        **{**proposed, **given},
    )


async def begin(desk: Desk, command: Submit, *, keyed: bool) -> bool:
    """Starts the item's process, or finds the one that runs under this key, and waits for the commit.

    False when the item had been committed before. Raises Conflict when the key was used for another body.
    """
    if keyed:
        async with desk.database.reading() as reader:
            known = await read.fingerprint(reader, command.feedback_id)
        if known is not None:
            if known != command.fingerprint:
                raise key_reused()
            return False
    operation = WithStartWorkflowOperation(
        FeedbackWorkflow.run,
        FeedbackInput(feedback_id=command.feedback_id, submit=command),
        id=ids.workflow_id("feedback", command.feedback_id),
        task_queue=PROCESS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )
    await temporal.begin(desk.temporal, operation, SUBMITTED, command.fingerprint)
    return True
