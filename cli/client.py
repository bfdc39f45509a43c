"""The command line's way into the API: where the desk is, who calls, and what its answers mean.

A command calls `run` with a coroutine that is handed a `DeskClient`. Every error that can be expected is one of
the two below, whose message is one line for the person; `cli.main` prints it. Whether to try again is the
caller's decision. What the caller is known by is `cli.credentials`'.
"""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson
import typer

from cli.credentials import Credentials, SignIn
from domain.errors import DeskError, Invalid
from runtime.settings import PREFIX as NAME
from runtime.settings import SettingError, Settings, load_settings
from runtime.version import desk_version

Result = TypeVar("Result")

PREFIX: Final = "/api/v1"
PAGE_SIZE_MAX: Final = 100
# The API itself answers within ten seconds, whatever is away.
_TIMEOUT: Final = httpx.Timeout(30, connect=5)
_CHUNK: Final = 2**18
_TEMPORARY: Final = frozenset({429, 502, 503, 504})

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        help="API token. Better in DURADESK_TOKEN, where other users of the machine do not see it. Without one, "
        "on the desk's own machine, the first administrator signs in.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


class Unreachable(DeskError):
    """No answer: nobody listens, the connection broke, or it took too long."""

    kind = "unavailable"
    temporary = True
    retry_after: float | None = None


class Refused(DeskError):
    """The desk answered with a problem document. `temporary`: the very same request may succeed later."""

    kind = "refused"

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        code, detail = str(document.get("code", "")), str(document.get("detail", ""))
        super().__init__(code, _one_line(code, detail, document.get("errors") or []))
        self.status = status
        self.temporary = status in _TEMPORARY
        self.retry_after = retry_after


def _one_line(code: str, detail: str, errors: list[Mapping[str, Any]]) -> str:
    """`code: detail (field: message; …)`; the detail is left out where the fields say it already."""
    fields = [(str(error.get("field")), str(error.get("message"))) for error in errors if error.get("field")]
    texts = [f"{field}: {message}" for field, message in fields]
    if detail in [*texts, *(message for _, message in fields)]:
        text = f"{code}: {'; '.join(texts)}"
    else:
        text = f"{code}: {detail}" + (f" ({'; '.join(texts)})" if texts else "")
    return " ".join(text.split())


def run(work: Callable[["DeskClient"], Awaitable[Result]], token: str | None) -> Result:
    """Does `work` with a client of the desk that the settings name, and closes the client."""

    async def main() -> Result:
        async with DeskClient(load_settings(), token) as client:
            return await work(client)

    return asyncio.run(main())


def address_of(settings: Settings) -> str:
    """Where the API is: BASE_URL if it is set, else the port that it listens on here."""
    if settings.base_url != f"http://{settings.host}:{settings.port}":
        return settings.base_url
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


class DeskClient:
    """Raises Unreachable and Refused. A session that has ended is renewed once, without the caller's notice."""

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        self.address = address_of(settings)
        self._credentials = Credentials(settings, self.address, token)
        self._signing_in = asyncio.Lock()
        self._token: str | None = None
        self._http = _http(self.address)

    async def __aenter__(self) -> "DeskClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """The body of the answer. A parameter that is None or an empty list is left out."""
        sent = {name: value for name, value in params.items() if value is not None and value != []}
        return _body(await self.call("GET", path, params=sent))

    async def post(self, path: str, body: Any, **headers: str | None) -> Any:
        return _body(await self.call("POST", path, body=body, **headers))

    async def patch(self, path: str, body: Any) -> Any:
        return _body(await self.call("PATCH", path, body=body))

    async def rows(self, path: str, limit: int | None = None, **params: Any) -> tuple[list[Any], bool]:
        """Up to `limit` rows of a list, page by page, and whether there are more."""
        size = PAGE_SIZE_MAX if limit is None else min(limit, PAGE_SIZE_MAX)
        page = await self.get(path, **{**params, "page[size]": size})
        found: list[Any] = page["data"]
        while page["links"]["next"] and (limit is None or len(found) < limit):
            query = urlsplit(page["links"]["next"]).query
            page = _body(await self.call("GET", f"{path}?{query}"))
            found += page["data"]
        has_more = bool(page["meta"]["has_more"]) or (limit is not None and len(found) > limit)
        return found[:limit], has_more

    async def call(
        self, method: str, path: str, *, params: Any = None, body: Any = None, **headers: str | None
    ) -> httpx.Response:
        """One request as the caller. Names of headers are written with underscores."""
        content = None if body is None else _written(body)
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if content is not None:
            sent["Content-Type"] = "application/json"
        return self._checked(
            await self._as_caller(lambda token: self._ask(method, path, params, content, sent, token))
        )

    async def send_file(self, path: str, file: Path, media_type: str, **params: Any) -> httpx.Response:
        """A file as the body, a chunk at a time."""
        sent = {"Content-Type": media_type}
        return self._checked(
            await self._as_caller(
                lambda token: self._ask("POST", path, params, _chunks_of(file), sent, token)
            )
        )

    @asynccontextmanager
    async def download(self, path: str, **params: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of the answer as it comes in, whatever its size."""
        sent = {name: value for name, value in params.items() if value is not None}
        answer = await self._as_caller(
            lambda token: self._ask("GET", path, sent, None, {}, token, stream=True)
        )
        try:
            with self._told():
                if not answer.is_success:
                    await answer.aread()
            self._checked(answer)
            yield self._chunks(answer)
        finally:
            await answer.aclose()

    async def _chunks(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        with self._told():
            async for chunk in answer.aiter_bytes():
                yield chunk

    async def _as_caller(self, ask: Callable[[str], Awaitable[httpx.Response]]) -> httpx.Response:
        """The answer to `ask` with a token; with a new one if a session has ended."""
        token = self._token or await self._sign_in(None)
        answer = await ask(token)
        if answer.status_code == 401 and self._credentials.can_renew:
            await answer.aclose()
            answer = await ask(await self._sign_in(token))
        return answer

    async def _sign_in(self, ended: str | None) -> str:
        """A token other than `ended`; of many requests that miss one at once, only the first signs in."""
        async with self._signing_in:
            if self._token is None or self._token == ended:
                if ended is None and (kept := self._credentials.kept()):
                    self._token = kept
                else:
                    self._token = await self._renewed()
            return self._token

    async def _renewed(self) -> str:
        known = self._credentials.sign_in()
        if known is None:
            await self._ask("GET", "/people/me", None, None, {}, "")  # whether anybody is there is said first
            raise self._credentials.missing()
        content = orjson.dumps({"email": known.email, "password": known.password})
        headers = {"Content-Type": "application/json"}
        answer = await self._ask("POST", "/sessions", None, content, headers, "")
        if answer.status_code == 401:
            raise _wrong_password(known)
        token = str(_body(self._checked(answer))["token"])
        self._credentials.keep(token)
        return token

    async def _ask(
        self,
        method: str,
        path: str,
        params: Any,
        content: bytes | AsyncIterator[bytes] | None,
        headers: dict[str, str],
        token: str,
        *,
        stream: bool = False,
    ) -> httpx.Response:
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        with self._told():
            request = self._http.build_request(method, path, params=params, content=content, headers=headers)
            return await self._http.send(request, stream=stream)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What breaks on the way, as Unreachable."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            why = f" ({error})" if self.address.startswith("https:") else ""
            raise Unreachable(
                "unreachable", f"The desk does not answer at {self.address}. Is it running? (make up){why}"
            ) from None
        except UnicodeEncodeError:
            raise Invalid("invalid_character", "An argument holds bytes that are not UTF-8.") from None
        except httpx.TimeoutException:
            raise Unreachable(
                "timeout", f"The desk at {self.address} did not answer within {_TIMEOUT.read:g} s."
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unreachable(
                "interrupted", f"The desk at {self.address} broke the connection off: {error}."
            ) from None

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind != "application/problem+json":
            text = f"What answers at {self.address} is not a desk, or something between us and it is away."
            raise Refused(answer.status_code, {"code": f"http_{answer.status_code}", "detail": text})
        raise Refused(answer.status_code, _body(answer), _seconds(answer.headers.get("retry-after", "")))


def _http(address: str) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            base_url=address + PREFIX,
            timeout=_TIMEOUT,
            headers={"User-Agent": f"duradesk/{desk_version()}"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            # A proxy for the outer world is none for this machine.
            trust_env=not _is_this_machine(address),
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise SettingError(f"{NAME}BASE_URL={address!r}: {error}.") from None


def _written(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except (
        UnicodeEncodeError
    ):  # half of a surrogate pair: escaped, it reaches the desk and is refused by name
        return json.dumps(body).encode()


async def _chunks_of(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        while chunk := await asyncio.to_thread(opened.read, _CHUNK):
            yield chunk


def _body(answer: httpx.Response) -> Any:
    try:
        return orjson.loads(answer.content) if answer.content else None
    except orjson.JSONDecodeError:
        raise Refused(
            answer.status_code, {"code": "not_json", "detail": f"What answers at {answer.url} is not a desk."}
        ) from None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _wrong_password(known: SignIn) -> Refused:
    detail = f"The desk does not take the password of {known.email} in {known.source}. Use DURADESK_TOKEN."
    return Refused(401, {"code": "invalid_credentials", "detail": detail})


def _is_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
