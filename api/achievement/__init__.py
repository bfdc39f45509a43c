"""Achievements over HTTP: kept by administrators, previewed on real data, awarded by the members' processes."""

from fastapi import APIRouter

from api.achievement import backfill, badge, claim, preview, prize, records

router = APIRouter(tags=["achievements"])
for part in (records, preview, backfill):
    router.include_router(part.router, prefix="/achievements")
for other in (badge, prize, claim):
    router.include_router(other.router)
