"""Attaching over HTTP: what comes in is bounded, judged, and there once."""

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert

from domain.attachment import ATTACHMENTS_PER_TICKET
from storage.tables.attachment import AttachmentRow
from tests.api.attachment.conftest import World, send
from tests.api.conftest import Api

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(50)
LIMIT = 10 * 2**20


async def raw_form(world: World, body: bytes, boundary: str = "b") -> httpx.Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return await world.asker.post(world.path, content=body, headers=headers)


def part(disposition: str, body: bytes, more: str = "") -> bytes:
    head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode()
    return head + body + b"\r\n"


END = b"--b--\r\n"
FILE = part('name="file"; filename="a.txt"', b"hello")


async def test_a_file_goes_in_and_comes_out(world: World) -> None:
    answer = await send(world.asker, world.path, "屏幕 截图.png", PNG, "image/png")
    record = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{world.path}/{record['id']}"
    assert (record["name"], record["media_type"], record["size"], record["visibility"]) == (
        "屏幕 截图.png",
        "image/png",
        len(PNG),
        "public",
    )
    assert record["sha256"] == sha256(PNG).hexdigest()
    assert record["created_by"]["id"] == str(world.asker.person_id)
    assert "key" not in record
    got = await world.agent.get(answer.headers["Location"])
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, PNG, "image/png")
    assert (await world.asker.get(world.path)).json()["data"] == [record]


async def test_the_body_itself_can_be_the_file(world: World) -> None:
    answer = await world.asker.post(
        world.path,
        params={"name": "../log 1.txt"},
        content=b"a line\n",
        headers={"Content-Type": "text/plain"},
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "log 1.txt")
    got = await world.asker.get(answer.headers["Location"])
    assert got.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert got.headers["Content-Disposition"] == 'inline; filename="log 1.txt"'


@pytest.mark.parametrize(
    ("given", "name", "header"),
    [
        ("../../etc/passwd", "passwd", 'filename="passwd"'),
        ("a\r\nX-Evil: 1", "aX-Evil: 1", 'filename="aX-Evil: 1"'),
        ("x\u202etxt.png", "xtxt.png", 'filename="xtxt.png"'),
        ("🙂.txt", "🙂.txt", "filename=\"_.txt\"; filename*=UTF-8''%F0%9F%99%82.txt"),
        ('say "hi".txt', 'say "hi".txt', "filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"),
        ("a\x00b", "ab", 'filename="ab"'),
        ("x" * 1000 + ".txt", "x" * 251 + ".txt", f'filename="{"x" * 251}.txt"'),
        ("报" * 1000, "报" * 255, f"filename=\"{'_' * 255}\"; filename*=UTF-8''{'%E6%8A%A5' * 255}"),
        ("..", "attachment", 'filename="attachment"'),
    ],
)
async def test_a_hostile_name_is_made_harmless(world: World, given: str, name: str, header: str) -> None:
    escaped = given.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    form = await raw_form(world, part(f'name="file"; filename="{escaped}"', b"x") + END)
    bare = await world.asker.post(
        world.path, params={"name": given}, content=b"x", headers={"Content-Type": "text/plain"}
    )
    for answer in (form, bare):
        assert (answer.status_code, answer.json()["name"]) == (201, name)
        got = await world.asker.get(answer.headers["Location"])
        assert got.headers["Content-Disposition"] == f"inline; {header}"
        assert "X-Evil" not in got.headers


async def test_the_limit_holds_to_the_byte(world: World) -> None:
    largest = os.urandom(LIMIT)
    answer = await send(world.asker, world.path, "a.bin", largest)
    assert answer.status_code == 201
    assert (await world.asker.get(answer.headers["Location"])).content == largest
    for kind in ("form", "bare", "streamed"):
        assert (await _oversized(world, kind, LIMIT + 1)).status_code == 413, kind
        answer = await _oversized(world, kind, 2 * LIMIT)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), kind
    assert (world.objects(), await world.rows()) == (1, 1)


async def _oversized(world: World, kind: str, size: int) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 2**16):
            yield b"x" * min(2**16, size - start)

    if kind == "form":
        return await send(world.asker, world.path, "a", b"x" * size)
    content: Any = b"x" * size if kind == "bare" else chunks()
    headers = {"Content-Type": "application/octet-stream"}
    return await world.asker.post(world.path, params={"name": "a"}, content=content, headers=headers)


async def test_an_empty_file_is_refused(world: World) -> None:
    assert (await send(world.asker, world.path, "a.txt", b"")).json()["code"] == "empty_file"
    answer = await world.asker.post(
        world.path, params={"name": "a"}, content=b"", headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "empty_file")
    assert (world.objects(), await world.rows()) == (0, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_multipart"),
        (b"garbage", "invalid_multipart"),
        (b"\x00\xff" * 100, "invalid_multipart"),
        (FILE, "invalid_multipart"),
        (FILE[:-4], "invalid_multipart"),
        (b"--b\r\nno colon\r\n\r\nx\r\n" + END, "invalid_multipart"),
        (part('name="file"', b"x", "X: " + "y" * 20_000 + "\r\n") + END, "invalid_multipart"),
        (part('name="visibility"', b"public") + END, "required"),
        (part('name="other"', b"x") + FILE + END, "unknown_field"),
        (part("", b"x") + END, "unknown_field"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END, "unknown_field"),
        (FILE + FILE + END, "repeated_field"),
        (FILE + part('name="visibility"', b"secret") + END, "enum"),
        (FILE + part('name="visibility"', b"x" * 100_000) + END, "enum"),
        (FILE + part('name="visibility"', b"\xff\x00") + END, "enum"),
    ],
)
async def test_a_form_that_is_not_one_is_refused(world: World, body: bytes, code: str) -> None:
    answer = await raw_form(world, body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (world.objects(), await world.rows()) == (0, 0)


async def test_a_form_needs_a_boundary(world: World) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; x"):
        answer = await world.asker.post(world.path, content=FILE + END, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_multipart")
    assert (await raw_form(world, FILE + END, "b" * 300)).status_code == 422


async def test_a_body_that_is_neither_form_nor_named_file_is_415(world: World) -> None:
    named = {"name": "a"}
    for kind, query in (
        ("application/json", {}),
        ("text/plain", {}),
        ("multipart/mixed; boundary=b", named),
        ("application/x-www-form-urlencoded", named),
        ("", named),
    ):
        headers = {"Content-Type": kind} if kind else {}
        answer = await world.asker.post(world.path, content=b"x", params=query, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), kind
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    answer = await world.asker.post(world.path, content=b"x", params=named, headers=headers)
    assert answer.status_code == 415


async def test_an_unknown_parameter_is_422(world: World) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = await world.asker.post(
        world.path, content=b"x", params={"name": "a", "colour": "red"}, headers=headers
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_field")


async def test_a_ticket_of_someone_else_is_404(world: World) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"x")).headers["Location"]
    nowhere = f"/api/v1/tickets/{uuid4()}/attachments"
    assert (await send(world.stranger, world.path, "a.txt", b"x")).status_code == 404
    assert (await send(world.asker, nowhere, "a.txt", b"x")).status_code == 404
    assert (await world.stranger.get(world.path)).status_code == 404
    for call in (world.stranger.get, world.stranger.head, world.stranger.delete):
        assert (await call(location)).status_code == 404
    assert await world.rows() == 1


async def test_a_requester_adds_none_for_the_staff(world: World) -> None:
    form = await send(world.asker, world.path, "a.txt", b"x", visibility="internal")
    late = await raw_form(world, FILE + part('name="visibility"', b"internal") + END)
    bare = await world.asker.post(
        world.path,
        params={"name": "a", "visibility": "internal"},
        content=b"x",
        headers={"Content-Type": "text/plain"},
    )
    assert [answer.status_code for answer in (form, late, bare)] == [403, 403, 403]
    assert (world.objects(), await world.rows()) == (0, 0)


async def test_the_same_key_gives_the_same_attachment(world: World) -> None:
    async def attach(data: bytes, name: str = "a.txt") -> httpx.Response:
        headers = {"Idempotency-Key": "once"}
        return await world.asker.post(world.path, files={"file": (name, data)}, headers=headers)

    first, again = await attach(b"x"), await attach(b"x")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    for other in (await attach(b"y"), await attach(b"x", "b.txt")):
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (world.objects(), await world.rows()) == (1, 1)


async def test_the_same_key_at_once_is_one_attachment_with_its_own_content(world: World) -> None:
    async def attach(number: int) -> httpx.Response:
        headers = {"Idempotency-Key": "once"}
        files = {"file": ("a.txt", str(number % 2).encode())}
        return await world.asker.post(world.path, files=files, headers=headers)

    answers = await asyncio.gather(*(attach(number) for number in range(8)))
    made = {answer.json()["id"]: answer for answer in answers if answer.status_code == 201}
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 4
    (winner,) = made.values()
    got = await world.asker.get(winner.headers["Location"])
    assert sha256(got.content).hexdigest() == winner.json()["sha256"]
    assert (world.objects(), await world.rows()) == (1, 1)


async def test_a_key_is_its_callers_own(world: World) -> None:
    headers = {"Idempotency-Key": "once"}
    for api in (world.asker, world.agent):
        answer = await api.post(world.path, files={"file": ("a.txt", b"x")}, headers=headers)
        assert answer.status_code == 201
    assert await world.rows() == 2


async def test_a_full_ticket_takes_no_more(world: World) -> None:
    record = (await send(world.asker, world.path, "a.txt", b"x")).json()
    fields = {name: record[name] for name in ("name", "media_type", "size", "sha256", "visibility")}
    fields |= {"ticket_id": UUID(record["ticket_id"]), "created_by": world.asker.person_id}
    more = [{**fields, "id": uuid4(), "key": str(number)} for number in range(ATTACHMENTS_PER_TICKET - 1)]
    async with world.database.writing() as writer:
        await writer.execute(insert(AttachmentRow), more)
    answer = await send(world.asker, world.path, "b.txt", b"x")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_attachments")
    assert (world.objects(), await world.rows()) == (1, ATTACHMENTS_PER_TICKET)


async def test_a_store_that_is_away_is_503_and_writes_no_record(world: World) -> None:
    (world.folder / "tickets").write_text("in the way")
    answer = await send(world.asker, world.path, "a.txt", b"x")
    assert (answer.status_code, answer.json()["code"]) == (503, "attachments_away")
    assert await world.rows() == 0


async def test_the_document_names_the_routes(client: Api) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    upload = paths["/api/v1/tickets/{ticket_id}/attachments"]["post"]
    assert set(upload["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream"}
    assert set(paths["/api/v1/tickets/{ticket_id}/attachments/{attachment_id}"]) == {"get", "head", "delete"}
