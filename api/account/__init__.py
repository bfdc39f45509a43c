"""Routes of people, teams, organizations, sessions and tokens, a module a resource."""

from fastapi import APIRouter

from api.account import organizations, people, sessions, teams, tokens

router = APIRouter()
for resource in (sessions, tokens, people, teams, organizations):
    router.include_router(resource.router)
