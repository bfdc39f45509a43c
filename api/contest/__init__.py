"""Contests over HTTP."""

from fastapi import APIRouter

from api.contest import act, appeals, entries, judging, read

router = APIRouter()
for _part in (read, act, entries, judging, appeals):
    router.include_router(_part.router)
