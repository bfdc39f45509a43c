"""Achievements over HTTP: kept by administrators, previewed on real data, awarded by the members' processes."""

from fastapi import APIRouter

from api.achievement import backfill, badge, preview, records

router = APIRouter(tags=["achievements"])
for part in (records, preview, backfill):
    router.include_router(part.router, prefix="/achievements")
router.include_router(badge.router)
