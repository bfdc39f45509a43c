"""The codec server of Temporal's UI and command line: shows administrators what stands encrypted in histories.

It only decodes, and only what this desk's keys open. A program sends a token. A browser that looks at Temporal's
UI cannot send one of ours, so it signs in here once and gets a cookie, which goes to these routes only and counts
only for requests of that UI. Who decoded how much is logged, whatever the log level below ERROR.
"""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
import structlog
from fastapi import APIRouter, Depends, Form, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from api.account.sessions import proven
from api.dependencies import CurrentDesk, bearer, client_address
from api.errors import desk_problem, invalid_problem
from api.throttle import wrong_tokens
from domain.account import Principal, Scope
from domain.authorization import check
from domain.errors import DeskError, Invalid, Unauthorized
from runtime.codec import KeyMissing, PayloadDamaged
from runtime.settings import Settings
from storage.account import tokens

_log = structlog.get_logger()

COOKIE: Final = "duradesk-codec"
SIGNED_IN_FOR: Final = timedelta(hours=8)
_PAYLOADS_MAX: Final = 1000
_ASKED: Final = "content-type, x-namespace, authorization, authorization-extras"
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Duradesk: read histories</title>
<h1>Read encrypted histories</h1><p>{words}</p><form method="post">
<p><label>Email <input name="email" type="email" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Sign in</button></p></form></html>"""
_ASK: Final = "Sign in as an administrator. Temporal's UI may then show what is encrypted, for eight hours."
_DONE: Final = "Signed in for eight hours. In Temporal's UI, name this codec server and include credentials."
_POLICY: Final = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"


class _ForTheUi(APIRoute):
    """A route whose answers, refusals too, may be read by pages of Temporal's UI and of nobody else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await answer(request)
            except DeskError as error:
                response = desk_problem(request.scope, error)
            except RequestValidationError as error:
                response = invalid_problem(request, error)
            response.headers["Vary"] = "Origin"
            if _is_of_the_ui(request):
                response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
                response.headers["Access-Control-Allow-Credentials"] = "true"
            return response

        return handle


router = APIRouter(prefix="/codec", tags=["codec"], route_class=_ForTheUi)
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Made by signing in at this address.")


async def _reader(
    request: Request,
    desk: CurrentDesk,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """Whoever the token is of, else the cookie; a cookie counts only for pages of the UI."""
    secrets = [credentials.credentials] if credentials else []
    if cookie and _is_of_the_ui(request):
        secrets.append(cookie)
    for secret in secrets:
        if principal := await tokens.authenticate(desk.database, secret):
            return principal
    if secrets:
        await wrong_tokens(request).count(desk, client_address(request))
    raise Unauthorized("token_invalid", "Sign in at this codec server as an administrator, or send a token.")


@router.post("/decode", response_model=None)
async def decode(
    body: dict[str, Any],
    caller: Annotated[Principal, Depends(_reader)],
    desk: CurrentDesk,
    x_namespace: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    """Payloads of Temporal's JSON form, decrypted. What no key of this desk opens comes back as it was."""
    check(caller, "codec.decode")
    if x_namespace not in (None, desk.temporal.namespace):
        raise Invalid(
            "other_namespace", f"This desk's namespace is {desk.temporal.namespace}.", field="X-Namespace"
        )
    try:
        # As text again, because the parser breaks on a dict that holds half of a surrogate pair.
        payloads = Parse(orjson.dumps(body), Payloads(), ignore_unknown_fields=True).payloads
    except (ParseError, orjson.JSONEncodeError):
        raise Invalid("invalid_payloads", "Send {payloads: [{metadata, data}]}.", field="payloads") from None
    if len(payloads) > _PAYLOADS_MAX:
        raise Invalid("too_many_payloads", f"Send at most {_PAYLOADS_MAX} payloads.", field="payloads")
    opened = [await _opened(desk.temporal.data_converter.payload_codec, payload) for payload in payloads]
    _log.warning("histories_decoded", person_id=str(caller.person_id), payloads=len(opened))
    return MessageToDict(Payloads(payloads=opened))


async def _opened(codec: Any, payload: Payload) -> Payload:
    try:
        return (await codec.decode([payload]))[0]  # type: ignore[no-any-return]  # the client's own codec
    except (KeyMissing, PayloadDamaged):
        return payload


@router.options("/decode", include_in_schema=False)
async def allowed(request: Request) -> Response:
    """What a browser asks before it lets a page of another port send anything."""
    headers = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": _ASKED}
    return Response(status_code=204, headers=headers if _is_of_the_ui(request) else {})


@router.get("", include_in_schema=False)
async def page(signed_in: bool = False) -> HTMLResponse:
    """Where an administrator signs in for Temporal's UI."""
    words = _DONE if signed_in else _ASK
    return HTMLResponse(_PAGE.format(words=words), headers={"Content-Security-Policy": _POLICY})


@router.post("", include_in_schema=False)
async def sign_in(
    email: Annotated[str, Form(max_length=320)],
    password: Annotated[str, Form(max_length=200)],
    desk: CurrentDesk,
    request: Request,
) -> RedirectResponse:
    """The cookie's token can do nothing but decode."""
    person_id = await proven(desk, request, email, password)
    async with desk.database.writing() as writer:
        issued = await tokens.issue(
            writer,
            person_id,
            "codec",
            expires_at=datetime.now(UTC) + SIGNED_IN_FOR,
            scopes=[Scope.HISTORIES_READ],
        )
    response = RedirectResponse(f"{request.url.path}?signed_in=true", status_code=303)
    response.set_cookie(
        COOKIE,
        issued.secret,
        max_age=int(SIGNED_IN_FOR.total_seconds()),
        path=request.url.path,
        secure=desk.settings.base_url.startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    return response


def _is_of_the_ui(request: Request) -> bool:
    settings: Settings = request.app.state.desk.settings
    return request.headers.get("origin") == settings.temporal_ui_url
