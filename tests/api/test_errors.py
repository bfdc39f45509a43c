"""Whatever comes in, the answer is a problem document, and never a 500 for the caller's mistake."""

import gc
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from temporalio.service import RPCError, RPCStatusCode

from api import temporal
from api.app import create_app
from api.desk import Desk
from runtime.temporal import connect
from storage.database import Database
from tests.api.conftest import Api, MakePerson
from tests.conftest import free_port

PEOPLE = "/api/v1/people"
PERSON = {"email": "a@desk.example", "name": "A"}


def _is_problem(answer: httpx.Response, status: int) -> bool:
    body = answer.json()
    members = {"type", "title", "status", "detail", "code", "errors", "request_id"}
    return (
        answer.status_code == body["status"] == status
        and members <= set(body)
        and answer.headers["Content-Type"] == "application/problem+json"
        and body["request_id"] == answer.headers["X-Request-Id"]
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid"),
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"email": "\xff"}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"9" * 5000, "invalid_json"),
        (b"null", "invalid"),
        (b"[]", "invalid"),
        (b'"x"', "invalid"),
        (b"{}", "invalid"),
        (b"NaN", "invalid"),
    ],
)
async def test_a_body_that_is_not_the_wanted_json_is_refused(admin: Api, raw: bytes, code: str) -> None:
    answer = await admin.post(PEOPLE, content=raw, headers={"Content-Type": "application/json"})
    assert _is_problem(answer, 422)
    assert answer.json()["code"] == code


@pytest.mark.parametrize(
    "name", ["\x00", "a\x00b", "\ud800", "x\udfffy", "", "  ", "x" * 201, "two\nlines", 7, None, [], {}]
)
async def test_a_name_that_cannot_be_stored_is_refused(admin: Api, name: object) -> None:
    raw = json.dumps({**PERSON, "name": name}).encode()
    answer = await admin.post(PEOPLE, content=raw, headers={"Content-Type": "application/json"})
    assert _is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"] == "name"


@pytest.mark.parametrize("name", ["\u202egnp.exe", "👩‍👩‍👧‍👦", "  王小明 ", "x" * 200])
async def test_a_strange_name_is_kept(admin: Api, name: str) -> None:
    answer = await admin.post(PEOPLE, json={**PERSON, "name": name})
    assert answer.json()["name"] == name.strip()


async def test_a_field_name_that_cannot_be_printed_is_refused(admin: Api) -> None:
    raw = b'{"email": "a@desk.example", "name": "A", "\\ud800": 1}'
    answer = await admin.post(PEOPLE, content=raw, headers={"Content-Type": "application/json"})
    assert _is_problem(answer, 422)
    assert answer.json()["errors"][0]["code"] == "invalid_character"


async def test_an_unknown_field_is_named(admin: Api) -> None:
    answer = await admin.post(PEOPLE, json={**PERSON, "colour": "red"})
    assert _is_problem(answer, 422)
    assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["code"]) == (
        "colour",
        "unknown_field",
    )


async def test_another_content_type_is_415(admin: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await admin.post(PEOPLE, content=b"name=x", headers={"Content-Type": kind})
        assert _is_problem(answer, 415)


async def test_unknown_paths_and_methods_are_problems(admin: Api) -> None:
    assert _is_problem(await admin.get("/api/v1/nothing"), 404)
    assert _is_problem(await admin.get(f"{PEOPLE}/not-an-id"), 404)
    assert _is_problem(await admin.get(f"{PEOPLE}/00000000-0000-4000-8000-000000000000"), 404)
    answer = await admin.delete(PEOPLE)
    assert _is_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


async def test_a_body_that_is_too_large_is_413_announced_or_not(admin: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 2**20

    headers = {"Content-Type": "application/json"}
    assert _is_problem(await admin.post(PEOPLE, content=b" " * (2**21 + 1), headers=headers), 413)
    assert _is_problem(await admin.post(PEOPLE, content=chunks(), headers=headers), 413)


async def test_a_request_id_is_taken_over_only_if_it_is_harmless(client: Api) -> None:
    taken = await client.get("/healthz", headers={"X-Request-Id": "order-66"})
    assert taken.headers["X-Request-Id"] == "order-66"
    made = await client.get("/healthz", headers={"X-Request-Id": "a b\tc"})
    assert len(made.headers["X-Request-Id"]) == 32


async def test_a_database_that_is_away_is_503_and_readiness_says_so(desk: Desk) -> None:
    nowhere = Database("postgresql://desk@127.0.0.1:1/desk")
    away = Desk(settings=desk.settings, database=nowhere, temporal=desk.temporal)
    async with _open(create_app(away)) as client:
        headers = {"Authorization": "Bearer ddk_" + "a" * 43}
        answer = await client.get("/api/v1/people/me", headers=headers)
        assert _is_problem(answer, 503)
        assert answer.headers["Retry-After"] == "5"
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        parts = ready.json()["parts"]
        assert (parts["database"]["up"], parts["temporal"]["up"]) == (False, True)
        assert (await client.get("/healthz")).status_code == 200
    await nowhere.close()


async def test_a_process_engine_that_was_never_there_is_503(desk: Desk, make_person: MakePerson) -> None:
    """An API that starts while Temporal is away connects at the first call."""
    nowhere = await connect(desk.settings, address=f"127.0.0.1:{free_port()}", lazy=True)
    person = await make_person()
    async with _open(create_app(Desk(desk.settings, desk.database, nowhere))) as client:
        body = {"subject": "A", "description": "B"}
        answer = await client.post("/api/v1/tickets", json=body, headers=dict(person.headers))
    assert _is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


async def test_a_start_that_nobody_takes_up_leaves_no_stack_in_the_log(
    desk: Desk, make_person: MakePerson, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal, "LIMIT", timedelta(seconds=1))
    person = await make_person()
    answer = await person.post("/api/v1/tickets", json={"subject": "A", "description": "B"})
    assert (answer.status_code, answer.json()["code"]) == (503, "no_worker")
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_our_own_fault_is_a_logged_500_that_tells_nothing(app: FastAPI) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    async with _open(app) as client:
        answer = await client.get("/broken")
    assert _is_problem(answer, 500)
    assert "secret" not in answer.text


async def test_a_process_engine_that_is_away_is_503(app: FastAPI) -> None:
    @app.get("/away")
    async def away() -> None:
        raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")

    async with _open(app) as client:
        assert _is_problem(await client.get("/away"), 503)


async def test_requests_are_counted_by_route(admin: Api) -> None:
    await admin.get(f"{PEOPLE}/{admin.person_id}")
    families = text_string_to_metric_families((await admin.get("/metrics")).text)
    routes = {
        sample.labels["route"] for family in families for sample in family.samples if "route" in sample.labels
    }
    assert "/api/v1/people/{person_id}" in routes
    assert not any(str(admin.person_id) in route for route in routes)


async def test_openapi_names_problem_documents(client: Api) -> None:
    document = (await client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if path.startswith("/api/") and status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


def _open(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="http://desk.test")
