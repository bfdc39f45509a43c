"""The bytes of attachments beside a file of exported tickets: a folder with each under its SHA-256, so what stands on
several tickets is there once, and what is there is neither fetched nor trusted unseen.

A line may come from anywhere: nothing of it names a path but a checked SHA-256.
"""

import asyncio
import re
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cli.client import DeskClient, Refused
from cli.lines import BadLine

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_OPAQUE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment as a line tells of it, with what an upload says of it."""

    id: UUID
    name: str
    sha256: str
    media_type: str
    said: dict[str, str]

    @classmethod
    def of(cls, value: Any) -> "Attached":
        """Raises ValueError for what is none."""
        if not isinstance(value, dict) or not _SHA256.fullmatch(str(value.get("sha256"))):
            raise ValueError
        author, media_type = value.get("created_by"), str(value.get("media_type"))
        said = {name: value.get(name) for name in ("name", "visibility", "comment", "created_at")}
        said["created_by"] = author.get("email") if isinstance(author, dict) else None
        return cls(
            id=UUID(str(value.get("id"))),
            name=str(value.get("name")),
            sha256=value["sha256"],
            media_type=media_type if _MEDIA_TYPE.fullmatch(media_type) else _OPAQUE,
            said={name: str(one) for name, one in said.items() if one is not None},
        )


def attached(fields: dict[str, Any]) -> list[Attached]:
    """The attachments of a line; raises BadLine."""
    listed = fields.get("attachments") or []
    try:
        if not isinstance(listed, list):
            raise ValueError
        return [Attached.of(value) for value in listed]
    except ValueError:
        raise BadLine("invalid_attachment", "An attachment has an id and a sha256.") from None


async def fetch(client: DeskClient, folder: Path, ticket_id: str, one: Attached) -> bool:
    """Whether it was fetched, and not there before. Raises Refused where the desk has it no more, BadLine where it
    gave something else."""
    path = folder / one.sha256
    if await asyncio.to_thread(_is, path, one.sha256):
        return False
    part, digest = folder / f"{one.sha256}.part", sha256()
    async with client.download(f"/tickets/{ticket_id}/attachments/{one.id}") as chunks:
        with await asyncio.to_thread(part.open, "wb") as file:
            async for chunk in chunks:
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
    if digest.hexdigest() != one.sha256:
        part.unlink()
        raise BadLine("file_changed", f"The desk gave another file for the attachment {one.name}.")
    part.rename(path)
    return True


async def send(client: DeskClient, folder: Path, ticket_id: str, wanted: list[Attached]) -> int:
    """How many were added to the ticket, which is there. Raises BadLine for one that cannot be added."""
    listed = await client.get(f"/tickets/{ticket_id}/attachments")
    known = {UUID(one["id"]) for one in listed["data"]}
    missing = [one for one in wanted if one.id not in known]
    for one in missing:
        path = folder / one.sha256
        if not await asyncio.to_thread(_is, path, one.sha256):
            raise BadLine("file_missing", _but(one, f"{path} is missing or another file."))
        try:
            url = f"/tickets/{ticket_id}/attachments"
            await client.send_file(url, path, one.media_type, id=str(one.id), **one.said)
        except Refused as error:
            if error.temporary:
                raise
            raise BadLine(error.code, _but(one, str(error).removeprefix(f"{error.code}: "))) from None
    return len(missing)


def _but(one: Attached, why: str) -> str:
    return f"The ticket is there, but not its attachment {one.name}: {why}"


def _is(path: Path, digest: str) -> bool:
    """Whether the file is there and is what its name says."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest() == digest
