"""Calendars in the database. A change makes a new version; no version is ever changed or removed.

The calendar `24x7` is not here: it is `domain.calendar.ALWAYS`, everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, and_, func, insert, select, update

from domain.authorization import not_found
from domain.calendar import Calendar, CalendarRecord
from domain.errors import Conflict
from storage import outbox
from storage.conflicts import check_version
from storage.database import Reader, Writer
from storage.page import Order, contains, page
from storage.tables.calendar import CalendarRow, CalendarVersionRow
from storage.tables.sla import SlaPolicyRow

BY_NAME: Final = Order((CalendarRow.name, CalendarRow.id))


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose public holidays a version holds, and who wrote it."""

    country: str | None = None
    subdivision: str | None = None
    person_id: UUID | None = None


async def calendar(
    reader: Reader | Writer, calendar_id: UUID, *, version: int | None = None
) -> CalendarRecord:
    """The current version, or an earlier one; archived calendars too. Raises NotFound."""
    statement = _calendars(CalendarRow.version if version is None else version)
    row = (await reader.execute(statement.where(CalendarRow.id == calendar_id))).one_or_none()
    if row is None:
        raise not_found()
    return _record(row)


async def calendars(
    reader: Reader, *, q: str | None = None, after: Sequence[Any] | None = None, size: int = 100
) -> list[CalendarRecord]:
    """Those that are not archived, by name."""
    statement = _calendars(CalendarRow.version).where(CalendarRow.archived_at.is_(None))
    if q is not None:
        statement = statement.where(contains(CalendarRow.name, q))
    return [_record(row) for row in await reader.execute(page(statement, BY_NAME, after, size))]


async def create_calendar(writer: Writer, spec: Calendar, origin: Origin) -> CalendarRecord:
    calendar_id = uuid4()
    await writer.execute(insert(CalendarRow).values(id=calendar_id, name=spec.name or "", version=1))
    await _write_version(writer, calendar_id, 1, spec, origin)
    return await calendar(writer, calendar_id)


async def update_calendar(
    writer: Writer, calendar_id: UUID, spec: Calendar, origin: Origin, expected_version: int | None
) -> CalendarRecord:
    """Makes a new version, unless nothing changes. Raises NotFound, also when archived, and StaleVersion."""
    current = await lock_calendar(writer, calendar_id)
    check_version(expected_version, current.version)
    if spec == current.plain() and (origin.country, origin.subdivision) == (
        current.country,
        current.subdivision,
    ):
        return current
    version = current.version + 1
    values = {"name": spec.name or "", "version": version, "updated_at": func.now()}
    await writer.execute(update(CalendarRow).where(CalendarRow.id == calendar_id).values(values))
    await _write_version(writer, calendar_id, version, spec, origin)
    await outbox.put(writer, "policy", str(calendar_id), {"calendar_version": version})
    return await calendar(writer, calendar_id)


async def archive_calendar(writer: Writer, calendar_id: UUID, expected_version: int | None) -> None:
    """Takes it out of the lists. Raises NotFound, StaleVersion, and Conflict while a policy uses it."""
    current = await lock_calendar(writer, calendar_id)
    check_version(expected_version, current.version)
    users = select(SlaPolicyRow.name).where(
        SlaPolicyRow.calendar_id == calendar_id, SlaPolicyRow.archived_at.is_(None)
    )
    names = list(await writer.scalars(users.order_by(SlaPolicyRow.position).limit(5)))
    if names:
        raise Conflict(
            "calendar_in_use", f"Policies count by this calendar: {', '.join(names)}.", policies=names
        )
    await writer.execute(
        update(CalendarRow).where(CalendarRow.id == calendar_id).values(archived_at=func.now())
    )


async def lock_calendar(writer: Writer, calendar_id: UUID) -> CalendarRecord:
    """The current version, kept from changing until the transaction ends. Raises NotFound, also when
    archived."""
    locked = select(CalendarRow.id).where(CalendarRow.id == calendar_id, CalendarRow.archived_at.is_(None))
    if await writer.scalar(locked.with_for_update()) is None:
        raise not_found()
    return await calendar(writer, calendar_id)


async def _write_version(
    writer: Writer, calendar_id: UUID, version: int, spec: Calendar, origin: Origin
) -> None:
    await writer.execute(
        insert(CalendarVersionRow).values(
            calendar_id=calendar_id,
            version=version,
            spec=spec.model_dump(mode="json"),
            country=origin.country,
            subdivision=origin.subdivision,
            created_by=origin.person_id,
        )
    )


def _calendars(version: Any) -> Select[Any]:
    here = and_(CalendarVersionRow.calendar_id == CalendarRow.id, CalendarVersionRow.version == version)
    return select(
        CalendarRow.id,
        CalendarVersionRow.version,
        CalendarVersionRow.spec,
        CalendarVersionRow.country,
        CalendarVersionRow.subdivision,
        CalendarRow.created_at,
        CalendarVersionRow.created_at.label("updated_at"),
        CalendarRow.archived_at,
    ).join(CalendarVersionRow, here)


def _record(row: Row[Any]) -> CalendarRecord:
    return CalendarRecord.model_validate({**row.spec, **row._mapping})
