"""Answering: by a signed link, without a token, once. The page for people is `api/survey/page.py`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from adapters.survey import labels, question
from api.dependencies import CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.link import Thanks
from domain.survey.questions import COMMENT_LENGTH, SCALES, Given, Kind, Question
from domain.text import Locale, Text
from runtime.i18n import translator
from storage.survey import answer
from storage.survey.answer import Asked

router = APIRouter(prefix="/surveys/answers")

Comment = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=COMMENT_LENGTH)]


class AnswerForm(Form):
    """`score` is on the scale of the survey's kind; `answers` are those to its own questions, by their keys."""

    score: Annotated[int, Field(ge=0, le=10)] | None = None
    comment: Comment | None = None
    answers: Annotated[dict[Text, Any], Field(max_length=100)] = {}


class ScoreQuestion(BaseModel):
    """What the score means at both ends, in words."""

    text: str
    low: int
    high: int
    low_label: str
    high_label: str


class AboutTicket(BaseModel):
    number: int
    subject: str


class Sheet(BaseModel):
    """What the holder of a link is asked, in the language of the person it was sent to."""

    survey: str
    kind: Kind
    locale: Locale
    ticket: AboutTicket | None
    score: ScoreQuestion | None
    questions: Sequence[Question]
    closes_at: AwareDatetime


@router.get("/{token}", responses=problems(404, 409, 410))
async def read_sheet(token: str, desk: CurrentDesk) -> Sheet:
    """What is asked. A link that is not ours is a 404, one that was used a 409, one that has ended a 410."""
    async with desk.database.reading() as reader:
        return _sheet(await answer.behind_link(reader, token, datetime.now(UTC)))


@router.post("/{token}", status_code=201, responses=problems(404, 409, 410))
async def answer_survey(token: str, form: AnswerForm, desk: CurrentDesk) -> Thanks:
    """Answers, once."""
    now = datetime.now(UTC)
    await take(desk, token, Given.model_validate(form.model_dump()), now)
    return Thanks(answered_at=now)


async def take(desk: Desk, token: str, given: Given, now: datetime) -> Asked:
    kept = given.model_copy(update={"comment": given.comment or None})
    async with desk.database.writing() as writer:
        return await answer.take(writer, token, kept, now, mail=bool(desk.settings.smtp_url))


def _sheet(asked: Asked) -> Sheet:
    contents, about = asked.contents, None
    if asked.number is not None and asked.subject is not None:
        about = AboutTicket(number=asked.number, subject=asked.subject)
    assert asked.closes_at is not None
    return Sheet(
        survey=contents.name,
        kind=contents.kind,
        locale=asked.locale,
        ticket=about,
        score=score_question(contents.kind, asked.locale),
        questions=contents.questions,
        closes_at=asked.closes_at,
    )


def score_question(kind: Kind, locale: Locale) -> ScoreQuestion | None:
    scale = SCALES.get(kind)
    if scale is None:
        return None
    say = translator(locale)
    low, high = labels(kind, say)
    return ScoreQuestion(
        text=question(kind, say), low=scale.low, high=scale.high, low_label=low, high_label=high
    )
