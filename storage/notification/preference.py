"""What people chose to be told, and who they are to a notification."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from domain.notification.preferences import Preferences, Recipient
from domain.text import known_locale
from storage.database import Reader, Writer, connection_of
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationPreferenceRow

RECIPIENTS: Final = (
    select(PersonRow.id, PersonRow.locale, PersonRow.time_zone, NotificationPreferenceRow.choices)
    .outerjoin(NotificationPreferenceRow, NotificationPreferenceRow.person_id == PersonRow.id)
    .where(PersonRow.active)
    .order_by(PersonRow.id)
)
"""All active people with their language, time zone and choices; `recipient` reads a row."""

_BY_ID: Final = RECIPIENTS.where(PersonRow.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))


async def recipients(session: Reader | Writer, person_ids: Collection[UUID]) -> list[Recipient]:
    """The active people among `person_ids`, in one query."""
    if not person_ids:
        return []
    connection = await connection_of(session)
    return [recipient(row) for row in await connection.execute(_BY_ID, {"ids": list(person_ids)})]


def recipient(row: Any) -> Recipient:
    return Recipient(
        person_id=row.id,
        locale=known_locale(row.locale),
        time_zone=row.time_zone,
        preferences=Preferences.model_validate(row.choices or {}),
    )


async def preferences_of(session: Reader | Writer, person_id: UUID) -> Preferences:
    """What the person chose; the defaults if they never did."""
    choices = await session.scalar(
        select(NotificationPreferenceRow.choices).where(NotificationPreferenceRow.person_id == person_id)
    )
    return Preferences.model_validate(choices or {})


async def set_preferences(writer: Writer, person_id: UUID, preferences: Preferences) -> None:
    """Replaces all that the person chose before. Mails already on their way keep their time."""
    values = {"choices": preferences.model_dump(mode="json")}
    await writer.execute(
        insert(NotificationPreferenceRow)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=["person_id"], set_={**values, "updated_at": func.now()})
    )
