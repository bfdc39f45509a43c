"""What stops `duradesk up` at once: one clear line, an exit code that is not 0, and nothing left running."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port


def _up(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
    ports = {"PORT": free_port(), "TEMPORAL_PORT": free_port(), "TEMPORAL_UI_PORT": free_port()}
    wanted = {"HOME": str(home), **{name: str(port) for name, port in ports.items()}, **settings}
    environment |= {f"DURADESK_{name}": value for name, value in wanted.items()}
    command = (sys.executable, "-P", "-m", "cli.main", "up")
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def _refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("name", ["PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"])
def test_a_busy_port_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        _refused(_up(tmp_path, **{name: port}), f"Port {port}", f"DURADESK_{name}")


def test_two_parts_on_one_port_are_refused(tmp_path: Path) -> None:
    port = str(free_port())
    _refused(_up(tmp_path, PORT=port, TEMPORAL_PORT=port), "DURADESK_TEMPORAL_PORT", "DURADESK_PORT", port)


def test_a_data_directory_in_use_is_named_with_its_owner(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        _refused(_up(tmp_path), str(tmp_path), "in use", "4711", "DURADESK_HOME")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    _refused(_up(tmp_path / "file" / "home"), "DURADESK_HOME", str(tmp_path / "file" / "home"))


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    _refused(_up(tmp_path, LOG_LEVEL="LOUD"), "DURADESK_LOG_LEVEL", "LOUD", "WARNING")


def test_a_host_that_is_not_ours_is_named(tmp_path: Path) -> None:
    _refused(_up(tmp_path, HOST="192.0.2.1"), "DURADESK_HOST='192.0.2.1'", "not an address")
