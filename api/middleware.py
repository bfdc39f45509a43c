"""The frame around every request: its id, its log line, its metrics, its size limit, its safe headers.

Plain ASGI, one layer for all of it, because every layer costs each request. It is also where an unexpected
error ends: logged with its request id and answered as a problem document, never as a bare 500.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import as_desk_error, desk_problem, problem
from api.metrics import REQUESTS, SECONDS
from runtime import tracing
from runtime.origin import REQUEST_ID

_log = structlog.get_logger()
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LINK: Final = re.compile(r"(/surveys/(?:answers/)?)[A-Za-z0-9_-]{50,}")
_TICKET: Final = re.compile(r"/tickets/([0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?:/|$)")
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
BODY_LIMIT: Final = 2 * 2**20
FORM_OVERHEAD: Final = 64 * 2**10


class Frame:
    """`limits` (bytes) are those of paths by how they end; BODY_LIMIT holds for the rest."""

    def __init__(self, app: ASGIApp, *, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived_at, started = datetime.now(UTC), perf_counter()
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {}).update(request_id=request_id, arrived_at=arrived_at)
        answer = _Answer(send, request_id, api=scope["path"].startswith("/api/"))
        with _told(scope, request_id), tracing.span(scope["method"], "server", parent=headers) as span:
            try:
                limited = _Limited(receive, headers, self._limit(scope))
                if limited.is_announced_too_large:
                    await _too_large(scope, limited.limit, receive, answer)
                else:
                    await self._app(scope, limited, answer)
            except Exception as error:
                if answer.status:
                    raise
                await self._fail(scope, receive, answer, error)
            finally:
                _record(scope, answer.status, perf_counter() - started)
                if span is not None:
                    _name(span, scope, answer.status)

    def _limit(self, scope: Scope) -> int:
        return next((limit for end, limit in self._limits.items() if scope["path"].endswith(end)), BODY_LIMIT)

    async def _fail(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        known = as_desk_error(error)
        if known is None:
            path = _told_path(scope["path"])
            _log.error("request_failed", method=scope["method"], path=path, exc_info=error)
            response = problem(
                scope, 500, "internal_error", "Something broke on our side. It has been logged."
            )
        else:
            response = desk_problem(scope, known)
        await response(scope, receive, send)


class _Answer:
    """`send` that adds our headers and remembers the status (0 until the answer has begun)."""

    def __init__(self, send: Send, request_id: str, *, api: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._api = api
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "no-referrer"
            if self._api:
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        await self._send(message)


class _Limited:
    """`receive` that stops at `limit` bytes, whatever the caller announced."""

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive = receive
        self._received = 0
        self.limit = limit
        announced = headers.get("content-length", "")
        self.is_announced_too_large = announced.isdigit() and int(announced[:20]) > limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self.limit:
                # FastAPI hands on only its own HTTPException from inside the reading of a body.
                raise HTTPException(413, _limit_text(self.limit))
        return message


def _limit_text(limit: int) -> str:
    return f"The body is larger than the {limit} bytes that are taken here."


async def _too_large(scope: Scope, limit: int, receive: Receive, send: Send) -> None:
    await problem(scope, 413, "too_large", _limit_text(limit))(scope, receive, send)


@contextmanager
def _told(scope: Scope, request_id: str) -> Iterator[None]:
    """Every line of the request tells its id and its ticket; a new ticket's id is bound when it is known."""
    ticket = _TICKET.search(scope["path"])
    names = {REQUEST_ID: request_id} | ({"ticket_id": ticket[1]} if ticket else {})
    with structlog.contextvars.bound_contextvars(**names):
        try:
            yield
        finally:
            structlog.contextvars.unbind_contextvars("ticket_id")


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _name(span: Any, scope: Scope, status: int) -> None:
    """By what OpenTelemetry calls these; the query is left out, as people search for people."""
    route = _route(scope)
    span.update_name(f"{scope['method']} {route}")
    span.set_attributes(
        {
            "http.request.method": scope["method"],
            "http.route": route,
            "http.response.status_code": status or 500,
        }
    )


def _told_path(path: str) -> str:
    """Without the token of a signed link, which whoever reads the log could use."""
    return _LINK.sub(r"\1…", path)


def _record(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = _route(scope)
    REQUESTS.labels(method, route, status or 500).inc()
    SECONDS.labels(method, route).observe(seconds)
    if scope["path"] not in _QUIET:
        write = _log.debug if 0 < status < 400 else _log.info
        write(
            "request",
            method=method,
            path=_told_path(scope["path"]),
            status=status,
            ms=round(seconds * 1000, 1),
        )


def _route(scope: Scope) -> str:
    """The template of the route, with the prefixes of the routers around it: never an id of a record."""
    # FastAPI keeps the route of an included router apart from its whole path; see test_errors.
    included = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(included or scope.get("route"), "path", None) or "unmatched"
