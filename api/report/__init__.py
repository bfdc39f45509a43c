"""Routes of reports, a module a use case."""

from fastapi import APIRouter

from api.report import breaches, read

router = APIRouter()
for use_case in (read, breaches):
    router.include_router(use_case.router)
