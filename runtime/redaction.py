"""What may be told of errors and settings: no secret of this process, and nothing that people wrote.

The message of a foreign error may hold a row, an address or a mail, so only kinds whose messages are about code and
connections are repeated; of the others the kind is told, and of a database's error its number. Log lines
(`runtime.logging`) and the last words of a process (`cli.main`) go through here.
"""

import json
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from domain.errors import DeskError
from runtime.keys import parse_keys
from runtime.settings import SECRETS, SettingError, Settings
from runtime.supervisor import StartError

MASK: Final = "***"
_SHORTEST: Final = 6
"""A shorter secret would mask ordinary words."""
_TOKEN: Final = re.compile(r"ddk_[A-Za-z0-9_-]{43}")
_OUR_CODE: Final = re.compile(r"[a-z][a-z0-9_]*")
_TELLING: Final = (
    DeskError,
    SettingError,
    StartError,
    OSError,
    AttributeError,
    NameError,
    ImportError,
    TypeError,
    RuntimeError,
)
_LONGEST: Final = 500


def told(error: BaseException) -> str:
    """The kind of the error, and as much of its message as anybody may know, on one line."""
    words = " ".join(_words(error).split())[:_LONGEST]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def told_in_full(error: BaseException) -> str:
    """The traceback of the error and of what caused it, with messages as `told` gives them."""
    return "\n".join(_parts(error, set()))


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _parts(before, seen)
        yield "which led to:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip() or "(no traceback)"
    yield told(error)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield "one of its errors:"
            yield from _parts(inner, seen)


def _words(error: BaseException) -> str:
    original = getattr(error, "orig", None)  # of SQLAlchemy, around the driver's
    if isinstance(original, BaseException):
        return told(original)
    if isinstance(sqlstate := getattr(error, "sqlstate", None), str):
        constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
        return f"SQLSTATE {sqlstate}" + (f", constraint {constraint}" if constraint else "")
    if type(error).__module__.startswith("temporalio."):
        return _words_of_temporal(error)
    return str(error) if isinstance(error, _TELLING) or _is_connection(error) else ""


def _words_of_temporal(error: BaseException) -> str:
    """A failure that carries an error of ours has its code as type, any other the name of its class."""
    kind = getattr(error, "type", None)
    if kind is None or _OUR_CODE.fullmatch(str(kind)):
        return str(error)
    return str(kind)


def _is_connection(error: BaseException) -> bool:
    """A driver that reached no server has no number to tell, and nothing of a row."""
    return type(error).__module__.startswith("psycopg") and type(error).__name__ == "OperationalError"


def redactor(settings: Settings) -> Callable[[str], str]:
    """Masks the values of this process's secret settings, and our tokens, wherever they stand in a text."""
    values = {form for secret in _secrets(settings) for form in _forms(secret)}
    longest_first = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
    known = re.compile("|".join([_TOKEN.pattern, *map(re.escape, longest_first)]))
    return lambda text: known.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as a renderer of JSON or of Python values writes it."""
    yield from (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    )


def _secrets(settings: Settings) -> Iterator[str]:
    for name in SECRETS:
        value: Any = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif password := urlsplit(value).password:
            yield from (password, unquote(password))
    yield from (key.text for key in parse_keys(settings.encryption_key.get_secret_value()).all)
    yield from (key.text for key in settings.encryption_keys().all)
