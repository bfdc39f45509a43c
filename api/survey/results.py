"""Results: the figures of a survey in groups, what its own questions were answered with, and the answers one by one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, PageQuery, page_of
from api.report.answer import ReportPeriod, report_model
from api.report.asked import InPeriod, TicketsQuery
from api.report.read import RESPONSES, answered
from domain.authorization import check
from domain.report.figures import SURVEYS
from domain.survey.questions import Question
from storage.survey import answer, definition, results
from storage.survey.answer import Answer

router = APIRouter(prefix="/surveys/{survey_id}")

_ORDER: Final = "-answered_at"
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {**RESPONSES, **problems(403, 404)}


class QuestionResult(BaseModel):
    """One of the desk's own questions; `counts` are how often each value was chosen, empty for free text."""

    question: Question
    counts: Mapping[str, int]


class QuestionResults(BaseModel):
    period: ReportPeriod
    data: list[QuestionResult]


@router.get("/results", response_model=report_model("Survey", SURVEYS), responses=_RESPONSES)
async def read_results(
    survey_id: UUID, query: Annotated[TicketsQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Response:
    """How many were asked in the period, how many of them answered, what they said, and how sure that is. By team,
    day and the rest, as JSON or CSV."""
    check(caller, "survey.results")
    now = datetime.now(UTC)
    asked = query.asked(caller, now, query.group_by)
    async with desk.database.snapshot() as reader:
        survey = await definition.survey(reader, survey_id)
        found = await results.results(reader, survey_id, survey, asked)
    return await answered("survey", query, asked, found, SURVEYS, str(query.zone(caller)), now)


@router.get("/questions", responses=problems(403, 404))
async def read_question_results(
    survey_id: UUID, query: Annotated[InPeriod, Query()], desk: CurrentDesk, caller: Caller
) -> QuestionResults:
    """What the survey's own questions were answered with."""
    check(caller, "survey.results")
    asked = query.asked(caller, datetime.now(UTC), ())
    async with desk.database.snapshot() as reader:
        survey = await definition.survey(reader, survey_id)
        counts = await results.chosen(reader, survey_id, survey, asked)
    span = {"from": asked.span.start, "to": asked.span.end, "time_zone": str(query.zone(caller))}
    return QuestionResults(
        period=ReportPeriod.model_validate(span),
        data=[QuestionResult(question=one, counts=counts.get(one.key, {})) for one in survey.questions],
    )


@router.get("/answers", responses=problems(403, 404))
async def list_answers(
    survey_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Answer]:
    """One by one, the latest first."""
    check(caller, "survey.results")
    after = query.start(_ORDER, datetime, UUID)
    async with desk.database.reading() as reader:
        await definition.survey(reader, survey_id)
        found = await answer.answers(reader, survey_id, after=after, size=query.size)
    return page_of(request, query, found, _ORDER, lambda one: (one.answered_at, one.id))
