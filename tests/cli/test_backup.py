"""What `duradesk backup` and `restore` refuse, and a desk that is stopped. A running one is tests/e2e/test_restore."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.home import RESTORING, data_directory
from tests.conftest import free_port

pytestmark = [pytest.mark.xdist_group("stack")]


def duradesk(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
    wanted = {"HOME": str(home), "PORT": str(free_port()), **settings}
    environment |= {f"DURADESK_{name}": value for name, value in wanted.items()}
    command = (sys.executable, "-P", "-m", "cli.main", *arguments)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert all(word in line for word in words), line


def test_where_there_is_no_desk_nothing_is_backed_up(tmp_path: Path) -> None:
    refused(duradesk(tmp_path / "home", "backup", str(tmp_path / "backup")), "no desk", "DURADESK_HOME")
    assert not (tmp_path / "backup").exists()


def test_a_restore_needs_a_backup(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar")
    refused(duradesk(tmp_path / "home", "restore", str(tmp_path / "missing")), "no backup", "missing")
    refused(duradesk(tmp_path / "home", "restore", str(tmp_path / "text")), "cannot be unpacked")
    assert not (tmp_path / "home" / RESTORING).exists()


@pytest.mark.parametrize("name", ["postgres/PG_VERSION", "temporal.db"])
def test_a_desk_is_never_written_over(tmp_path: Path, name: str) -> None:
    file = tmp_path / "home" / name
    file.parent.mkdir(parents=True)
    file.write_text("there")
    refused(duradesk(tmp_path / "home", "restore", str(tmp_path)), "already", "DURADESK_HOME")
    assert file.read_text() == "there"


def test_a_running_desk_is_not_restored_into(tmp_path: Path) -> None:
    with data_directory(tmp_path / "home"):
        refused(duradesk(tmp_path / "home", "restore", str(tmp_path)), "in use", str(os.getpid()))


def test_half_a_desk_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "home" / RESTORING).mkdir(parents=True)
    ports = {"TEMPORAL_PORT": str(free_port()), "TEMPORAL_UI_PORT": str(free_port())}
    refused(duradesk(tmp_path / "home", "up", **ports), "broken off", "duradesk restore")
