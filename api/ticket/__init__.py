"""Routes of tickets, a module a use case."""

from fastapi import APIRouter

from api.ticket import (
    act,
    comments,
    create,
    export,
    imports,
    listing,
    promises,
    read,
    tags,
    viewers,
)

router = APIRouter()
# Fixed paths come before `/tickets/{ticket_id}`.
for use_case in (create, imports, listing, export, read, comments, act, promises, tags, viewers):
    router.include_router(use_case.router)
