"""Whatever comes in at whichever route: never a 5xx, and every refusal is a problem document with a code.

A right request (`tests/requests.py`) gets hostile values in the place of each of its values; then come whole
bodies, types, headers and cursors. Each place is tried with a few of the values, in turn, so that all of them come
up at each route; `make fuzz` tries every one at every place.
"""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from copy import deepcopy
from itertools import count
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from api.ticket.listing import TicketQuery
from tests.api.conftest import Api
from tests.requests import API, BODIES, QUERIES, TYPES, address, fill

pytestmark = pytest.mark.timeout(180)

ONES: Final = "1" * 4000
TEXTS: Final = {
    "NUL": '"a\\u0000b"',
    "half of a pair": '"\\ud800"',
    "the other half": '"x\\udfffy"',
    "reversed pair": '"\\udc00\\ud800"',
    "right to left": '"\u202egnp.exe\u200f"',
    "emoji": '"👩‍👩‍👧‍👦"',
    "joined letters": '"' + "a\u0301" * 60 + '"',
    "blank": '" \\t "',
    "empty": '""',
    "lines": '"a\\r\\nBcc: everybody@desk.example"',
    "100,001 characters": '"' + "磁" * 100_001 + '"',
    "template": '"{{7*7}} ${7*7} %s {0}"',
    "SQL": '"\' OR 1=1; DROP TABLE tickets; --"',
    "wildcards": '"%_\\\\"',
    "control": '"\\u001b[2J\\u0007\\u009b"',
    "line separator": '"a\\u2028b\\ufeff"',
    "not a character": '"\\uffff\\ufdd0"',
}
VALUES: Final = {
    "null": "null",
    "true": "true",
    "huge": ONES,
    "huger than the float": "1e400",
    "negative": "-1",
    "64 bits": "18446744073709551616",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "empty list": "[]",
    "empty object": "{}",
    "deep": "[" * 200 + "]" * 200,
    "deep object": '{"a":' * 200 + "1" + "}" * 200,
    "long list": "[" + ",".join(["1"] * 5000) + "]",
    "wide object": "{" + ",".join(f'"k{count}":1' for count in range(5000)) + "}",
    "strange names": '{"\\u0000": 1, "\\ud800": 2, "": 3, "__proto__": {}}',
    "no date": '"2026-02-30"',
    "last instant": '"9999-12-31T23:59:59.999999-14:00"',
    "first instant": '"0001-01-01T00:00:00+14:00"',
    "naive time": '"2026-01-01T00:00:00"',
    "long duration": '"P999999999999D"',
    "ten years": '"P3653D"',
    "years": '"P1Y"',
    "negative duration": '"-PT5M"',
    "no id": '"00000000-0000-4000-8000-000000000000"',
    "no identifier": '"not-an-id"',
    "unknown zone": '"../../etc/passwd"',
    "interval": '[["18:00","09:00"],["00:00","24:00"]]',
}
BODIES_AS_A_WHOLE: Final = {
    "nothing": b"",
    "spaces": b"  \n",
    "half": b'{"name": ',
    "two": b"{}{}",
    "list": b"[]",
    "text": b'"x"',
    "null": b"null",
    "number": b"1",
    "bytes that are not UTF-8": b'{"name": "\xff\xfe"}',
    "overlong": b'{"name": "\xc0\x80"}',
    "surrogates in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "huge number": b"9" * 100_000,
    "duplicate keys": b'{"name": "a", "name": "b", "name": null}',
    "unknown fields": b'{"colour": "red", "__proto__": {}, "\\ud800": 1, "\\u0000": 2}',
    "unpaired": b'{"\\ud800": "\\udc00"}',
    "comment": b"{} // yes",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
    "too large": b'{"name": "' + b"x" * (2**21 + 2**17) + b'"}',
}
TYPES_OF_BODY: Final = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "application/xml",
    "\xff/\xff",
    "",
)


class Strict(httpx.AsyncBaseTransport):
    """Looks at every answer that passes."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.told = ""
        self.wrong: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self.inner.handle_async_request(request)
            answer.request = request
            await answer.aread()
        except Exception as error:  # what leaves the application is as bad as a 500
            self.wrong.append(f"{request.method} {request.url.path}: {self.told}: {error!r}")
            return httpx.Response(500, json={})
        if complaint := complaint_about(answer):
            self.wrong.append(f"{request.method} {request.url.path}: {self.told}: {complaint}")
        return answer


def complaint_about(answer: httpx.Response) -> str:
    if answer.status_code < 400:
        return ""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return f"{answer.status_code} is no problem document"
    if answer.request.method == "HEAD":
        return ""
    body = answer.json()
    named = body["status"] == answer.status_code and body["code"] and body["detail"]
    answer.text.encode("utf-8")
    return "" if named else f"a problem without a code: {answer.text[:200]}"


@pytest.fixture
async def strict(admin: Api) -> AsyncIterator[Strict]:
    """Every request of `admin` is looked at; what was wrong is told at the end."""
    transport = Strict(admin._transport)
    admin._transport = transport
    yield transport
    assert not transport.wrong, f"{len(transport.wrong)} wrong answers:\n" + "\n".join(transport.wrong[:20])


async def send(admin: Api, route: str, raw: bytes, world: dict[str, Any], kind: bytes | None = None) -> int:
    method, path = route.split()
    headers = {"Content-Type": TYPES.get(route, "application/json") if kind is None else kind}
    url = address(path, world) + QUERIES.get(route, "")
    return (await admin.request(method, url, content=raw, headers=headers)).status_code


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The ways to all values inside `value`, objects and lists as well."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield (*path, name)
        yield from places(child, *path, name)


MARK: Final = "\uf8ff"


def written(body: Any, place: tuple[Any, ...], raw: str) -> bytes:
    """`body` as JSON with `raw` at `place`."""
    changed = deepcopy(body)
    holder = changed
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = MARK
    return json.dumps(changed, ensure_ascii=False).replace(f'"{MARK}"', raw).encode("utf-8", "surrogatepass")


def test_every_route_that_writes_is_here(app: FastAPI) -> None:
    routes = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if method in ("post", "put", "patch")
    }
    assert routes == set(BODIES), "tests/requests.py has a right request for every route that writes"


async def test_the_right_requests_are_right(admin: Api, world: dict[str, Any]) -> None:
    """Otherwise a hostile value might be refused for another reason."""
    for route, body in BODIES.items():
        method, path = route.split()
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(fill(body, world))
        headers = {"Content-Type": TYPES.get(route, "application/json")}
        url = address(path, world) + QUERIES.get(route, "")
        answer = await admin.request(method, url, content=raw, headers=headers)
        assert answer.status_code not in (415, 422), (route, answer.text)


Tried = TypeVar("Tried")
EVERY_ONE: Final = os.environ.get("DURADESK_TEST_FUZZ") == "long"
A_FEW: Final = 3
_turn = count()


def some(of: Mapping[str, Tried]) -> list[tuple[str, Tried]]:
    """The next few, around and around; a step that shares no factor with the number of values meets all."""
    names = list(of)
    if not EVERY_ONE:
        names = [names[next(_turn) * 7 % len(names)] for _ in range(A_FEW)]
    return [(name, of[name]) for name in names]


GROUPS: Final = sorted({route.split("/")[1] for route in BODIES})


@pytest.mark.parametrize("group", GROUPS)
async def test_no_value_in_any_field_breaks_a_route(
    group: str, admin: Api, world: dict[str, Any], strict: Strict
) -> None:
    for route, right in BODIES.items():
        body = fill(right, world)
        if route.split("/")[1] != group or not isinstance(body, dict):
            continue
        for place in places(body):
            for name, raw in some({**TEXTS, **VALUES}):
                strict.told = f"{'.'.join(map(str, place))} is {name}"
                await send(admin, route, written(body, place, raw), world)


async def test_no_body_breaks_any_route(admin: Api, world: dict[str, Any], strict: Strict) -> None:
    for route in BODIES:
        for name, raw in [("nothing", b""), *some(BODIES_AS_A_WHOLE)]:
            strict.told = name
            await send(admin, route, raw, world)


async def test_no_content_type_breaks_any_route(admin: Api, world: dict[str, Any], strict: Strict) -> None:
    for route, right in BODIES.items():
        for kind, _ in some(dict.fromkeys(TYPES_OF_BODY)):
            strict.told = kind
            status = await send(admin, route, b"{}", world, kind.encode("latin-1"))
            if isinstance(right, dict) and right and not kind.startswith("application/json"):
                assert status in (415, 422), (route, kind, status)


KEYS: Final = (b"", b" ", b"x" * 201, b"x" * 60_000, b"\xff\xfe", b"a\tb", b"\xe7\xa3\x81", b"a b", b'"key"')
HEADERS: Final = ("Idempotency-Key", "If-Match", "X-Request-Id", "Authorization", "Range", "Content-Encoding")


@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_breaks_a_route(name: str, admin: Api, world: dict[str, Any], strict: Strict) -> None:
    ticket = f"{API}/tickets/{world['ticket_id']}"
    for value in KEYS:
        strict.told = f"{name}: {value[:20]!r}"
        headers = [(b"Content-Type", b"application/json"), (name.encode(), value)]
        note = await admin.post(f"{ticket}/actions/note", json={"body": "Hello."}, headers=headers)
        if name == "Idempotency-Key" and value not in {b"a b", b'"key"'}:
            assert note.json()["errors"][0]["field"] == "Idempotency-Key", value
        await admin.patch(ticket, json={"subject": "Hello"}, headers=headers)
        await admin.get(f"{ticket}/attachments/{world['attachment_id']}", headers=headers)


LISTS: Final = (
    "/people",
    "/teams",
    "/organizations",
    "/tokens",
    "/tickets",
    "/escalations",
    "/sla-policies",
    "/calendars",
    "/notifications",
    "/macros",
    "/bulk",
    "/views",
    "/surveys/tasks",
)
CURSORS: Final = (
    [],
    ["-created_at"],
    ["-created_at", None, None],
    ["-created_at", "2026-01-01T00:00:00", "x"],
    ["name", "a\u0000b", "00000000-0000-4000-8000-000000000000"],
    ["position", 10**30, "00000000-0000-4000-8000-000000000000"],
    ["position", True, {}],
    {"a": 1},
)


@pytest.mark.parametrize("path", LISTS)
async def test_a_forged_cursor_or_one_of_another_list_is_refused(
    path: str, admin: Api, world: dict[str, Any], strict: Strict
) -> None:
    forged = [urlsafe_b64encode(json.dumps(one).encode()).decode() for one in CURSORS]
    for cursor in ["", "%", "x", "磁", "====", "x" * 3000, "AAAA", "%00", *forged]:
        strict.told = f"cursor {cursor[:40]}"
        answer = await admin.get(API + path, params={"page[after]": cursor, "page[size]": "1"})
        assert answer.status_code == 422, (cursor, answer.text)
    for size in ("0", "101", "-1", "9" * 400, "1e3", "", "NaN", "1" * 5000):
        assert (await admin.get(API + path, params={"page[size]": size})).status_code == 422, size
    for instant in ("9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+14:00"):
        far = json.dumps(["-created_at", instant, "00000000-0000-4000-8000-000000000000"]).encode()
        strict.told = f"cursor at {instant}"
        await admin.get(API + path, params={"page[after]": urlsafe_b64encode(far).decode()})


async def test_no_query_breaks_the_list_of_tickets(admin: Api, world: dict[str, Any], strict: Strict) -> None:
    names = admin_query_names()
    for name in names:
        for told, raw in some({**TEXTS, **VALUES}):
            value = json.loads(raw) if raw[0] == '"' else raw
            strict.told = f"{name} is {told}"
            url = f"{API}/tickets?{quote(name)}={quote(str(value), errors='surrogatepass')}"
            await admin.get(url if len(url) < 60_000 else url[:60_000])


def admin_query_names() -> list[str]:
    return [field.alias or name for name, field in TicketQuery.model_fields.items()]


async def test_bodies_of_exactly_the_limit_are_taken(admin: Api, world: dict[str, Any]) -> None:
    """Characters count, not bytes: 400,000 of them here."""
    ticket = f"{API}/tickets/{world['ticket_id']}"
    for character in ("磁", "😀", "\u202e", "x"):
        body = character * 100_000
        said = await admin.post(f"{ticket}/actions/reply", json={"body": body})
        assert said.status_code == 200, said.text
        assert (await admin.get(f"{ticket}/comments?page[size]=100")).json()["data"][-1]["body"] == body
        over = await admin.post(f"{ticket}/actions/reply", json={"body": body + character})
        assert (over.status_code, over.json()["errors"][0]["field"]) == (422, "body")


async def test_a_file_of_20_MB_is_refused(admin: Api, world: dict[str, Any], strict: Strict) -> None:  # noqa: N802
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"\x00" * 2**20

    url = f"{API}/tickets/{world['ticket_id']}/attachments?name=big.bin"
    headers = {"Content-Type": "application/octet-stream"}
    for content in (b"\x00" * 20 * 2**20, chunks()):
        answer = await admin.post(url, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_macro_that_grows_too_long_is_refused(
    admin: Api, world: dict[str, Any], strict: Strict
) -> None:
    reply = {"action": "reply", "body": "x" * 99_980 + "{{ticket.subject}}"}
    made = await admin.post(f"{API}/macros", json={"name": "Long", "actions": [reply]})
    await admin.patch(f"{API}/tickets/{world['ticket_id']}", json={"subject": "x" * 200})
    url = f"{API}/tickets/{world['ticket_id']}/actions/apply"
    answer = await admin.post(url, json={"macro": made.json()["id"]})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "OPTIONS", "HEAD"])
async def test_a_method_that_a_route_has_not_is_405(method: str, admin: Api, strict: Strict) -> None:
    answer = await admin.request(method, f"{API}/tickets")
    assert (answer.status_code, answer.headers["Allow"]) == (405, answer.headers["Allow"])
