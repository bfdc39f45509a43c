"""The store of objects: whole or not at all, in chunks, and honest about what is wrong."""

import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.objects import Objects, attachment_key, open_objects
from domain.errors import NotFound, Unavailable
from runtime.settings import SettingError
from tests.conftest import free_port

KEY = attachment_key(uuid4(), uuid4())
MIB = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "some where" / "attachments"


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, folder: Path) -> Objects:
    return open_objects(folder.as_uri() if request.param == "folder" else "memory:///")


async def chunks(*parts: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if error is not None:
        raise error


async def content(objects: Objects, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in await objects.get(KEY, start, end)])


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_object_comes_back_as_it_went_in(objects: Objects) -> None:
    data = bytes(range(256)) * (3 * MIB // 256)
    await objects.put(KEY, chunks(data[:7], data[7:MIB], data[MIB:]))
    assert await content(objects, 0, len(data)) == data
    assert await content(objects, 5, 300) == data[5:300]


async def test_a_large_object_comes_in_chunks(objects: Objects) -> None:
    await objects.put(KEY, chunks(*[bytes(MIB)] * 4))
    sizes = [len(chunk) async for chunk in await objects.get(KEY, 0, 4 * MIB)]
    assert sum(sizes) == 4 * MIB
    if len(sizes) > 1:  # memory has it in one piece
        assert max(sizes) <= MIB


async def test_a_put_that_fails_leaves_nothing_and_tells_the_reason(folder: Path) -> None:
    objects = open_objects(folder.as_uri())
    with pytest.raises(LookupError, match="mine"):
        await objects.put(KEY, chunks(*[bytes(MIB)] * 5, error=LookupError("mine")))
    assert files(folder) == []


async def test_a_put_that_is_cancelled_leaves_nothing(folder: Path) -> None:
    objects, started = open_objects(folder.as_uri()), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB)
        started.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(objects.put(KEY, endless()))
    await started.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    async with asyncio.timeout(5):
        while files(folder):  # noqa: ASYNC110  the file goes when the store's own thread lets go of it
            await asyncio.sleep(0.01)


async def test_a_put_that_fails_keeps_the_object_that_was_there(objects: Objects) -> None:
    await objects.put(KEY, chunks(b"old"))
    with pytest.raises(LookupError):
        await objects.put(KEY, chunks(b"new", error=LookupError()))
    assert await content(objects, 0, 3) == b"old"


async def test_deleting_twice_is_once(objects: Objects) -> None:
    await objects.put(KEY, chunks(b"x"))
    await objects.delete(KEY)
    await objects.delete(KEY)
    with pytest.raises(NotFound):
        await objects.get(KEY, 0, 1)


async def test_a_sweep_sees_the_keys_of_old_objects(objects: Objects) -> None:
    await objects.put(KEY, chunks(b"x"))
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert [key async for page in objects.older_than(soon) for key in page] == [KEY]
    assert [key async for page in objects.older_than(soon, "elsewhere") for key in page] == []
    past = datetime.now(UTC) - timedelta(minutes=1)
    assert [key async for page in objects.older_than(past) for key in page] == []


def test_the_folder_is_for_its_owner_only(folder: Path) -> None:
    open_objects(folder.as_uri())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "url",
    [
        "file://",
        "file:///",
        "file://elsewhere/attachments",
        "file:///dev/null/attachments",
        "s3://",
        "az://container",
        "nonsense",
    ],
)
def test_a_wrong_address_is_one_line_that_names_the_setting(url: str) -> None:
    with pytest.raises(SettingError) as raised:
        open_objects(url)
    assert str(raised.value).startswith("DURADESK_ATTACHMENTS_URL: ")
    assert "\n" not in str(raised.value)


async def test_a_bucket_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    objects = open_objects("s3://bucket/attachments")
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable) as raised:
            await objects.get(KEY, 0, 1)
        assert "builder error" not in str(raised.value.__cause__)  # it was asked, over plain HTTP
        with pytest.raises(Unavailable):
            await objects.put(KEY, chunks(b"x"))


async def test_a_folder_that_cannot_be_written_is_unavailable(folder: Path) -> None:
    objects = open_objects(folder.as_uri())
    (folder / "tickets").write_text("in the way")
    with pytest.raises(Unavailable):
        await objects.put(KEY, chunks(b"x"))
