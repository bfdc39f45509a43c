"""Attachments handed out: harmless to browsers, and only to those who may read them."""

import pytest

from tests.api.attachment.conftest import World, send
from tests.api.conftest import Api
from tests.rows import insert_ticket

HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"


@pytest.mark.parametrize(
    ("name", "declared", "data"),
    [
        ("a.png", "image/png", HTML),
        ("a.svg", "image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("a.txt", "text/plain", b"#!/bin/sh\n"),
        ("a.exe", "image/png", b"MZ\x90\x00"),
        ("a.js", "text/plain", b"alert(1)"),
    ],
)
async def test_what_a_browser_might_run_is_handed_out_as_bytes(
    world: World, name: str, declared: str, data: bytes
) -> None:
    answer = await send(world.asker, world.path, name, data, declared)
    got = await world.asker.get(answer.headers["Location"])
    assert got.content == data
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert got.headers["Cache-Control"] == "private, no-cache"


async def test_an_attachment_belongs_to_its_ticket_only(world: World) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"x")).headers["Location"]
    other = await insert_ticket(world.database, world.stranger.person_id)
    wrong = f"/api/v1/tickets/{other}/attachments/{location.rpartition('/')[2]}"
    assert (await world.stranger.get(wrong)).status_code == 404
    assert (await world.agent.delete(wrong)).status_code == 404
    assert (await world.asker.get(f"{world.path}/not-an-id")).status_code == 404


async def test_without_a_token_nothing_is_there(world: World, client: Api) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"x")).headers["Location"]
    assert (await send(client, world.path, "a.txt", b"x")).status_code == 401
    assert (await client.get(location)).status_code == 401


async def test_internal_ones_are_the_staffs(world: World) -> None:
    answer = await send(world.agent, world.path, "a.txt", b"x", visibility="internal")
    location = answer.headers["Location"]
    assert answer.json()["visibility"] == "internal"
    assert (await world.agent.get(location)).content == b"x"
    assert len((await world.agent.get(world.path)).json()["data"]) == 1
    assert (await world.asker.get(world.path)).json()["data"] == []
    for call in (world.asker.get, world.asker.head, world.asker.delete):
        assert (await call(location)).status_code == 404


async def test_the_staff_takes_away_record_and_content(world: World) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"x")).headers["Location"]
    assert (await world.asker.delete(location)).status_code == 403
    assert (await world.agent.delete(location)).status_code == 204
    assert (await world.agent.delete(location)).status_code == 404
    assert (await world.asker.get(location)).status_code == 404
    assert (world.objects(), await world.rows()) == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "status", "content", "where"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-99999999999", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-99", 200, b"0123456789", None),
        ("bytes=0-", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-3", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=" + "9" * 5000 + "-", 200, b"0123456789", None),
    ],
)
async def test_a_range_is_a_part_of_the_content(
    world: World, wanted: str, status: int, content: bytes | None, where: str | None
) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"0123456789")).headers["Location"]
    got = await world.asker.get(location, headers={"Range": wanted})
    assert (got.status_code, got.headers.get("Content-Range")) == (status, where)
    if content is not None:
        assert (got.content, got.headers["Content-Length"]) == (content, str(len(content)))


async def test_what_the_caller_has_already_is_not_sent_again(world: World) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"0123456789")).headers["Location"]
    etag = (await world.asker.head(location)).headers["ETag"]
    known = await world.asker.get(location, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (known.status_code, known.content) == (304, b"")
    other = await world.asker.get(location, headers={"Range": "bytes=1-2", "If-Range": '"x"'})
    assert other.status_code == 200
    same = await world.asker.get(location, headers={"Range": "bytes=1-2", "If-Range": etag})
    assert same.content == b"12"


async def test_head_says_what_get_would_send(world: World) -> None:
    location = (await send(world.asker, world.path, "报告.pdf", b"%PDF-1.7\n")).headers["Location"]
    head, got = await world.asker.head(location), await world.asker.get(location)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Content-Disposition", "ETag", "Accept-Ranges"):
        assert head.headers[name] == got.headers[name]


async def test_content_that_is_gone_is_404(world: World) -> None:
    location = (await send(world.asker, world.path, "a.txt", b"x")).headers["Location"]
    for path in world.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    answer = await world.asker.get(location)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_missing")
