"""What is told of errors and settings: no secret, nothing that people wrote, and still enough to find the mistake."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

import psycopg
import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from temporalio.exceptions import ApplicationError

from domain.errors import Unavailable
from runtime.keys import new_key, put_first
from runtime.logging import configure_logging
from runtime.redaction import redactor, told, told_in_full
from runtime.settings import SECRETS, Settings
from storage.database import Database

PRIVATE = "lin.wei@private.example"
PASSWORD = 'hunter2 "quoted" 密码'


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def settings(home: Path, **more: Any) -> Settings:
    return Settings(
        home=home,
        admin_password=PASSWORD,
        token="tok-secret-1",
        temporal_api_key="api-secret-2",
        encryption_key=new_key().text,
        database_url="postgresql://desk:db-secret%2F3@db/desk",
        smtp_url="smtp://desk:smtp-secret-4@mail:25",
        **more,
    )


def secrets_of(ours: Settings) -> list[str]:
    values = [PASSWORD, "tok-secret-1", "api-secret-2", "db-secret/3", "db-secret%2F3", "smtp-secret-4"]
    return [*values, ours.encryption_key.get_secret_value()]


def test_no_form_of_the_settings_shows_a_secret(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    assert {"admin_password", "database_url", "smtp_url", "encryption_key"} <= SECRETS
    for shown in (repr(ours), str(ours), f"{ours!r:>10}", repr([ours]), repr(ours.encryption_keys())):
        assert not [secret for secret in secrets_of(ours) if secret in shown]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_secret_setting_is_masked_wherever_it_stands(
    tmp_path: Path, log_format: Literal["console", "json"]
) -> None:
    ours, stream = settings(tmp_path, log_format=log_format), io.StringIO()
    configure_logging(ours, stream=stream)
    for secret in secrets_of(ours):
        structlog.get_logger().info(f"it was {secret}.", deep=[{"in": (secret,)}])
        logging.getLogger("library").warning("tried %s", secret)
    structlog.get_logger().info("signed in", said="as ddk_" + "x" * 43)
    assert stream.getvalue().count("***") >= 2 * len(secrets_of(ours))
    assert not [secret for secret in secrets_of(ours) if secret in stream.getvalue()]
    assert "ddk_" not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_keys_of_the_file_are_masked(tmp_path: Path) -> None:
    key = new_key()
    put_first(tmp_path / "encryption-keys", key)
    assert redactor(Settings(home=tmp_path))(f"key {key.text}") == "key ***"


def test_without_secrets_nothing_is_masked(tmp_path: Path) -> None:
    assert redactor(Settings(home=tmp_path))("an ordinary line") == "an ordinary line"


class _Ours(BaseModel):
    number: int


def _foreign() -> list[Exception]:
    found: list[Exception] = [
        ValueError(PRIVATE),
        KeyError(PRIVATE),
        ApplicationError(PRIVATE, type="ValueError"),
        psycopg.errors.RaiseException(PRIVATE),
        Exception(PRIVATE),
    ]
    try:
        _Ours.model_validate({"number": PRIVATE})
    except ValueError as error:
        found.append(error)
    return found


@pytest.mark.parametrize("error", _foreign(), ids=lambda error: type(error).__name__)
def test_what_a_foreign_error_says_is_not_repeated(error: Exception) -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream=stream)
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("it went wrong") from cause
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    assert PRIVATE not in stream.getvalue()
    assert stream.getvalue().count(type(error).__name__) >= 2
    assert stream.getvalue().count("RuntimeError: it went wrong") == 2
    assert "test_redaction.py" in stream.getvalue()


async def test_of_a_database_error_its_number_and_constraint_are_told(database: Database) -> None:
    statement = "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), NULL)"
    with pytest.raises(DBAPIError) as caught:
        async with database.writing() as writer:
            await writer.execute(text(statement))
    assert "NotNullViolation: SQLSTATE 23502" in told(caught.value)
    assert "Failing row" not in told_in_full(caught.value)


def test_our_own_errors_and_those_of_connections_speak() -> None:
    assert told(Unavailable("database_away", "The database does not answer.")) == (
        "Unavailable: The database does not answer."
    )
    assert told(ApplicationError("The mail server is busy.", type="smtp_busy")).endswith(
        "The mail server is busy."
    )
    assert told(ConnectionRefusedError(111, "Connection refused")).endswith("Connection refused")
    assert told(cast(Exception, psycopg.OperationalError("connection refused"))).endswith(
        "connection refused"
    )


def test_groups_and_circles_of_errors_are_told_to_their_end() -> None:
    one, other = ValueError(PRIVATE), TypeError("wrong type")
    one.__cause__, other.__cause__ = other, one
    shown = told_in_full(ExceptionGroup("several", [one]))
    assert PRIVATE not in shown
    assert "TypeError: wrong type" in shown
