"""What several commands are given: words that may come from stdin, fields as JSON, a file of it, a key against
repetition, the name of a record."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.client import DeskClient
from domain.errors import Invalid, NotFound

Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", help="Repeated with the same key, the command happens once."),
]

OtherFields = Annotated[
    str | None, typer.Option("--json-body", metavar="JSON", help="Any other fields, an object.")
]
ActionWords = Annotated[str | None, typer.Option(help="Words of the action; - reads them from stdin.")]
Query = Annotated[str | None, typer.Option("--q", help="Words to look for, English or Chinese.")]
Repeated = Annotated[list[str] | None, typer.Option(help="May be repeated.")]
Filter = Annotated[list[str] | None, typer.Option(help="May be repeated, as most filters.")]


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


def from_file(name: str, what: str) -> dict[str, Any]:
    """The JSON object in a file; `what` it is to be is told if it is none."""
    try:
        value = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise Invalid("unreadable_file", f"Cannot read {name}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise Invalid("invalid_json", f"{name} does not hold JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise Invalid("not_an_object", f"{name} does not hold {what} as a JSON object.")
    return value


def segment(action: str) -> str:
    """One segment of a path; the API names the actions there are."""
    return action if action.isascii() and action.replace("_", "").isalnum() else "unknown"


def checked_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable()):
        raise typer.BadParameter("--idempotency-key must be printable ASCII.")
    return key


async def named(client: DeskClient, path: str, name: str, what: str) -> str:
    """The id of the record that the list at `path` has under this id or name; raises NotFound."""
    with suppress(ValueError):
        return str(UUID(name))
    rows, _ = await client.rows(path)
    found = [one["id"] for one in rows if one["name"] == name]
    if not found:
        raise NotFound(f"unknown_{what}", f"There is no {what} {name}.")
    return str(found[0])
