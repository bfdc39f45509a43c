"""`duradesk backup` and `duradesk restore`: database, attachments and Temporal's store of one desk, while it runs.

The order makes it whole. Temporal's store is copied first, so it is never newer than the database: a process that knows
less takes the database's state, one that is missing is started from the database, and requests that it may have
missed are made again (`workflows/reconciliation.py`, which a restored desk runs in full by itself). Attachments come
last: content is written before its row, so every row of the dump has its content, unless it was removed since.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters.objects import ATTACHMENTS, Objects, open_objects
from cli.client import Json
from cli.options import PASSWORD_FILE
from cli.output import console, document, facts
from cli.progress import Watcher, watching
from domain.errors import Conflict, Invalid, NotFound
from runtime import archive
from runtime.archive import ArchiveWriter, Manifest
from runtime.embedded.postgres import EmbeddedPostgres, program_of
from runtime.embedded.temporal import copy_store
from runtime.home import RESTORING, check_whole, data_directory, is_in_use
from runtime.logging import configure_logging
from runtime.private import write_private
from runtime.settings import ENCRYPTION_KEYS, PREFIX, SettingError, Settings, load_settings
from runtime.supervisor import Supervisor
from runtime.version import desk_version
from storage import outbox
from storage.database import Database
from storage.dump import Content, Dumped, begin_anew, dump, forget_contents, is_empty
from storage.dump import restore as refill
from storage.migrate import knows_revision, upgrade

DATABASE: Final = "database.dump"
TEMPORAL: Final = "temporal.db"


def register(app: typer.Typer) -> None:
    app.command("backup")(back_up)
    app.command("restore")(put_back)


def back_up(
    target: Annotated[
        Path, typer.Argument(help="A new folder, or a new file that ends in .tar, .tar.gz or .tgz.")
    ],
    as_json: Json = False,
) -> None:
    """Back up database, attachments and Temporal's store, while the desk runs or when it is stopped.

    The backup holds the keys of the histories and everything that people wrote: keep it as safe as the desk.
    """
    settings = load_settings()
    configure_logging(settings)
    os.umask(0o077)
    manifest = asyncio.run(_back_up(settings, target.resolve()))
    _tell(manifest, as_json, backup=str(target))
    if settings.embedded_temporal is False:
        console(stderr=True).print(
            "Temporal is a cluster of your own: back it up by its own means, before this."
        )


def put_back(
    source: Annotated[Path, typer.Argument(help="What `duradesk backup` made.")], as_json: Json = False
) -> None:
    """Put a backup back into an empty data directory or database. The desk must not run.

    Deadlines stay what they were; those that passed meanwhile fire at the first start, once, and say how late.
    """
    settings = load_settings()
    configure_logging(settings)
    os.umask(0o077)
    with data_directory(settings.home):
        manifest = asyncio.run(_put_back(settings, source.resolve()))
    _tell(manifest, as_json, restored_to=str(settings.home))


async def _back_up(settings: Settings, target: Path) -> Manifest:
    async with _database_of(settings) as url:
        with archive.writing(target) as writer:
            if settings.embedded_temporal and (settings.home / TEMPORAL).exists():
                with writer.piece(TEMPORAL) as path:
                    await asyncio.to_thread(copy_store, settings.home / TEMPORAL, path)
            with writer.piece(DATABASE) as path:
                dumped = await asyncio.to_thread(dump, url, path, program_of)
            missing = await _copy_contents(writer, open_objects(settings.attachments_url), dumped)
            for name in _secrets(settings):
                if (settings.home / name).exists():
                    with writer.piece(name) as path:
                        shutil.copyfile(settings.home / name, path)
            key = settings.encryption_keys().encrypting
            return writer.finish(
                Manifest(
                    desk_version=desk_version(),
                    made_at=datetime.now(UTC),
                    schema_revision=dumped.revision,
                    key_id=None if key is None else key.id,
                    missing=missing,
                )
            )


@asynccontextmanager
async def _database_of(settings: Settings) -> AsyncIterator[str]:
    """The address of the database; that of a desk which is stopped is started meanwhile."""
    if not settings.embedded_database:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.home)
    if is_in_use(settings.home):
        check_whole(settings.home)
        yield server.url()
        return
    if not server.data.exists():
        raise SettingError(f"There is no desk in {settings.home}; set {PREFIX}HOME.")
    with data_directory(settings.home):
        check_whole(settings.home)
        async with _running(server) as url:
            yield url


@asynccontextmanager
async def _running(server: EmbeddedPostgres) -> AsyncIterator[str]:
    supervisor = Supervisor()
    try:
        await supervisor.start(server.program())
        yield server.url()
    finally:
        await supervisor.stop()


async def _copy_contents(writer: ArchiveWriter, objects: Objects, dumped: Dumped) -> list[str]:
    """Copies the content of every attachment in the dump; gives the keys of those that are gone."""
    missing: list[str] = []
    total = sum(content.size for content in dumped.contents)
    with watching("attachments", total) as watcher:
        for count, content in enumerate(dumped.contents, 1):
            try:
                await _copy_content(writer, objects, content, watcher)
            except NotFound:
                missing.append(content.key)
            watcher.advance(content.size, f"{count} of {len(dumped.contents)}")
    return missing


async def _copy_content(writer: ArchiveWriter, objects: Objects, content: Content, watcher: Watcher) -> None:
    chunks = await objects.get(content.key, 0, content.size)
    digest = sha256()
    with writer.piece(_piece_of(content.key)) as path, path.open("wb") as file:
        async for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != content.sha256:
        watcher.say(f"{content.key} is not what was uploaded; it is backed up as it is.")


async def _put_back(settings: Settings, source: Path) -> Manifest:
    with _restoring(settings) as scratch:
        folder, manifest = await asyncio.to_thread(archive.opened, source, scratch)
        _check_usable(settings, manifest)
        if settings.embedded_database:
            async with _running(EmbeddedPostgres(settings.home)) as url:
                await _fill(url, folder, manifest)
        else:
            await _fill(settings.database_url, folder, manifest)
        await _put_contents(open_objects(settings.attachments_url), folder, manifest)
        for name in _secrets(settings):
            if name in manifest.pieces:
                write_private(settings.home / name, (folder / name).read_text())
        if settings.embedded_temporal and TEMPORAL in manifest.pieces:
            shutil.copyfile(folder / TEMPORAL, settings.home / TEMPORAL)
    return manifest


@contextmanager
def _restoring(settings: Settings) -> Iterator[Path]:
    """Marks the data directory as half a desk until the block has ended well; clears what an earlier try left.

    Raises Conflict if there is a desk already.
    """
    scratch, postgres = settings.home / RESTORING, EmbeddedPostgres(settings.home).data
    files = [settings.home / f"{TEMPORAL}{suffix}" for suffix in ("", "-wal", "-shm")]
    if scratch.exists():
        for left in (postgres, postgres.with_name("postgres.making"), scratch):
            shutil.rmtree(left, ignore_errors=True)
        for file in files:
            file.unlink(missing_ok=True)
    if postgres.exists() or any(file.exists() for file in files):
        raise Conflict(
            "not_empty", f"There is a desk in {settings.home} already. Set {PREFIX}HOME to an empty folder."
        )
    scratch.mkdir()
    try:
        yield scratch
    except (Conflict, Invalid, SettingError):
        if not postgres.exists():  # refused before anything was written
            shutil.rmtree(scratch)
        raise
    shutil.rmtree(scratch)


def _check_usable(settings: Settings, manifest: Manifest) -> None:
    """Raises Invalid or SettingError before anything is written."""
    if not knows_revision(manifest.schema_revision):
        raise Invalid(
            "unknown_backup",
            f"The backup was made by version {manifest.desk_version}, whose database this one "
            f"({desk_version()}) does not know.",
        )
    own_keys = ENCRYPTION_KEYS in manifest.pieces and ENCRYPTION_KEYS in _secrets(settings)
    if manifest.key_id is None or TEMPORAL not in manifest.pieces or own_keys:
        return
    if manifest.key_id not in settings.encryption_keys().by_id:
        raise SettingError(
            f"The histories in this backup are encrypted with the key {manifest.key_id}, which is not in it. "
            f"Put the key into {PREFIX}ENCRYPTION_KEY."
        )


def _secrets(settings: Settings) -> list[str]:
    """Files of the data directory without which a restored desk could not go on, or nobody could sign in. Keys that
    are kept elsewhere are not copied."""
    keys_are_here = settings.encryption_key_file == settings.home / ENCRYPTION_KEYS
    return [ENCRYPTION_KEYS, PASSWORD_FILE] if keys_are_here else [PASSWORD_FILE]


async def _fill(url: str, folder: Path, manifest: Manifest) -> None:
    if not await asyncio.to_thread(is_empty, url):
        raise Conflict("not_empty", "The database has tables already; restore into an empty one.")
    await asyncio.to_thread(refill, url, folder / DATABASE, program_of)
    await asyncio.to_thread(upgrade, url)
    await asyncio.to_thread(forget_contents, url, manifest.missing)
    await asyncio.to_thread(begin_anew, url)
    database = Database(url, pool_size=1)
    try:
        async with database.writing() as writer:
            await outbox.put(writer, "restored", manifest.made_at.isoformat(), {})
    finally:
        await database.close()


async def _put_contents(objects: Objects, folder: Path, manifest: Manifest) -> None:
    names = [name for name in manifest.pieces if name.startswith(_piece_of(""))]
    with watching("attachments", sum(manifest.pieces[name].size for name in names)) as watcher:
        for count, name in enumerate(names, 1):
            await objects.put(name.removeprefix(_piece_of("")), _chunks(folder / name))
            watcher.advance(manifest.pieces[name].size, f"{count} of {len(names)}")


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            yield chunk


def _piece_of(key: str) -> str:
    return f"attachments/{key}"


def _tell(manifest: Manifest, as_json: bool, **places: str) -> None:
    contents = [piece for name, piece in manifest.pieces.items() if name.startswith(_piece_of(ATTACHMENTS))]
    told = {
        **places,
        "made_at": manifest.made_at.isoformat(),
        "desk_version": manifest.desk_version,
        "schema_revision": manifest.schema_revision,
        "temporal": TEMPORAL in manifest.pieces,
        "attachments": len(contents),
        "removed_meanwhile": len(manifest.missing),
        "bytes": sum(piece.size for piece in manifest.pieces.values()),
    }
    if as_json:
        document(told)
    else:
        console().print(facts((name.replace("_", " "), value) for name, value in told.items()))
