"""The page behind a link that asks whether what was shipped helps: shows the question, takes the answer, and says
clearly why it cannot.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from adapters.feedback import CHOICES, Asking, form, refusal
from adapters.page import thanks
from api.dependencies import CurrentDesk
from api.desk import Desk
from api.errors import STATUS
from api.feedback.answer import behind, take
from api.feedback.forms import Confirm
from api.link import accepted, shown
from domain.errors import Conflict, DeskError, Gone, NotFound, Unavailable
from storage.feedback import question
from storage.feedback.question import Question

PATH: Final = "/feedback/answers/{link}"

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def show(link: str, desk: CurrentDesk, request: Request) -> Response:
    try:
        asked = await behind(desk, link, datetime.now(UTC))
    except (NotFound, Gone, Conflict) as error:
        return await _refused(desk, link, request, error)
    return shown(form(_asking(asked, {}), asked.locale, asked.time_zone), 200)


@router.post(PATH)
async def take_answer(link: str, desk: CurrentDesk, request: Request) -> Response:
    try:
        asked = await behind(desk, link, datetime.now(UTC))
        given = _given(await request.form(max_files=0, max_fields=20))
        try:
            answer = Confirm.model_validate(
                {"solved": CHOICES.get(given["solved"]), "reason": given["reason"].strip() or None}
            )
        except ValidationError:
            page = form(_asking(asked, given), asked.locale, asked.time_zone, mistake=True)
            return shown(page, 422)
        await take(desk, asked, answer)
    except (NotFound, Gone, Conflict, Unavailable) as error:
        return await _refused(desk, link, request, error)
    return shown(thanks(asked.locale), 201)


def _given(sent: FormData) -> dict[str, str]:
    return {name: str(sent.get(name) or "") for name in ("solved", "reason")}


def _asking(asked: Question, given: Mapping[str, str]) -> Asking:
    return Asking(number=asked.number, title=asked.title, closes_at=asked.closes_at, given=given)


async def _refused(desk: Desk, token: str, request: Request, error: DeskError) -> Response:
    async with desk.database.reading() as reader:
        locale = await question.locale_of(reader, token)
    wanted = locale or accepted(request, desk.settings.locale)
    return shown(refusal(error.code, wanted), STATUS[error.kind])
