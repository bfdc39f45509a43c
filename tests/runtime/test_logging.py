"""One renderer for every log line, and no secret in any."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import orjson
import pytest
import structlog

from runtime.logging import configure_logging
from runtime.settings import Settings


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards logging is as it was before."""
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    with restored():
        yield


def _output(log_format: Literal["console", "json"] = "json") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(Settings(log_format=log_format), stream=stream)
    return stream


def test_our_lines_and_those_of_libraries_have_the_same_shape() -> None:
    stream = _output()
    structlog.get_logger().info("ours", ticket=7)
    logging.getLogger("some.library").warning("theirs %s", "formatted")
    ours, theirs = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["ticket"]) == ("ours", "info", 7)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "theirs formatted",
        "warning",
        "some.library",
    )
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_secrets_are_masked_whoever_logs_them(log_format: Literal["console", "json"]) -> None:
    stream = _output(log_format)
    structlog.get_logger().info("login", password="hunter2", headers={"Authorization": "hunter2"})
    logging.getLogger("library").warning("cannot reach %s", "smtp://desk:hunter2@mail.example.com:587")
    try:
        raise RuntimeError("postgresql://desk:hunter2@db/desk refused")
    except RuntimeError:
        structlog.get_logger().exception("failed", header="Bearer hunter2hunter2")
    assert "hunter2" not in stream.getvalue()
    assert "mail.example.com" in stream.getvalue()


def test_lines_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_level="ERROR"), stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("library").warning("quiet")
    assert stream.getvalue() == ""
