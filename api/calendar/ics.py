"""Filling a calendar with the holidays of an .ics file."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from adapters.ics import IcsHolidays, read_holidays
from api.calendar.forms import coming_years
from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import as_request
from domain.account import Principal
from domain.authorization import check
from domain.calendar import Calendar, CalendarRecord
from domain.text import Name, TimeZone
from storage import calendar as store
from storage.calendar import Origin

router = APIRouter(prefix="/calendars", tags=["calendars"])

OFFICE_HOURS: Final = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"text/calendar": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_TIME_ZONE: Final[TypeAdapter[str]] = TypeAdapter(TimeZone)


class ImportQuery(BaseModel):
    """`calendar` is the one to add the holidays to. Without it a new calendar is made, open from Monday to
    Friday, 09:00 to 18:00, named and placed as the file says unless `name` and `time_zone` do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendar: UUID | None = None
    name: Name | None = None
    time_zone: TimeZone | None = None


@router.post("/import", status_code=201, openapi_extra=_BODY, responses=problems(404, 413, 415))
async def import_calendar(
    query: Annotated[ImportQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
    response: Response,
) -> CalendarRecord:
    """Takes the all-day events of the last, this and the next three years, once or every year; 200 when they
    were added to a calendar."""
    check(caller, "calendar.write")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/calendar":
        raise HTTPException(415, "Send the file as text/calendar.")
    years = coming_years()
    found = await asyncio.to_thread(read_holidays, await request.body(), range(years.start - 1, years.stop))
    if query.calendar is not None:
        response.status_code = 200
        return await _add(desk, query.calendar, found, caller)
    with as_request():
        spec = Calendar.model_validate(
            {
                "name": query.name or found.name or "Imported calendar",
                "time_zone": query.time_zone or _zone_of(found),
                "weekly": OFFICE_HOURS,
                "holidays": found.dates,
            }
        )
    async with desk.database.writing() as writer:
        created = await store.create_calendar(writer, spec, Origin(person_id=caller.person_id))
    response.headers["Location"] = f"/api/v1/calendars/{created.id}"
    return created


async def _add(desk: Desk, calendar_id: UUID, found: IcsHolidays, caller: Principal) -> CalendarRecord:
    async with desk.database.writing() as writer:
        current = await store.lock_calendar(writer, calendar_id)
        with as_request():
            spec = current.plain().model_copy(update={"holidays": (*current.holidays, *found.dates)})
        origin = Origin(current.country, current.subdivision, caller.person_id)
        return await store.update_calendar(writer, calendar_id, spec, origin, None)


def _zone_of(found: IcsHolidays) -> str:
    """What the file says, where that is a time zone: some programs write names of their own."""
    try:
        return _TIME_ZONE.validate_python(found.time_zone)
    except ValidationError:
        return "UTC"
