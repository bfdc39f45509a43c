"""The command itself: quick help, a version, and errors as one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS
from runtime.version import desk_version
from tests.cli.conftest import Terminal

_COMMAND = (sys.executable, "-P", "-m", "cli.main")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_help_lists_every_command() -> None:
    done = _run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_that_begins_like_the_list(command: str) -> None:
    done = _run(command, "--help")
    assert done.returncode == 0, done.stderr
    words = COMMANDS[command][1].split()
    assert words[0] in done.stdout


def test_help_does_not_wait_for_what_only_a_command_needs() -> None:
    code = "import sys; from cli.main import build; build(None); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"temporalio", "sqlalchemy", "fastapi", "pydantic"} & set(done.stdout.split())


def test_the_version_is_that_of_the_package() -> None:
    assert _run("--version").stdout.strip() == f"duradesk {desk_version()}"


def test_an_unknown_command_is_refused() -> None:
    assert _run("fly").returncode == 2


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("up", "SMTP_URL", "smtp://desk:secret@mail.example:smtp"),
        ("api", "DATABASE_URL", "postgresql://desk:secret@db.example/desk?colour=red"),
        ("migrate", "DATABASE_URL", "postgresql://desk:secret@db.example/desk?colour=red"),
        ("api", "ATTACHMENTS_URL", "file://elsewhere/folder"),
        ("worker", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "/nowhere/ca.pem"),
        ("worker", "TEMPORAL_ADDRESS", "[::1:7233"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_one_line(
    command: str, name: str, value: str, tmp_path: Path
) -> None:
    settings = {
        "HOME": str(tmp_path / "home"),
        "DATABASE_URL": "postgresql://desk@127.0.0.1:1/desk",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
    }
    done = await Terminal(**{**settings, name: value})(command)
    assert done.code == 1
    assert re.fullmatch(rf"duradesk: DURADESK_{name}[:=][^\n]+\.\n", done.err)
    assert "secret" not in done.err
