"""Keeping calendars. A change makes a new version; open tickets take it over by themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.calendar.forms import BuiltIn, CalendarChanges, NewCalendar, built_in, coming_years, with_country
from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import as_request
from api.page import Page, PageQuery, page_of
from domain.authorization import check
from domain.calendar import ALWAYS, Calendar, CalendarRecord
from domain.text import Line
from storage import calendar as store
from storage.calendar import Origin

router = APIRouter(prefix="/calendars", tags=["calendars"])

CalendarId = UUID | BuiltIn
Version = Annotated[int | None, Query(ge=1, lt=2**31, description="An earlier version.")]


class BuiltInCalendar(Calendar):
    """The calendar that is always there; policies name it by this id."""

    id: BuiltIn = "24x7"
    version: int = 0


class CalendarsQuery(PageQuery):
    q: Line | None = None


@router.get("")
async def list_calendars(
    query: Annotated[CalendarsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[CalendarRecord]:
    """By name, without the built-in 24x7."""
    check(caller, "calendar.read")
    after = query.start("name", str, UUID)
    async with desk.database.reading() as reader:
        found = await store.calendars(reader, q=query.q, after=after, size=query.size)
    return page_of(request, query, found, "name", lambda one: (one.name, one.id))


@router.post("", status_code=201)
async def create_calendar(
    body: NewCalendar, caller: Caller, desk: CurrentDesk, response: Response
) -> CalendarRecord:
    check(caller, "calendar.write")
    spec = await with_country(body.plain(), body.country, body.subdivision, coming_years())
    origin = Origin(body.country, body.subdivision, caller.person_id)
    async with desk.database.writing() as writer:
        created = await store.create_calendar(writer, spec, origin)
    response.headers["Location"] = f"/api/v1/calendars/{created.id}"
    return created


@router.get("/{calendar_id}", responses=problems(404))
async def read_calendar(
    calendar_id: CalendarId, caller: Caller, desk: CurrentDesk, version: Version = None
) -> CalendarRecord | BuiltInCalendar:
    check(caller, "calendar.read")
    if not isinstance(calendar_id, UUID):
        return BuiltInCalendar.model_validate(dict(ALWAYS))
    async with desk.database.reading() as reader:
        return await store.calendar(reader, calendar_id, version=version)


@router.patch("/{calendar_id}", responses=problems(404, 409, 412))
async def update_calendar(
    calendar_id: CalendarId, body: CalendarChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> CalendarRecord:
    check(caller, "calendar.write")
    if not isinstance(calendar_id, UUID):
        raise built_in()
    sent = body.model_fields_set
    async with desk.database.writing() as writer:
        current = await store.lock_calendar(writer, calendar_id)
        changes = {name: getattr(body, name) for name in sent & set(Calendar.model_fields)}
        with as_request():
            spec = current.plain().model_copy(update=changes)
        if "country" in sent:
            origin = Origin(body.country, body.subdivision, caller.person_id)
            spec = await with_country(spec, body.country, body.subdivision, coming_years())
        else:
            origin = Origin(current.country, current.subdivision, caller.person_id)
        return await store.update_calendar(writer, calendar_id, spec, origin, if_match)


@router.delete("/{calendar_id}", status_code=204, responses=problems(404, 409, 412))
async def archive_calendar(
    calendar_id: CalendarId, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> None:
    """Takes it out of the lists; refused while a policy in force uses it. Its versions stay."""
    check(caller, "calendar.write")
    if not isinstance(calendar_id, UUID):
        raise built_in()
    async with desk.database.writing() as writer:
        await store.archive_calendar(writer, calendar_id, if_match)
