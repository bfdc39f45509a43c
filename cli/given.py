"""What several commands are given: words that may come from stdin, other fields as JSON, a key against repetition."""

import json
import sys
from typing import Annotated, Any

import typer

from domain.errors import Invalid

Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", help="Repeated with the same key, the command happens once."),
]


def words(text: str) -> str:
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise Invalid("invalid_character", "What stdin holds is not UTF-8.") from None


def present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def other_fields(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise typer.BadParameter('--json-body must be a JSON object, such as \'{"reason": "…"}\'.')
    return value


def segment(action: str) -> str:
    """One segment of a path; the API names the actions there are."""
    return action if action.isascii() and action.replace("_", "").isalnum() else "unknown"


def checked_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable()):
        raise typer.BadParameter("--idempotency-key must be printable ASCII.")
    return key
