"""The codec server: administrators read histories, from Temporal's UI or with a token, and nobody else does."""

import base64
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from google.protobuf.json_format import MessageToDict
from httpx import Response
from structlog.testing import capture_logs
from temporalio.api.common.v1 import Payloads

from api.desk import Desk
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.keys import new_key
from runtime.settings import Settings
from runtime.temporal import connect
from storage.database import Database
from tests.api.conftest import Api, MakePerson

UI = "http://127.0.0.1:8233"
KEY, OTHER = new_key(), new_key()
PATH = "/api/v1/codec/decode"


@pytest.fixture
async def desk(database: Database, temporal_server: EmbeddedTemporal, tmp_path: Path) -> Desk:
    settings = Settings(
        home=tmp_path,
        temporal_address=temporal_server.address,
        temporal_ui_url=UI,
        encryption_key=KEY.text,
    )
    return Desk(settings=settings, database=database, temporal=await connect(settings))


async def encrypted(desk: Desk, value: Any) -> dict[str, Any]:
    """As Temporal's UI sends it."""
    payloads = await desk.temporal.data_converter.encode([value])
    return MessageToDict(Payloads(payloads=payloads))


def plain(answer: Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["payloads"][0]["data"])


async def sign_in(client: Api, email: str, password: str) -> Response:
    return await client.post("/api/v1/codec", data={"email": email, "password": password})


async def test_an_administrator_reads_with_a_token_and_it_is_told(admin: Api, desk: Desk) -> None:
    body = await encrypted(desk, "打印机")
    with capture_logs() as lines:
        answer = await admin.post(
            f"{PATH}?preserveStorageRefs=true", json=body, headers={"X-Namespace": "default"}
        )
    assert plain(answer).decode() == '"打印机"'
    assert {"event": "histories_decoded", "person_id": str(admin.person_id), "payloads": 1} in [
        {name: value for name, value in line.items() if name != "log_level"} for line in lines
    ]


async def test_nobody_else_reads(client: Api, make_person: MakePerson, desk: Desk) -> None:
    body = await encrypted(desk, "secret")
    assert (await client.post(PATH, json=body)).status_code == 401
    for role in ("requester", "agent", "manager", "editor", "moderator"):
        person = await make_person(role)
        assert (await person.post(PATH, json=body)).status_code == 403


async def test_a_token_must_be_made_for_it(admin: Api, client: Api, desk: Desk) -> None:
    body = await encrypted(desk, "secret")
    for scope, status in (("tickets:write", 403), ("histories:read", 200)):
        made = await admin.post("/api/v1/tokens", json={"name": "x", "scopes": [scope]})
        headers = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await client.post(PATH, json=body, headers=headers)).status_code == status
        assert (
            scope == "tickets:write"
            or (await client.get("/api/v1/tickets", headers=headers)).status_code == 403
        )


async def test_the_ui_reads_with_the_cookie_of_who_signed_in(
    client: Api, make_person: MakePerson, desk: Desk
) -> None:
    await make_person("admin", email="root@desk.example", password="correct horse battery")
    page = await client.get("/api/v1/codec")
    assert "form-action 'self'" in page.headers["content-security-policy"]
    signed_in = await sign_in(client, "root@desk.example", "correct horse battery")
    assert signed_in.status_code == 303
    cookie = signed_in.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/api/v1/codec"))
    body = await encrypted(desk, "secret")
    answer = await client.post(PATH, json=body, headers={"Origin": UI})
    assert plain(answer) == b'"secret"'
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_the_cookie_counts_for_no_other_page(client: Api, make_person: MakePerson, desk: Desk) -> None:
    await make_person("admin", email="root@desk.example", password="correct horse battery")
    await sign_in(client, "root@desk.example", "correct horse battery")
    body = await encrypted(desk, "secret")
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Origin": f"{UI}.evil.example"},
        {"Origin": "null"},
    ):
        answer = await client.post(PATH, json=body, headers=headers)
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
        asked = await client.options(PATH, headers={**headers, "Access-Control-Request-Method": "POST"})
        assert "access-control-allow-origin" not in asked.headers
    assert (await client.get("/api/v1/tickets")).status_code == 401


async def test_a_wrong_password_or_role_gets_nowhere(
    client: Api, make_person: MakePerson, desk: Desk
) -> None:
    await make_person("agent", email="agent@desk.example", password="correct horse battery")
    assert (await sign_in(client, "agent@desk.example", "wrong")).status_code == 401
    await sign_in(client, "agent@desk.example", "correct horse battery")
    answer = await client.post(PATH, json=await encrypted(desk, "secret"), headers={"Origin": UI})
    assert answer.status_code == 403


async def test_the_browser_of_the_ui_may_ask(client: Api) -> None:
    answer = await client.options(PATH, headers={"Origin": UI, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == UI
    assert "x-namespace" in answer.headers["access-control-allow-headers"]
    refused = await client.post(PATH, json={"payloads": []}, headers={"Origin": UI})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == UI


async def test_what_no_key_opens_comes_back_as_it_was(admin: Api, desk: Desk) -> None:
    elsewhere = await connect(
        Settings(temporal_address=desk.settings.temporal_address, encryption_key=OTHER.text)
    )
    body = MessageToDict(Payloads(payloads=await elsewhere.data_converter.encode(["unreadable"])))
    clear = MessageToDict(Payloads(payloads=await desk.temporal.data_converter.encode(["readable"])))
    body["payloads"] += clear["payloads"]
    answer = (await admin.post(PATH, json=body)).json()["payloads"]
    assert answer[0] == body["payloads"][0]
    assert base64.b64decode(answer[1]["data"]) == b'"readable"'


@pytest.mark.parametrize("body", [{"payloads": 7}, {"payloads": [{"data": 7}]}, {"payloads": [{}] * 1001}])
async def test_nonsense_is_refused(admin: Api, body: dict[str, Any], app: FastAPI) -> None:
    answer = await admin.post(PATH, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "payloads")


async def test_another_namespace_is_refused(admin: Api) -> None:
    answer = await admin.post(PATH, json={"payloads": []}, headers={"X-Namespace": "other"})
    assert answer.status_code == 422
