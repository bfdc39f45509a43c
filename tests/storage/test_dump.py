"""Dumps of a real PostgreSQL: of one moment, and put back whole or not at all."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from domain.account import Role
from domain.errors import Unavailable
from domain.ticket.fields import Visibility
from runtime.embedded.postgres import EmbeddedPostgres, program_of
from storage import attachment, dump
from storage.account import people
from storage.attachment import NewAttachment
from storage.database import Database
from storage.migrate import knows_revision, newest_revision, upgrade
from tests.rows import insert_ticket


@pytest.fixture(scope="module")
def urls(postgres_server: EmbeddedPostgres) -> tuple[str, str]:
    """A prepared database, and an empty one."""
    for name in ("dump_from", "dump_to"):
        postgres_server.create_database(name)
    upgrade(postgres_server.url("dump_from"))
    return postgres_server.url("dump_from"), postgres_server.url("dump_to")


async def person(database: Database) -> UUID:
    async with database.writing() as writer:
        values = {"email": f"{uuid4()}@desk.example", "name": "Ada", "roles": [Role.AGENT]}
        return (await people.create_person(writer, values)).id


async def test_what_was_dumped_comes_back_with_its_attachments_named(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    source, target = urls
    database = Database(source)
    ada = await person(database)
    ticket = await insert_ticket(database, ada, subject="磁盘空间不足")
    sums = {"tickets/a/kept": "1" * 64, "tickets/a/gone": "2" * 64}
    for key, digest in sums.items():
        new = NewAttachment(uuid4(), ticket, "a.txt", "text/plain", 7, digest, key, Visibility.PUBLIC, ada)
        async with database.writing() as writer:
            await attachment.add(writer, new)
    await database.close()
    dumped = dump.dump(source, tmp_path / "dump", program_of)
    assert dumped.revision == newest_revision()
    assert {content.key: content.sha256 for content in dumped.contents} == sums

    assert dump.is_empty(target)
    dump.restore(target, tmp_path / "dump", program_of)
    assert not dump.is_empty(target)
    dump.forget_contents(target, ["tickets/a/gone"])
    restored = Database(target)
    async with restored.reading() as reader:
        assert (await reader.scalars(text("SELECT subject FROM tickets"))).all() == ["磁盘空间不足"]
        assert (await reader.scalars(text("SELECT key FROM attachments"))).all() == ["tickets/a/kept"]
    await insert_ticket(restored, ada)  # numbers go on behind those that were restored
    await restored.close()

    with pytest.raises(dump.DumpFailed, match="pg_restore failed"):
        dump.restore(target, tmp_path / "dump", program_of)


def test_a_database_that_was_never_prepared_is_named(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres_server.create_database("dump_bare")
    with pytest.raises(Unavailable, match="duradesk migrate"):
        dump.dump(postgres_server.url("dump_bare"), tmp_path / "dump", program_of)


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        dump.dump(f"postgresql://nobody@/nothing?host={tmp_path}", tmp_path / "dump", program_of)


def test_a_migration_of_the_future_is_not_known() -> None:
    assert knows_revision(newest_revision())
    assert knows_revision("0001_initial")
    assert not knows_revision("9999")
