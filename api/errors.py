"""Errors as problem documents (RFC 9457): the only place where an error meets an HTTP status.

Routes raise the errors of `domain/errors.py` and let everything else rise. What is nobody's mistake but the
caller's is a 4xx; a part that is away is a 503 with Retry-After; only our own faults are a 500, and those
are logged with the request id that the answer names.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import DeskError, Throttled, Unavailable
from runtime.redaction import told
from storage.database import database_away

_log = structlog.get_logger()

STATUS: Final[Mapping[str, int]] = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "stale": 412,
    "too_large": 413,
    "invalid": 422,
    "throttled": 429,
    "unavailable": 503,
}
_OUR_CODES: Final = {
    "extra_forbidden": "unknown_field",
    "missing": "required",
    "json_invalid": "invalid_json",
    "string_unicode": "invalid_character",
}
_HTTP_CODES: Final = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_AWAY: Final = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
}
_MISTAKES_SHOWN: Final = 50


class FieldError(BaseModel):
    """What is wrong with one field; `field` is a path such as `targets.high.resolution`."""

    field: str
    code: str
    message: str


class Problem(BaseModel):
    """Every error of this API. `code` is stable; further members depend on it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]
    request_id: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these statuses."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def problem(
    scope: Scope,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    document = {
        **(extra or {}),
        "type": f"urn:duradesk:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _printable(detail),
        "code": code,
        "errors": list(errors),
        "request_id": scope.get("state", {}).get("request_id", ""),
    }
    body = orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, dict(headers or {}), "application/problem+json")


def desk_problem(scope: Scope, error: DeskError) -> Response:
    status = STATUS.get(error.kind, 500)
    headers = {}
    if isinstance(error, Throttled | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    fields = [{"field": error.field, "code": error.code, "message": error.detail}] if error.field else []
    return problem(scope, status, error.code, error.detail, errors=fields, headers=headers, extra=error.extra)


def as_desk_error(error: BaseException) -> DeskError | None:
    """The refusal that a failure of a part stands for, or None when the failure is our own fault."""
    if isinstance(error, DeskError):
        return error
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return database_away()
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return database_away()
    if isinstance(error, WorkflowUpdateRPCTimeoutOrCancelledError):
        return temporal_away()
    if isinstance(error, RPCError) and error.status in _AWAY:
        return temporal_away()
    return None


def temporal_away() -> Unavailable:
    return Unavailable("process_away", "The process engine or its workers do not answer. Try again soon.")


def install(app: FastAPI) -> None:
    """Let `app` answer every expected error with a problem document."""
    for error in (
        DeskError,
        DBAPIError,
        PoolTimeoutError,
        RPCError,
        WorkflowUpdateRPCTimeoutOrCancelledError,
    ):
        app.add_exception_handler(error, _answer_failure)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_failure(request: Request, error: Exception) -> Response:
    known = as_desk_error(error)
    if known is not None:
        return desk_problem(request.scope, known)
    if isinstance(error, DataError):
        # No rule refused it and PostgreSQL cannot hold it: the caller's value, and a rule of ours is missing.
        _log.warning("value_refused_by_database", error=told(error))
        return problem(request.scope, 422, "invalid", "A value in the request cannot be stored.")
    raise error


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return invalid_problem(request, error)


def invalid_problem(request: Request, error: RequestValidationError) -> Response:
    mistakes = error.errors()
    if any(mistake["loc"][:1] == ("path",) for mistake in mistakes):
        return problem(request.scope, 404, "not_found", "There is no such record, or you may not see it.")
    if any(mistake["loc"] == ("body",) for mistake in mistakes) and not _is_json(request):
        return problem(request.scope, 415, "unsupported_media_type", "Send the body as application/json.")
    fields = [_field_error(mistake) for mistake in mistakes[:_MISTAKES_SHOWN]]
    first = fields[0]
    code = "invalid_json" if first["code"] == "invalid_json" else "invalid"
    detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return problem(request.scope, 422, code, detail, errors=fields)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # FastAPI's answer to a body that it cannot decode
        return problem(request.scope, 422, "invalid_json", "The body is not JSON in UTF-8.")
    code = _HTTP_CODES.get(error.status_code, "http_error")
    return problem(request.scope, error.status_code, code, str(error.detail), headers=error.headers)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _field_error(mistake: Mapping[str, Any]) -> dict[str, str]:
    code = _OUR_CODES.get(mistake["type"], mistake["type"])
    path = (
        mistake["loc"][1:]
        if mistake["loc"] and mistake["loc"][0] in ("body", "query", "header")
        else mistake["loc"]
    )
    if code == "invalid_json":
        return {
            "field": "",
            "code": code,
            "message": f"The body is not JSON (character {path[0] if path else 0}).",
        }
    message = mistake["msg"].removeprefix("Value error, ")
    return {"field": _printable(".".join(map(str, path)))[:200], "code": code, "message": _printable(message)}


def _printable(text: str) -> str:
    """`text` without what JSON in UTF-8 cannot carry: the caller may have sent half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
