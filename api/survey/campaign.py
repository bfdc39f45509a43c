"""Campaigns: made as a draft, and looked at before they begin."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form, as_request
from domain.authorization import check
from domain.duration import PositiveDuration
from domain.survey.definition import REST, Audience, Contents, Occasion, Survey, no_campaign
from domain.survey.questions import Kind, Questions
from domain.survey.schedule import Schedule
from domain.text import Name
from storage.survey import campaign, definition

router = APIRouter(prefix="/surveys")


class NewCampaign(Form):
    """Of the `audience` each round draws the share `sample`, asks `per_day` of them a day (all at once if left out),
    and nobody else once `quota` have answered. Nobody is asked whom any survey asked within `rest`."""

    name: Name
    kind: Kind
    questions: Questions = ()
    audience: Audience = Audience()
    schedule: Schedule = Schedule()
    sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    quota: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    remind_after: PositiveDuration | None = timedelta(hours=48)
    close_after: PositiveDuration = timedelta(days=7)
    rest: PositiveDuration | None = REST


class Preview(BaseModel):
    """What the next round would meet if it began now: the whole audience, those of them who rest, and how many would be
    drawn."""

    audience: int
    resting: int
    drawn: int


@router.post("", status_code=201, responses=problems(403))
async def create_survey(form: NewCampaign, caller: Caller, desk: CurrentDesk, response: Response) -> Survey:
    """A campaign, as a draft. It asks nobody until its `state` becomes `active`."""
    check(caller, "survey.write")
    with as_request():
        contents = Contents.model_validate({**form.model_dump(), "delay": timedelta(0)})
    async with desk.database.writing() as writer:
        made = await definition.create(writer, contents)
    response.headers["Location"] = f"/api/v1/surveys/{made.id}"
    return made


@router.get("/{survey_id}/preview", responses=problems(403, 404, 409))
async def preview_survey(survey_id: UUID, caller: Caller, desk: CurrentDesk) -> Preview:
    """Whom the next round of a campaign would meet now. Nothing is stored."""
    check(caller, "survey.results")
    async with desk.database.reading() as reader:
        found = await definition.survey(reader, survey_id)
        if found.occasion is not Occasion.CAMPAIGN:
            raise no_campaign()
        seen = await campaign.foresee(reader, survey_id, found, found.round + 1, datetime.now(UTC))
    return Preview(audience=seen.audience, resting=seen.resting, drawn=seen.drawn)
