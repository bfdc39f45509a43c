"""Surveys as they are defined: read, changed, paused, and gone on with."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent, as_request
from api.page import Page, whole
from domain.authorization import check
from domain.duration import Duration, PositiveDuration
from domain.errors import Invalid
from domain.survey.definition import Audience, State, Survey
from domain.survey.questions import Questions
from domain.survey.schedule import Schedule
from domain.text import Name
from storage.survey import definition

router = APIRouter(prefix="/surveys")


class SurveyChanges(Form):
    """Only what is sent changes. It holds for whoever is asked from then on; what was planned for others may be left
    out, never brought forward. `remind_after`, `rest` and `low_score` may be null: no reminder, no rest, no tasks."""

    name: Name = Field(default_factory=absent)
    state: State = Field(default_factory=absent)
    questions: Questions = Field(default_factory=absent)
    delay: Duration = Field(default_factory=absent)
    remind_after: PositiveDuration | None = Field(default_factory=absent)
    close_after: PositiveDuration = Field(default_factory=absent)
    rest: PositiveDuration | None = Field(default_factory=absent)
    low_score: Annotated[int, Field(ge=0, le=10)] | None = Field(default_factory=absent)
    task_within: PositiveDuration = Field(default_factory=absent)
    audience: Audience = Field(default_factory=absent)
    schedule: Schedule = Field(default_factory=absent)
    sample: Annotated[float, Field(gt=0, le=1)] = Field(default_factory=absent)
    quota: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(default_factory=absent)
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(default_factory=absent)


@router.get("", responses=problems(403))
async def list_surveys(caller: Caller, desk: CurrentDesk) -> Page[Survey]:
    check(caller, "survey.read")
    async with desk.database.reading() as reader:
        return whole(await definition.surveys(reader))


@router.get("/{survey_id}", responses=problems(403, 404))
async def read_survey(survey_id: UUID, caller: Caller, desk: CurrentDesk) -> Survey:
    """What it asks, when, and when it does something next by itself."""
    check(caller, "survey.read")
    async with desk.database.reading() as reader:
        return await definition.survey(reader, survey_id)


@router.patch("/{survey_id}", responses=problems(403, 404, 409, 412))
async def change_survey(
    survey_id: UUID, form: SurveyChanges, caller: Caller, desk: CurrentDesk, version: IfMatch
) -> Survey:
    """Changes a survey, or its `state`: starts a campaign, pauses it (nobody is asked or reminded, and whoever was
    asked may still answer), goes on, or ends it."""
    check(caller, "survey.write")
    if not form.model_fields_set:
        raise Invalid("nothing_to_change", "Name at least one field to change.")
    changes = {name: getattr(form, name) for name in form.model_fields_set}
    state = changes.pop("state", None)
    async with desk.database.writing() as writer:
        with as_request():
            known, contents = await definition.change(writer, survey_id, changes, version)
        return await definition.keep(writer, known, contents, state or known.state, datetime.now(UTC))
