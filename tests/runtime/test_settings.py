"""Settings: defaults, the one clear line for a wrong one, and secrets that stay secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from runtime.settings import SECRETS, SettingError, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DURADESK_{name.upper()}", raising=False)


def test_without_any_setting_the_desk_is_local_and_embedded() -> None:
    settings = load_settings()
    assert settings.embedded_database
    assert settings.embedded_temporal
    assert settings.home == Path.cwd() / ".duradesk"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.attachments_url == (settings.home / "attachments").as_uri()


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DURADESK_HOME", str(tmp_path))
    monkeypatch.setenv("DURADESK_RPC_TIMEOUT", "3")
    monkeypatch.setenv("DURADESK_CONNECT_TIMEOUT", "PT2S")
    monkeypatch.setenv("DURADESK_BASE_URL", "https://desk.example.com/")
    settings = load_settings()
    assert settings.home == tmp_path
    assert settings.rpc_timeout == timedelta(seconds=3)
    assert settings.connect_timeout == timedelta(seconds=2)
    assert settings.base_url == "https://desk.example.com"


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURADESK_PORT", "")
    assert load_settings().port == 8000


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "99999", "less than or equal to 65535"),
        ("HOST", " ", "must be a name or an address"),
        ("LOG_LEVEL", "loud", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("LOCALE", "fr", "'en' or 'zh-CN'"),
        ("DATABASE_URL", "mysql://host/desk", "must start with postgresql://"),
        ("TEMPORAL_ADDRESS", "temporal.example.com", "must be host:port"),
        ("TEMPORAL_TLS", "perhaps", "valid boolean"),
        ("RPC_TIMEOUT", "0", "more than zero"),
        ("SMTP_URL", "mail.example.com:25", "must start with smtp://"),
        ("SMTP_URL", "smtp://mail.example.com?colour=red", "has an option other than"),
        ("DATABASE_URL", "postgresql://host:port/desk", "port is a number"),
        ("BASE_URL", "https://", "must name a host"),
        ("TEMPORAL_NAMESPACE", "a desk", "must have no spaces"),
        ("TEMPORAL_API_KEY", "one\ntwo", "must have no spaces"),
        ("ADMIN_EMAIL", "admin", "must be an email address"),
        ("ADMIN_PASSWORD", "short", "characters"),
        ("MAX_ATTACHMENT_BYTES", "-1", "greater than or equal to 1"),
        ("TEMPORAL_TLS_CLIENT_CERT_PATH", "client.pem", "together with"),
        ("ENCRYPTION_KEY", "k" * 32, "32 bytes in base64"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"DURADESK_{name}", value)
    with pytest.raises(SettingError) as caught:
        load_settings()
    line = str(caught.value)
    assert line.startswith(f"DURADESK_{name}")
    assert words in line
    assert "\n" not in line


def test_an_unknown_name_is_refused_with_the_name_it_resembles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURADESK_PROT", "8001")
    with pytest.raises(SettingError, match=r"DURADESK_PROT is not a setting. Do you mean DURADESK_PORT\?"):
        load_settings()


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_wrong_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    wrong = "hunter2" if name == "admin_password" else "hunter2 hunter2"
    monkeypatch.setenv(f"DURADESK_{name.upper()}", wrong)
    with pytest.raises(SettingError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURADESK_ADMIN_PASSWORD", "correct horse battery")
    monkeypatch.setenv("DURADESK_DATABASE_URL", "postgresql://desk:hunter2@db/desk")
    shown = repr(load_settings())
    assert "correct horse" not in shown
    assert "hunter2" not in shown


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse battery\n")
    monkeypatch.setenv("DURADESK_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    assert load_settings().admin_password.get_secret_value() == "correct horse battery"


def test_an_unreadable_secret_file_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DURADESK_SMTP_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingError, match=r"DURADESK_SMTP_URL_FILE: cannot read .*: No such file"):
        load_settings()


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse battery")
    monkeypatch.setenv("DURADESK_ADMIN_PASSWORD", "another horse battery")
    monkeypatch.setenv("DURADESK_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(SettingError, match="both set"):
        load_settings()


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    for name in Settings.model_fields:
        assert f"| `{name.upper()}` |" in text
