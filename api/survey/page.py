"""The page behind a link of a mail: shows what is asked, takes the answer, and says clearly why it cannot.

Everything is in the language of the person who was asked; whoever opens a link that is not ours sees the language that
their browser asks for.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from adapters.page import thanks
from adapters.survey import Asking, form, refusal
from api.dependencies import CurrentDesk
from api.desk import Desk
from api.errors import STATUS
from api.link import accepted, shown
from api.survey.answer import AnswerForm, take
from domain.errors import Conflict, DeskError, Gone, Invalid, NotFound
from domain.survey.questions import Given, QuestionType
from storage.survey import answer
from storage.survey.answer import Asked

PATH: Final = "/surveys/{token}"

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def show(token: str, desk: CurrentDesk, request: Request) -> Response:
    """A score in the address is chosen already, and not sent."""
    try:
        async with desk.database.reading() as reader:
            asked = await answer.behind_link(reader, token, datetime.now(UTC))
    except (NotFound, Gone, Conflict) as error:
        return await _refused(desk, token, request, error)
    return _form(asked, {"score": request.query_params.get("score", "")})


@router.post(PATH)
async def take_answer(token: str, desk: CurrentDesk, request: Request) -> Response:
    now = datetime.now(UTC)
    try:
        async with desk.database.reading() as reader:
            asked = await answer.behind_link(reader, token, now)
        sent = await request.form(max_files=0, max_fields=200)
        try:
            await take(desk, token, _given(asked, sent), now)
        except (Invalid, ValidationError) as error:
            return _form(asked, _chosen(sent), mistake=_field(error), status=422)
    except (NotFound, Gone, Conflict) as error:
        return await _refused(desk, token, request, error)
    return shown(thanks(asked.locale), 201)


def _given(asked: Asked, sent: FormData) -> Given:
    """The fields of the form as an answer. Raises ValidationError for what no form of ours sends."""
    score, comment = sent.get("score"), sent.get("comment")
    answers: dict[str, Any] = {}
    for question in asked.contents.questions:
        values = [str(value) for value in sent.getlist(f"q.{question.key}") if value]
        if not values:
            continue
        number = question.type is QuestionType.SCALE and values[0].isascii() and values[0].isdigit()
        answers[question.key] = values if question.many else int(values[0][:9]) if number else values[0]
    filled = {"score": score or None, "comment": comment or None, "answers": answers}
    return Given.model_validate(AnswerForm.model_validate(filled).model_dump())


def _chosen(sent: FormData) -> Mapping[str, Any]:
    chosen: dict[str, Any] = {name: str(sent.get(name) or "") for name in ("score", "comment")}
    for name in sent:
        if name.startswith("q."):
            chosen[name] = [str(value) for value in sent.getlist(name)]
    return chosen


def _field(error: Invalid | ValidationError) -> str:
    if isinstance(error, Invalid):
        return error.field or ""
    return str(error.errors(include_url=False)[0]["loc"][0])


def _form(asked: Asked, given: Mapping[str, Any], mistake: str | None = None, status: int = 200) -> Response:
    assert asked.closes_at is not None
    asking = Asking(
        survey=asked.contents.name,
        kind=asked.contents.kind,
        questions=asked.contents.questions,
        number=asked.number,
        subject=asked.subject,
        closes_at=asked.closes_at,
        given=given,
        mistake=mistake,
    )
    return shown(form(asking, asked.locale, asked.time_zone), status)


async def _refused(desk: Desk, token: str, request: Request, error: DeskError) -> Response:
    async with desk.database.reading() as reader:
        locale = await answer.locale_of(reader, token)
    wanted = locale or accepted(request, desk.settings.locale)
    return shown(refusal(error.code, wanted), STATUS[error.kind])
