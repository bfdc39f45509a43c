"""Whether what was shipped helps, as the holder of a signed link is asked: which item, in which round, and whether it
is asked still. The link is for the notification that asks; `storage/feedback/telling.py` puts it in.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, cast, select

from domain.account import Ref
from domain.feedback.fields import Role
from domain.feedback.process import already_answered, check_asked, not_asked
from domain.link import forged
from domain.text import Locale, known_locale
from storage import link
from storage.database import Reader
from storage.feedback import followers, read
from storage.tables.account import PersonRow
from storage.tables.feedback import FeedbackAnswerRow, FeedbackRow
from storage.tables.notification import NotificationRow

PURPOSE: Final = "feedback"
"""Of the links that this feature signs."""

_PARAMS: Final = NotificationRow.params


@dataclass(frozen=True, slots=True)
class Question:
    feedback_id: UUID
    number: int
    title: str
    round: int
    person: Ref
    locale: Locale
    time_zone: str
    closes_at: datetime


async def behind_link(reader: Reader, token: str, now: datetime) -> Question:
    """What the link asks. Raises NotFound `link_unknown`, Gone `link_expired`, and Conflict: `already_answered`, or
    that it is not asked any more."""
    asked = await _question(reader, await link.record_of(reader, token, PURPOSE, now))
    if asked is None:
        raise forged()
    key = {"feedback_id": asked.feedback_id, "round": asked.round, "person_id": asked.person.id}
    if await reader.get(FeedbackAnswerRow, key) is not None:
        raise already_answered()
    state = await read.state(reader, asked.feedback_id)
    role = await followers.role_of(reader, asked.feedback_id, asked.person.id)
    if state is None or role is not Role.REQUESTER:
        raise not_asked()
    check_asked(state, asked.round)
    return asked


async def locale_of(reader: Reader, token: str) -> Locale | None:
    """The language of the person whom the link was sent to, also when it has ended; None for one that is not ours."""
    notification_id = await link.ended_record_of(reader, token, PURPOSE)
    asked = None if notification_id is None else await _question(reader, notification_id)
    return None if asked is None else asked.locale


async def _question(reader: Reader, notification_id: UUID) -> Question | None:
    statement = (
        select(
            FeedbackRow.id,
            FeedbackRow.number,
            FeedbackRow.title,
            _PARAMS,
            PersonRow.id.label("person_id"),
            PersonRow.name,
            PersonRow.locale,
            PersonRow.time_zone,
        )
        .join(PersonRow, PersonRow.id == NotificationRow.recipient_id)
        .join(FeedbackRow, FeedbackRow.id == cast(_PARAMS["feedback_id"].astext, Uuid))
        .where(NotificationRow.id == notification_id)
    )
    row: Any = (await reader.execute(statement)).one_or_none()
    if row is None:
        return None
    return Question(
        feedback_id=row.id,
        number=row.number,
        title=row.title,
        round=row.params["round"],
        person=Ref(id=row.person_id, name=row.name),
        locale=known_locale(row.locale),
        time_zone=row.time_zone,
        closes_at=datetime.fromisoformat(row.params["link"]["expires_at"]),
    )
