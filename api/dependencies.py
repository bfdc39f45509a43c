"""What routes ask FastAPI for: the desk, the caller, and the headers with a meaning of their own."""

import re
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.desk import Desk
from api.throttle import wrong_tokens
from domain.account import Principal
from domain.authorization import check
from domain.errors import Invalid, Unauthorized
from storage.account import tokens
from storage.database import Reader

_ETAG: Final = re.compile(r'(?:W/)?"?(\d{1,9})"?')
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
bearer = HTTPBearer(auto_error=False, description="A token of POST /api/v1/sessions or /api/v1/tokens.")


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


CurrentDesk = Annotated[Desk, Depends(_desk)]


async def _caller(
    request: Request,
    desk: CurrentDesk,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal:
    if credentials is None:
        raise Unauthorized("token_missing", "Send a token: Authorization: Bearer <token>.")
    principal = await tokens.authenticate(desk.database, credentials.credentials)
    if principal is None:
        await wrong_tokens(request).count(desk, client_address(request))
        raise Unauthorized("token_invalid", "The token is unknown, expired or revoked. Sign in again.")
    return principal


Caller = Annotated[Principal, Depends(_caller)]


async def _visitor(
    request: Request,
    desk: CurrentDesk,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal | None:
    if credentials is None and desk.settings.public_roadmap:
        return None
    return await _caller(request, desk, credentials)


Visitor = Annotated[Principal | None, Depends(_visitor)]
"""The caller, or nobody where the desk shows its roadmap to everybody."""


def secret_of(request: Request) -> str:
    """The token of a request whose caller is known."""
    return request.headers["authorization"].split(" ", 1)[1]


async def still(reader: Reader, secret: str, action: str) -> Principal:
    """The caller as they are now, in the middle of a long answer. Raises Unauthorized or Forbidden, which ends it."""
    caller = await tokens.authenticate_token(reader, secret)
    if caller is None:
        raise Unauthorized("token_invalid", "The token is unknown, expired or revoked. Sign in again.")
    check(caller, action)
    return caller


async def caller_of(request: Request) -> Principal:
    """The same before anything of the request is read."""
    return await _caller(request, await _desk(request), await bearer(request))


async def _if_match(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise Invalid("invalid_version", 'If-Match must be a version such as "3".', field="If-Match")
    return int(found[1])


IfMatch = Annotated[int | None, Depends(_if_match)]
"""The version that the caller changes, or None when they did not say."""


async def _idempotency_key(idempotency_key: Annotated[str | None, Header()] = None) -> str | None:
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise Invalid(
            "invalid_idempotency_key",
            "Idempotency-Key must be 1 to 200 printable ASCII characters.",
            field="Idempotency-Key",
        )
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


async def _arrived_at(request: Request) -> datetime:
    at: datetime = request.scope["state"]["arrived_at"]
    return at


ArrivedAt = Annotated[datetime, Depends(_arrived_at)]
"""When the request reached us, before anything of it was waited for (`api/middleware.py`)."""


def client_address(request: Request) -> str:
    return request.client.host if request.client else "local"
