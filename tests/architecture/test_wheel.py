"""The wheel: all that a desk needs to run, and nothing of the tests."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_house import LAYERS, ROOT
from tests.running import Client, RunningDesk

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def unpacked() -> Iterator[Path]:
    """What the wheel of this checkout holds. Not in pytest's own folder: PostgreSQL's user must reach it."""
    command = ("wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    with tempfile.TemporaryDirectory(prefix="duradesk-test-") as name:
        folder = Path(name).resolve()
        subprocess.run([sys.executable, "-m", "pip", *command, "-w", folder / "dist", ROOT], check=True)
        (wheel,) = (folder / "dist").iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "unpacked")
        yield folder / "unpacked"


def files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)) for path in found}


def test_the_wheel_holds_each_file_of_the_layers_and_no_other(unpacked: Path) -> None:
    layers = {f"{layer}/{name}" for layer in LAYERS for name in files(ROOT / layer)}
    config = {f"runtime/temporal-config/{name}" for name in files(ROOT / "temporal-config")}
    assert {name for name in files(unpacked) if ".dist-info/" not in name} == layers | config


@pytest.mark.stack
def test_a_desk_runs_from_the_wheel_alone(unpacked: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="duradesk-test-", ignore_cleanup_errors=True) as name:
        desk = RunningDesk(Path(name).resolve() / "home", code=unpacked, LOCALE="zh-CN")
        try:
            client = Client(desk)
            client.post("/tickets", {"subject": "Disk full", "description": "x"}, "disk")
            told = client.get(f"/notifications?recipient={client.get('/people/me')['id']}")["data"]
            (mail,) = [
                client.get(f"/notifications/{one['id']}")["mail"] for one in told if one["channel"] == "email"
            ]
            assert "工单" in mail["text"]
            assert "Disk full" in mail["html"]
        finally:
            desk.stop()
