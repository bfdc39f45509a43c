"""Members over HTTP: what they contributed comes in, what it gave them is shown."""

from fastapi import APIRouter

from api.member import facts, read, rules

router = APIRouter(tags=["members"])
for part in (rules, facts, read):
    router.include_router(part.router)
