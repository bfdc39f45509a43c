"""The store of large things, by key: a folder, or a bucket of S3, Google Cloud or Azure.

Everything passes through in chunks and nothing is kept in memory whole. A key holds all of an object or
nothing: a put that fails or is cancelled leaves no object. What an object means, and who may read it, is
left to the callers. Credentials of a bucket come from the environment, by the names its own tools use.
"""

import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from domain.errors import NotFound, Unavailable
from runtime.settings import PREFIX, SettingError

_log = structlog.get_logger()

Result = TypeVar("Result")

# Buckets take parts of at least 5 MiB; a folder does not mind.
_PART_BYTES: Final = 5 * 2**20
_PARTS_AT_ONCE: Final = 2
_READ_BYTES: Final = 2**18
_TRY_FOR: Final = timedelta(seconds=8)
_PRIVATE: Final = 0o700

ATTACHMENTS: Final = "tickets/"
"""What the keys of attachments begin with."""


class Objects:
    """Raises Unavailable when the store does not answer, and NotFound for a key without an object."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._part_bytes = 2**20 if isinstance(store, LocalStore) else _PART_BYTES

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """An error that `chunks` raises comes out as it is."""
        writing = obstore.put_async(
            self._store, key, chunks, chunk_size=self._part_bytes, max_concurrency=_PARTS_AT_ONCE
        )
        await _answered("put", writing)
        if isinstance(self._store, LocalStore):
            await _answered("put", to_thread(_sync, Path(str(self._store.prefix), key)))

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`. Errors of the start come before any byte."""
        found = await _answered("get", obstore.get_async(self._store, key, options={"range": (start, end)}))
        return aiter(found.stream(_READ_BYTES))

    async def delete(self, key: str) -> None:
        """Also right when there is no such object."""
        with suppress(NotFound):
            await _answered("delete", obstore.delete_async(self._store, key))

    async def older_than(self, moment: datetime, prefix: str = "") -> AsyncIterator[list[str]]:
        """Pages of keys below `prefix` last written before `moment`: what a sweep looks through."""
        pages = aiter(obstore.list(self._store, prefix or None))
        while page := await _answered("list", anext(pages, [])):
            keys = [entry["path"] for entry in page if entry["last_modified"] < moment]
            if keys:
                yield keys


def attachment_key(ticket_id: UUID, upload_id: UUID) -> str:
    return f"{ATTACHMENTS}{ticket_id}/{upload_id}"


def open_objects(url: str) -> Objects:
    """The store that the setting ATTACHMENTS_URL names; a folder is made, for its owner only. Raises SettingError."""
    try:
        if urlsplit(url).scheme == "file":
            return Objects(LocalStore(_folder(url)))
        # No client_options: they would take the place of those in the environment (AWS_ALLOW_HTTP and others).
        return Objects(from_url(url, retry_config={"max_retries": 3, "retry_timeout": _TRY_FOR}))
    except (BaseError, ValueError, OSError) as error:
        raise SettingError(f"{PREFIX}ATTACHMENTS_URL: {_line(error)}.") from None


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
        raise ValueError("a folder is written as file:///path/of/the/folder")
    folder = Path(unquote(parts.path))
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    return folder


def _sync(file: Path) -> None:
    """Makes a file and its name last through a power failure: the row that is written next does."""
    for path in (file, *list(file.parents)[:3]):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


async def _answered(action: str, asked: Awaitable[Result]) -> Result:
    try:
        return await asked
    except FileNotFoundError as error:
        if action in ("put", "list"):  # it is the bucket that is missing
            raise _away(action, error) from error
        raise NotFound("object_missing", "The content of this file is no longer there.") from None
    except (BaseError, OSError) as error:
        raise _away(action, error) from error


def _away(action: str, error: Exception) -> Unavailable:
    _log.warning("object_store_failed", action=action, error=_line(error))
    return Unavailable("attachments_away", "The store of attachments does not answer. Try again soon.")


def _line(error: Exception) -> str:
    """The first line; obstore appends its innards."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.partition("\n")[0].strip().rstrip(".")
