"""Client profiles: a file in Temporal's own format says how the cluster is reached."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.service import TLSConfig

from runtime.config import config_folder
from runtime.profile import connection_of, place_of
from runtime.settings import SettingError, Settings, load_settings
from runtime.temporal import _security, connect
from tests.conftest import free_port

EXAMPLE = config_folder() / "profiles.toml"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("DURADESK_", "TEMPORAL_")):
            monkeypatch.delenv(name)


def _profiles(folder: Path, text: str) -> Path:
    file = folder / "profiles.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", ["compose", "cloud"])
def test_the_profiles_that_we_ship_are_read_by_the_sdk(name: str) -> None:
    known = connection_of(EXAMPLE, name)
    assert place_of(EXAMPLE, name) == {"address": known["target_host"], "namespace": known["namespace"]}
    assert "tls" not in known


def test_the_profile_with_certificates_reads_them(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace("/etc/duradesk/tls", str(tmp_path))
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (tmp_path / name).write_text(name)
    tls = connection_of(_profiles(tmp_path, text), "production")["tls"]
    assert isinstance(tls, TLSConfig)
    assert (tls.server_root_ca_cert, tls.client_cert, tls.client_private_key) == (
        b"ca.crt",
        b"tls.crt",
        b"tls.key",
    )
    assert tls.domain == "temporal-frontend.temporal.svc.cluster.local"


def test_settings_take_address_and_namespace_from_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURADESK_TEMPORAL_CONFIG_FILE", str(EXAMPLE))
    monkeypatch.setenv("DURADESK_TEMPORAL_PROFILE", "compose")
    settings = load_settings()
    assert (settings.temporal_address, settings.temporal_namespace) == ("temporal:7233", "duradesk")
    assert not settings.embedded_temporal
    monkeypatch.setenv("DURADESK_TEMPORAL_NAMESPACE", "staging")
    assert load_settings().temporal_namespace == "staging"


def test_an_api_key_of_the_settings_completes_a_profile() -> None:
    settings = Settings(
        temporal_config_file=EXAMPLE, temporal_profile="cloud", temporal_api_key="of-the-cloud"
    )
    assert _security(settings) == {"api_key": "of-the-cloud", "tls": True, "rpc_metadata": {}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a file of client profiles"),
        ("[profile.other]\naddress = 'a:1'", "has no profile default, only other"),
        ("[profile.default]\nnamespace = 'n'", "names no address"),
        ("[profile.default]\naddress = 'nowhere'", "must be host:port"),
    ],
)
def test_a_wrong_file_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("DURADESK_TEMPORAL_CONFIG_FILE", str(_profiles(tmp_path, text)))
    with pytest.raises(SettingError, match=f"^DURADESK_TEMPORAL_CONFIG_FILE: .*{words}"):
        load_settings()


def test_a_profile_and_an_address_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURADESK_TEMPORAL_CONFIG_FILE", str(EXAMPLE))
    monkeypatch.setenv("DURADESK_TEMPORAL_ADDRESS", "temporal:7233")
    with pytest.raises(SettingError, match="DURADESK_TEMPORAL_ADDRESS: is said by the profile"):
        load_settings()


async def test_a_key_that_is_not_of_the_format_stops_the_connection(tmp_path: Path) -> None:
    text = f"[profile.default]\naddress = '127.0.0.1:{free_port()}'\nnamespce = 'n'"
    settings = Settings(temporal_config_file=_profiles(tmp_path, text))
    with pytest.raises(SettingError, match=r"DURADESK_TEMPORAL_CONFIG_FILE: .*namespce"):
        await connect(settings, lazy=True)


def test_the_temporal_command_reads_the_same_file(tmp_path: Path) -> None:
    command = shutil.which("temporal", path=str(Path(sys.executable).parent))
    assert command
    done = subprocess.run(
        (command, "config", "list", "--config-file", str(EXAMPLE)), capture_output=True, text=True, check=True
    )
    assert {"compose", "production", "cloud"} <= set(done.stdout.split())
