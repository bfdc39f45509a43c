"""Asking a calendar, stored or sent along, without storing anything."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, SkipValidation, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from api.calendar.forms import BuiltIn, InlineCalendar, with_country, years_from
from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import Form, Instant, as_request
from domain.authorization import check
from domain.calendar import ALWAYS, Calendar, add_working, working
from domain.duration import Duration
from domain.errors import Invalid, NotFound
from domain.sla.policy import CalendarReference
from storage import calendar as store

router = APIRouter(prefix="/calendars", tags=["calendars"])

_REFERENCE: TypeAdapter[BuiltIn | UUID] = TypeAdapter(CalendarReference)


class Question(Form):
    """When is `duration` of working time over, or how much of it lies until `end`? One of both is asked."""

    start: Instant
    duration: Duration | None = None
    end: Instant | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.duration is None) == (self.end is None):
            raise PydanticCustomError("duration_or_end", "Send either duration or end beside start.")
        return self


class InlineQuestion(Question):
    # Read in the route, so that a mistake is reported at `calendar.weekly.mon` and not once for each kind.
    calendar: SkipValidation[InlineCalendar | BuiltIn | UUID]


class Due(BaseModel):
    due: AwareDatetime


class Working(BaseModel):
    working: Duration


@router.post("/preview", responses=problems(404))
async def preview_calendar(body: InlineQuestion, caller: Caller, desk: CurrentDesk) -> Due | Working:
    """`calendar` is a whole calendar, the id of a stored one, or `24x7`."""
    check(caller, "calendar.preview")
    if not isinstance(body.calendar, dict):
        with as_request("calendar"):
            reference = _REFERENCE.validate_python(body.calendar)
        try:
            return answer(await _stored(desk, reference), body)
        except NotFound:
            raise Invalid("unknown_calendar", "There is no such calendar.", field="calendar") from None
    with as_request("calendar"):
        inline = InlineCalendar.model_validate(body.calendar)
    years = years_from(body.start.year)
    return answer(await with_country(inline, inline.country, inline.subdivision, years, "calendar"), body)


@router.post("/{calendar_id}/preview", responses=problems(404))
async def preview_stored_calendar(
    calendar_id: UUID | BuiltIn, body: Question, caller: Caller, desk: CurrentDesk
) -> Due | Working:
    check(caller, "calendar.preview")
    return answer(await _stored(desk, calendar_id), body)


def answer(calendar: Calendar, question: Question) -> Due | Working:
    """Raises Invalid for a period that ends before it begins, or when the calendar runs out."""
    if question.duration is not None:
        return Due(due=add_working(calendar, question.start, question.duration))
    assert question.end is not None
    if question.end < question.start:
        raise Invalid("reversed_period", "The period ends before it begins.", field="end")
    return Working(working=working(calendar, question.start, question.end))


async def _stored(desk: Desk, calendar_id: UUID | BuiltIn) -> Calendar:
    if not isinstance(calendar_id, UUID):
        return ALWAYS
    async with desk.database.reading() as reader:
        return await store.calendar(reader, calendar_id)
