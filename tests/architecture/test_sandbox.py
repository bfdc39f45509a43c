"""Workflow code stays light and pure: what it imports is shared by all runs and reaches no I/O library."""

import subprocess
import sys
from typing import Final

FORBIDDEN: Final = (
    "sqlalchemy",
    "psycopg",
    "aiosmtplib",
    "fastapi",
    "httpx",
    "obstore",
    "structlog",
    "jinja2",
    "alembic",
    "sklearn",
    "numpy",
)


def imported_by(module: str) -> set[str]:
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_workflows_reach_no_io_library() -> None:
    for module in (
        "ticket",
        "notification",
        "sla",
        "account",
        "bulk",
        "contest",
        "feedback",
        "housekeeping",
        "classifier",
        "survey",
    ):
        assert not imported_by(f"workflows.{module}") & set(FORBIDDEN), module


def test_the_domain_reaches_nothing_but_pydantic() -> None:
    names = imported_by("domain.ticket.process")
    assert not names & {*FORBIDDEN, "temporalio"}
