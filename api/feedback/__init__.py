"""Routes of feedback, a module a use case."""

from fastapi import APIRouter

from api.feedback import act, answer, create, listing, read, releases, votes

router = APIRouter()
# Fixed paths come before `/feedback/{feedback_id}`.
for use_case in (answer, create, listing, read, act, votes, releases):
    router.include_router(use_case.router)
