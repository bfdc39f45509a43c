"""Routes of attachments, a module a use case. Files pass through in chunks; none is ever in memory whole."""

from fastapi import APIRouter

from api.attachment import download, records, upload

router = APIRouter()
for use_case in (upload, records, download):
    router.include_router(use_case.router)
