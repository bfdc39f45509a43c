"""The classifier over HTTP: what guesses at the moment and how well, guesses without a ticket, training, choosing."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from temporalio.common import WorkflowIDConflictPolicy

from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.page import Page, PageQuery, page_of
from api.temporal import LIMIT, ask
from domain import ids
from domain.account import Ref
from domain.authorization import check
from domain.classifier.classification import RULES, Classification, FieldName
from domain.classifier.decision import classify
from domain.classifier.evaluation import Practice, Quality
from domain.classifier.training import TrainingInput, TrainingRecord, VersionRecord
from domain.queues import PROCESS
from domain.text import Body, Line
from storage import classifier
from workflows.classifier import TrainingWorkflow

router = APIRouter(prefix="/classifier", tags=["classifier"])


class ClassifierView(BaseModel):
    """What guesses at the moment. `version` 0 is the rule base, of which no accuracy is known.

    `counts` says how many tickets of each label the version learned from, `accuracy` the share of held-out tickets that
    it has right, `fields` all that was measured, and `practice` how many of the guesses taken somebody changed later.
    """

    version: int
    source: Literal["rules", "model"]
    threshold: float
    since: AwareDatetime | None
    cause: str | None
    chosen_by: Ref | None
    trained_at: AwareDatetime | None
    tickets: int
    counts: dict[FieldName, dict[str, int]]
    accuracy: dict[FieldName, float | None]
    fields: tuple[Quality, ...]
    practice: dict[FieldName, Practice]
    last_training: TrainingRecord | None


class TextForm(Form):
    subject: Line
    description: Body


class RollbackForm(Form):
    """Without a version, the one in use before this; 0 is the rule base."""

    version: Annotated[int, Field(ge=RULES, lt=2**31)] | None = None


class TrainingStarted(BaseModel):
    """The process that trains; GET /classifier says what became of it."""

    workflow_id: str


@router.get("", responses=problems(403))
async def read_classifier(caller: Caller, desk: CurrentDesk) -> ClassifierView:
    """What guesses category, kind and priority of new tickets, and how well."""
    check(caller, "classifier.read")
    return await _view(desk)


@router.get("/versions", responses=problems(403))
async def list_versions(
    query: Annotated[PageQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[VersionRecord]:
    """All versions that were trained, the newest first."""
    check(caller, "classifier.read")
    after = query.start("version", int)
    async with desk.database.reading() as reader:
        found = await classifier.versions(reader, after=after, size=query.size)
    return page_of(request, query, found, "version", lambda one: (one.version,))


@router.post("/preview", responses=problems(403))
async def preview_classification(form: TextForm, caller: Caller, desk: CurrentDesk) -> Classification:
    """What would be guessed of a text, without storing anything."""
    check(caller, "classifier.read")
    known = await desk.guesser.look(desk.database)
    threshold = desk.settings.classifier_threshold
    return classify(known, form.subject, form.description, threshold=threshold)


@router.post("/train", status_code=202, responses=problems(403))
async def start_training(caller: Caller, desk: CurrentDesk) -> TrainingStarted:
    """Trains a version of all labels now, and uses it if it is not worse; a choice by hand no longer holds then.
    While a training goes on that was asked for, this is that one."""
    check(caller, "classifier.write")
    started = desk.temporal.start_workflow(
        TrainingWorkflow.run,
        TrainingInput(asked_by=caller.person_id),
        id=ids.TRAINING_BY_HAND,
        task_queue=PROCESS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        rpc_timeout=LIMIT,
    )
    await ask(started)
    return TrainingStarted(workflow_id=ids.TRAINING_BY_HAND)


@router.post("/rollback", responses=problems(403, 409))
async def roll_back(form: RollbackForm, caller: Caller, desk: CurrentDesk) -> ClassifierView:
    """Uses another version from now on. It stays in use until somebody has a new one trained, or chooses again."""
    check(caller, "classifier.write")
    async with desk.database.writing() as writer:
        await classifier.choose(writer, form.version, caller.person_id)
    await desk.guesser.look(desk.database)
    return await _view(desk)


async def _view(desk: Desk) -> ClassifierView:
    async with desk.database.reading() as reader:
        choice = await classifier.last_choice(reader)
        training = await classifier.last_training(reader)
        number = RULES if choice is None else choice.version
        used = None if number == RULES else await classifier.version(reader, number)
    fields = () if used is None else used.fields
    return ClassifierView(
        version=number,
        source="rules" if number == RULES else "model",
        threshold=desk.settings.classifier_threshold,
        since=None if choice is None else choice.at,
        cause=None if choice is None else choice.cause,
        chosen_by=None if choice is None else choice.chosen_by,
        trained_at=None if used is None else used.trained_at,
        tickets=0 if used is None else used.tickets,
        counts={one.field: one.labels for one in fields},
        accuracy={one.field: one.accuracy for one in fields},
        fields=fields,
        practice={} if used is None else used.practice,
        last_training=training,
    )
