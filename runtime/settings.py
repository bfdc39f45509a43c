"""Settings from the environment: `DURADESK_` + name. Everything that can be set is a field of `Settings`.

`load_settings` is the only reader. A wrong value, an unknown name or an unreadable secret file is one clear
line (`SettingError`), which never shows a secret. A secret may also come from a file: `DURADESK_<NAME>_FILE`.
"""

import os
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.account import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from runtime.address import check_host_and_port, parse_smtp_url, parse_url
from runtime.keys import Keys, parse_keys, read_keys
from runtime.profile import place_of

PREFIX = "DURADESK_"
_FILE = "_FILE"
ENCRYPTION_KEYS = "encryption-keys"
"""The file in home that holds the keys of the embedded desk."""
SECRETS = frozenset(
    {"admin_password", "token", "temporal_api_key", "encryption_key", "database_url", "smtp_url"}
)


_TLS = (
    "temporal_tls_server_ca_cert_path",
    "temporal_tls_client_cert_path",
    "temporal_tls_client_key_path",
    "temporal_tls_server_name",
)


class SettingError(Exception):
    """A setting that cannot be used; the message is one line for the person who set it."""


def _url(*schemes: str, with_host: bool = True) -> AfterValidator:
    def check(value: str) -> str:
        if value:
            parse_url(value, *schemes, with_host=with_host)
        return value

    return AfterValidator(check)


def _smtp_url(value: str) -> str:
    if value:
        parse_smtp_url(value)
    return value


def _address(value: str) -> str:
    if value:
        check_host_and_port(value)
    return value


def _name(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must have no spaces, line breaks and foreign characters")
    return value


def _token(value: SecretStr) -> SecretStr:
    return SecretStr(_name(value.get_secret_value().strip()))


def _host(value: str) -> str:
    if not value or any(character.isspace() or character == "/" for character in value):
        raise ValueError("must be a name or an address of this machine, such as 127.0.0.1 or 0.0.0.0")
    return value


def _folder(value: Path) -> Path:
    return value.expanduser().resolve()


def _email(value: str) -> str:
    name, _, host = value.rpartition("@")
    if not name or not host or any(character.isspace() for character in value):
        raise ValueError("must be an email address, such as admin@example.com")
    return value


def _plain_seconds(value: Any) -> Any:
    return (
        timedelta(seconds=int(value))
        if isinstance(value, str) and value.isascii() and value.isdigit()
        else value
    )


def _positive(value: timedelta) -> timedelta:
    if not timedelta() < value <= timedelta(hours=1):
        raise ValueError("must be more than zero and at most one hour, such as 8 (seconds) or PT8S")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
Timeout = Annotated[timedelta, BeforeValidator(_plain_seconds), AfterValidator(_positive)]
EmailAddress = Annotated[str, AfterValidator(_email)]
Token = Annotated[SecretStr, AfterValidator(_token)]


class Settings(BaseSettings):
    """All settings with their defaults: a desk of its own on this machine, nothing reachable from outside."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Annotated[Path, AfterValidator(_folder)] = Field(
        Path(".duradesk"), validate_default=True, description="folder of the data"
    )
    host: Annotated[str, AfterValidator(_host)] = Field(
        "127.0.0.1", description="address that the API listens on"
    )
    port: Port = Field(8000, description="port of the API and the console")
    base_url: Annotated[str, _url("http", "https")] = Field(
        "", description="address that links in mails begin with; empty: from host and port"
    )

    database_url: Annotated[str, _url("postgresql", "postgres", "postgresql+psycopg", with_host=False)] = (
        Field("", repr=False, description="PostgreSQL 15 or later; empty: embedded")
    )
    attachments_url: Annotated[str, _url("file", "s3", "gs", "az", "memory", with_host=False)] = Field(
        "", description="object store of attachments; empty: a folder in home"
    )
    max_attachment_bytes: int = Field(10 * 2**20, ge=1, le=2**30, description="largest attachment")

    temporal_address: Annotated[str, AfterValidator(_address)] = Field(
        "", description="host:port of a Temporal cluster; empty: embedded"
    )
    temporal_config_file: Path | None = Field(
        None, description="client profiles in TOML, instead of an address and TLS settings"
    )
    temporal_profile: str = Field("default", min_length=1, description="which profile of that file")
    temporal_port: Port = Field(7233, description="port of the embedded Temporal server")
    temporal_ui_port: Port = Field(8233, description="port of the embedded Temporal UI")
    temporal_ui_url: Annotated[str, _url("http", "https")] = Field(
        "", description="address of the Temporal UI, whose pages may decode; empty: none, or the embedded one"
    )
    temporal_namespace: Annotated[str, AfterValidator(_name)] = Field(
        "default", min_length=1, description="Temporal namespace"
    )
    temporal_tls: bool = Field(False, description="speak TLS to Temporal with the system's authorities")
    temporal_tls_server_ca_cert_path: Path | None = Field(None, description="authority of the cluster, PEM")
    temporal_tls_client_cert_path: Path | None = Field(None, description="our certificate, PEM")
    temporal_tls_client_key_path: Path | None = Field(None, description="our private key, PEM")
    temporal_tls_server_name: str = Field("", description="name to expect in the cluster's certificate")
    temporal_api_key: Token = Field(SecretStr(""), description="API key of Temporal Cloud")
    rpc_timeout: Timeout = Field(timedelta(seconds=8), description="longest wait for an answer of Temporal")
    connect_timeout: Timeout = Field(timedelta(seconds=5), description="longest wait for a connection")

    drain: Timeout = Field(
        timedelta(seconds=20), description="longest time to finish what was begun, when told to stop"
    )
    deployment_name: str = Field(
        "", max_length=63, description="worker deployment of Temporal; empty: workers without versions"
    )
    build_id: str = Field(
        "", max_length=63, description="version of the workers in that deployment; empty: that of Duradesk"
    )

    public_roadmap: bool = Field(
        False, description="whether roadmap and releases can be read without signing in"
    )
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] = Field(
        "", repr=False, description="smtp://user:password@host:port; empty: mails are kept and readable"
    )
    mail_from: EmailAddress = Field("desk@desk.localhost", description="sender of our mails")

    classifier_threshold: float = Field(
        0.7, ge=0, le=1, description="least confidence with which a category or kind is set by itself"
    )

    admin_email: EmailAddress = Field("admin@desk.localhost", description="first administrator")
    admin_password: SecretStr = Field(
        SecretStr(""), description="of the first administrator; empty: made and kept in home/admin-password"
    )
    token: Token = Field(SecretStr(""), description="API token of the command line's client commands")
    encryption_key: SecretStr = Field(
        SecretStr(""),
        description="keys of encrypted workflow histories; empty: those in home/encryption-keys",
    )
    locale: Literal["en", "zh-CN"] = Field("en", description="language of people who chose none")
    metrics_address: Annotated[str, AfterValidator(_address)] = Field(
        "", description="host:port of a worker's own /metrics, /healthz and /readyz; empty: none"
    )
    worker_metrics_url: Annotated[str, _url("http", "https")] = Field(
        "", description="/metrics of a worker, shown within the API's own; empty: none"
    )
    otlp_endpoint: Annotated[str, _url("http", "https")] = Field(
        "", description="OpenTelemetry collector, such as http://localhost:4318; empty: no traces"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level logged")
    log_format: Literal["console", "json"] = Field("console", description="lines for people or for programs")

    _encryption_key_file: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        try:
            parse_keys(self.encryption_key.get_secret_value())
        except ValueError as error:
            raise ValueError(f"ENCRYPTION_KEY: {error}") from None
        password = self.admin_password.get_secret_value()
        if password and not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
            raise ValueError(
                f"ADMIN_PASSWORD: must have {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
            )
        if bool(self.temporal_tls_client_cert_path) != bool(self.temporal_tls_client_key_path):
            raise ValueError(
                "TEMPORAL_TLS_CLIENT_CERT_PATH: is set together with TEMPORAL_TLS_CLIENT_KEY_PATH"
            )
        self._take_profile()
        address = urlsplit(self.temporal_ui_url)
        self.temporal_ui_url = f"{address.scheme}://{address.netloc}" if address.netloc else ""
        self.base_url = (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")
        self.attachments_url = self.attachments_url or (self.home / "attachments").as_uri()
        return self

    def _take_profile(self) -> None:
        if self.temporal_config_file is None:
            return
        for name in ("temporal_address", "temporal_tls", *_TLS):
            if getattr(self, name):
                raise ValueError(f"{name.upper()}: is said by the profile of TEMPORAL_CONFIG_FILE; keep one")
        try:
            place = place_of(self.temporal_config_file, self.temporal_profile)
            self.temporal_address = _address(place["address"])
        except ValueError as error:
            raise ValueError(f"TEMPORAL_CONFIG_FILE: {error}") from None
        if "temporal_namespace" not in self.model_fields_set:
            self.temporal_namespace = place.get("namespace", self.temporal_namespace)

    @property
    def encryption_key_file(self) -> Path | None:
        """Where the keys are kept; None when ENCRYPTION_KEY itself holds them."""
        if self._encryption_key_file is None and self.encryption_key.get_secret_value():
            return None
        return self._encryption_key_file or self.home / ENCRYPTION_KEYS

    def encryption_keys(self) -> Keys:
        """The keys as they are now; raises SettingError when the file has become unreadable."""
        file = self.encryption_key_file
        if file is None:
            return parse_keys(self.encryption_key.get_secret_value())
        try:
            return read_keys(file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SettingError(f"{PREFIX}ENCRYPTION_KEY: cannot use {file}: {reason}.") from None

    @property
    def embedded_database(self) -> bool:
        return not self.database_url

    @property
    def embedded_temporal(self) -> bool:
        return not self.temporal_address


def load_settings() -> Settings:
    """The settings of this process's environment; raises SettingError."""
    _check_names()
    try:
        settings = Settings(**_secrets_from_files())
    except ValidationError as error:
        raise SettingError(_one_line(error)) from None
    if file := os.environ.get(f"{PREFIX}ENCRYPTION_KEY{_FILE}"):
        settings._encryption_key_file = _folder(Path(file))
    return settings


def _check_names() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {PREFIX + name.upper() + _FILE for name in SECRETS}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            like = get_close_matches(name, known, n=1)
            hint = f"Do you mean {like[0]}?" if like else "docs/settings.md lists them all."
            raise SettingError(f"{name} is not a setting. {hint}")


def _secrets_from_files() -> dict[str, Any]:
    values = {}
    for field in SECRETS:
        name = PREFIX + field.upper()
        path = os.environ.get(name + _FILE)
        if not path:
            continue
        if name in os.environ:
            raise SettingError(f"{name} and {name}{_FILE} are both set; keep one.")
        try:
            values[field] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SettingError(f"{name}{_FILE}: cannot read {path}: {reason}.") from None
    return values


def _one_line(error: ValidationError) -> str:
    """The first mistake, by the name the person knows, with the value unless it is a secret."""
    mistake = error.errors(include_url=False)[0]
    message = mistake["msg"].removeprefix("Value error, ").replace("\n", " ").rstrip(".")
    if not mistake["loc"]:  # from _fill_in: begins with the name
        return f"{PREFIX}{message}."
    field = str(mistake["loc"][0])
    name = PREFIX + field.upper()
    shown = "" if field in SECRETS else f"={os.environ.get(name, '')!r}"
    return f"{name}{shown}: {message[0].lower()}{message[1:]}."
