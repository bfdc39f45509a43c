"""Routes of calendars, a module a use case: keep them, ask them, fill them from an .ics file."""

from fastapi import APIRouter

from api.calendar import ics, preview, records

router = APIRouter()
# The fixed paths come before those with an id.
for use_case in (preview, ics, records):
    router.include_router(use_case.router)
