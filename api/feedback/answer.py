"""Saying whether what was shipped helps: by a signed link, without a token, once. The page for people is
`api/feedback/page.py`; whoever has signed in uses the action `confirm`.
"""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from api.dependencies import CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.feedback.act import send
from api.feedback.forms import Confirm
from api.link import Thanks
from api.ticket.create import fingerprint
from domain.feedback.messages import Act
from domain.feedback.moves import Action
from domain.text import Locale
from storage.feedback import question
from storage.feedback.question import Question

router = APIRouter(prefix="/feedback/answers", tags=["feedback"])


class SolvedSheet(BaseModel):
    """What the holder of a link asked for. The question is whether that is solved by what was shipped."""

    number: int
    title: str
    locale: Locale
    closes_at: AwareDatetime


@router.get("/{link}", responses=problems(404, 409, 410))
async def read_question(link: str, desk: CurrentDesk) -> SolvedSheet:
    """What is asked. A link that is not ours is a 404, one that was used, or asks for nothing any more, a 409, one that
    has ended a 410."""
    asked = await behind(desk, link, datetime.now(UTC))
    return SolvedSheet(number=asked.number, title=asked.title, locale=asked.locale, closes_at=asked.closes_at)


@router.post("/{link}", status_code=201, responses=problems(404, 409, 410))
async def answer_feedback(link: str, form: Confirm, desk: CurrentDesk) -> Thanks:
    """Answers, once. A no may reopen the item, with its reason."""
    now = datetime.now(UTC)
    await take(desk, await behind(desk, link, now), form)
    return Thanks(answered_at=now)


async def behind(desk: Desk, token: str, now: datetime) -> Question:
    async with desk.database.reading() as reader:
        return await question.behind_link(reader, token, now)


async def take(desk: Desk, asked: Question, form: Confirm) -> None:
    """The request is known by the round and the person, so the same answer that comes twice at once is one."""
    act = Act(
        action=Action.CONFIRM,
        actor_id=asked.person.id,
        request_id=f"link:{asked.round}:{asked.person.id}",
        fingerprint=fingerprint([Action.CONFIRM, form.model_dump(mode="json")]),
        solved=form.solved,
        text=form.reason,
        round=asked.round,
    )
    await send(desk, asked.feedback_id, act)
