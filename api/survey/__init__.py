"""Surveys over HTTP, a module a use case. What the holder of a link sees needs no token."""

from fastapi import APIRouter

from api.survey import answer, campaign, definition, invitation, results, task

router = APIRouter(tags=["surveys"])
# Fixed paths come before `/surveys/{survey_id}`.
for use_case in (answer, task, results, campaign, invitation, definition):
    router.include_router(use_case.router)
