"""The form of a backup: a folder, or a tar of it, that holds pieces and, last of all, a manifest with their hashes.

A backup appears under its name when it is whole. What the pieces are, and how they are made and put back, is
`cli.backup`'s.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.errors import Conflict, Invalid

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_PARTIAL: Final = ".partial"
_TARS: Final = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz"}


class Piece(BaseModel):
    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """`schema_revision` is the newest migration in the dump; `key_id` names the key of the histories. `missing` are
    keys of attachments whose content was no longer there: they were removed while the backup was made."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    desk_version: str
    made_at: AwareDatetime
    schema_revision: str
    key_id: str | None = None
    missing: list[str] = []
    pieces: dict[str, Piece] = {}


class ArchiveWriter:
    """Takes pieces one after the other; `finish` makes the backup appear."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._pieces: dict[str, Piece] = {}
        suffix = next((one for one in _TARS if target.name.endswith(one)), None)
        self._partial = target.with_name(target.name + _PARTIAL)
        self._folder = target.with_name(f"{target.name}.pieces") if suffix else self._partial
        for left in (self._partial, self._folder):
            _remove(left)
        self._folder.mkdir(parents=True, mode=0o700)
        self._tar: tarfile.TarFile | None = None
        if suffix is not None:
            options = {"compresslevel": 1} if _TARS[suffix] == "w:gz" else {}
            self._tar = tarfile.open(self._partial, _TARS[suffix], **options)  # type: ignore[call-overload]  # noqa: SIM115  closed by finish or give_up
            self._partial.chmod(0o600)

    @contextmanager
    def piece(self, name: str) -> Iterator[Path]:
        """A path to write the piece to; it belongs to the archive when the block ends well."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield path
        self._pieces[name] = Piece(size=path.stat().st_size, sha256=_hash_of(path))
        self._keep(name, path)

    def finish(self, manifest: Manifest) -> Manifest:
        """Writes the manifest, now with all pieces; gives it back."""
        manifest = manifest.model_copy(update={"pieces": self._pieces})
        path = self._folder / MANIFEST
        path.write_text(manifest.model_dump_json(indent=2))
        self._keep(MANIFEST, path)
        if self._tar is not None:
            self._tar.close()
            _remove(self._folder)
            _sync(self._partial)
        else:
            _sync_all(self._partial)
        self._partial.rename(self._target)
        _sync(self._target.parent)
        return manifest

    def give_up(self) -> None:
        if self._tar is not None:
            self._tar.close()
        for left in (self._partial, self._folder):
            _remove(left)

    def _keep(self, name: str, path: Path) -> None:
        if self._tar is not None:
            self._tar.add(path, arcname=name)
            path.unlink()


@contextmanager
def writing(target: Path) -> Iterator[ArchiveWriter]:
    """Raises Conflict if there is something at `target`. If the block raises, nothing is left behind."""
    if target.exists():
        raise Conflict("backup_exists", f"{target} exists; name another file or folder.")
    if not target.parent.is_dir():
        raise Invalid("no_such_folder", f"There is no folder {target.parent}.")
    writer = ArchiveWriter(target)
    try:
        yield writer
    except BaseException:
        writer.give_up()
        raise


def opened(source: Path, scratch: Path) -> tuple[Path, Manifest]:
    """The folder of a backup's pieces (of a tar: unpacked to `scratch`) and its manifest, after every piece was
    compared with its hash. Raises Invalid."""
    if not source.exists():
        raise Invalid("no_such_backup", f"There is no backup at {source}.")
    folder = source
    if not source.is_dir():
        folder = scratch
        try:
            _unpack(source, folder)
        except (tarfile.TarError, OSError, EOFError) as error:
            words = str(error).partition(":")[0].strip().rstrip(".")
            raise Invalid("broken_backup", f"{source} cannot be unpacked: {words}.") from None
    manifest = _manifest_of(folder, source)
    for name, piece in manifest.pieces.items():
        path = folder / name
        if not _is_inside(name) or not path.is_file() or path.stat().st_size != piece.size:
            raise Invalid("broken_backup", f"{source} is not whole: {name} is missing or cut off.")
        if _hash_of(path) != piece.sha256:
            raise Invalid("broken_backup", f"{source} is damaged: {name} is not what was backed up.")
    return folder, manifest


def _manifest_of(folder: Path, source: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        raise Invalid(
            "broken_backup", f"{source} is not a whole backup: it has no manifest that can be read."
        ) from None
    if manifest.format != FORMAT:
        raise Invalid("unknown_backup", f"{source} was made by a newer version ({manifest.desk_version}).")
    return manifest


def _unpack(source: Path, folder: Path) -> None:
    """Only plain files below `folder`, whatever the tar says."""
    with tarfile.open(source) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() and _is_inside(member.name) else None
            if content is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with content, path.open("wb") as file:
                    shutil.copyfileobj(content, file)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_all(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
