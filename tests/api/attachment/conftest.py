"""A ticket with files, and the people around it."""

from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from api.desk import Desk
from storage.database import Database
from storage.tables.attachment import AttachmentRow
from tests.api.conftest import Api, MakePerson
from tests.rows import insert_ticket


@dataclass
class World:
    """A ticket of `asker`; `agent` works on it, `stranger` is another requester."""

    asker: Api
    agent: Api
    stranger: Api
    path: str
    database: Database
    folder: Path

    def objects(self) -> int:
        return sum(path.is_file() for path in self.folder.rglob("*"))

    async def rows(self) -> int:
        async with self.database.reading() as reader:
            return await reader.scalar(select(func.count()).select_from(AttachmentRow)) or 0


@pytest.fixture
async def world(make_person: MakePerson, desk: Desk) -> World:
    asker = await make_person()
    ticket = await insert_ticket(desk.database, asker.person_id)
    return World(
        asker=asker,
        agent=await make_person("agent"),
        stranger=await make_person(),
        path=f"/api/v1/tickets/{ticket}/attachments",
        database=desk.database,
        folder=desk.settings.home / "attachments",
    )


async def send(api: Api, path: str, name: str, data: bytes, kind: str = "", **fields: str) -> httpx.Response:
    part = (name, data, kind or "application/octet-stream")
    return await api.post(path, files={"file": part}, data=fields)
