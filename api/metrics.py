"""Counters of the HTTP side, shown with everything else of this process at /metrics."""

from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.responses import Response

REQUESTS: Final = Counter(
    "duradesk_http_requests", "HTTP requests by method, route and status.", ["method", "route", "status"]
)
SECONDS: Final = Histogram(
    "duradesk_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
