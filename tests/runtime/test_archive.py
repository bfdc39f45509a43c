"""Backups as folders and tars: whole or not there, and refused when they are damaged."""

import io
import tarfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import Conflict, Invalid
from runtime import archive
from runtime.archive import Manifest

MANIFEST = Manifest(desk_version="1.0", made_at=datetime(2026, 11, 21, tzinfo=UTC), schema_revision="0001")
CONTENT = {"database.dump": b"\x00\xff" * 1000, "attachments/tickets/a/b": "磁盘".encode()}


@pytest.fixture(params=["backup", "backup.tar", "backup.tar.gz", "backup.tgz"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def write(target: Path) -> None:
    with archive.writing(target) as writer:
        for name, content in CONTENT.items():
            with writer.piece(name) as path:
                path.write_bytes(content)
        writer.finish(MANIFEST)


def test_what_went_in_comes_out_and_nothing_else_is_left(target: Path, tmp_path: Path) -> None:
    write(target)
    assert list(tmp_path.iterdir()) == [target]
    folder, manifest = archive.opened(target, tmp_path / "scratch")
    assert {name: (folder / name).read_bytes() for name in manifest.pieces} == CONTENT
    assert manifest.model_copy(update={"pieces": {}}) == MANIFEST


def test_only_its_owner_may_read_it(target: Path) -> None:
    write(target)
    assert target.stat().st_mode & 0o077 == 0


def test_nothing_is_overwritten(target: Path) -> None:
    target.write_text("something else")
    with pytest.raises(Conflict, match="exists"):
        write(target)
    assert target.read_text() == "something else"


def test_one_that_breaks_off_is_not_there_and_can_be_made_again(target: Path, tmp_path: Path) -> None:
    with (
        suppress(RuntimeError),
        archive.writing(target) as writer,
        writer.piece("half") as path,
    ):
        path.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    write(target)


def test_what_a_killed_one_left_is_no_backup_and_does_not_stay(target: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{target.name}.partial"
    left.mkdir()
    with pytest.raises(Invalid, match="no manifest"):
        archive.opened(left, tmp_path / "scratch")
    write(target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_cut_off_tar_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    write(target)
    target.write_bytes(target.read_bytes()[:-40])
    with pytest.raises(Invalid):
        archive.opened(target, tmp_path / "scratch")


@pytest.mark.parametrize("damage", [b"\x00\xfe" * 1000, b"short", None])
def test_a_piece_that_is_not_what_it_was_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    target = tmp_path / "backup"
    write(target)
    piece = target / "database.dump"
    piece.unlink() if damage is None else piece.write_bytes(damage)
    with pytest.raises(Invalid, match=r"database\.dump"):
        archive.opened(target, tmp_path / "scratch")


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    with archive.writing(tmp_path / "backup") as writer:
        writer.finish(MANIFEST.model_copy(update={"format": 2}))
    with pytest.raises(Invalid, match="newer"):
        archive.opened(tmp_path / "backup", tmp_path / "scratch")


def test_a_tar_cannot_write_outside_of_its_folder(tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    with tarfile.open(target, "w") as tar:
        for name in ("../outside", "/tmp/outside-of-it"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(Invalid, match="no manifest"):
        archive.opened(target, tmp_path / "in" / "scratch")
    assert not (tmp_path / "in" / "outside").exists()
    assert not Path("/tmp/outside-of-it").exists()
