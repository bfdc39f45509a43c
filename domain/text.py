"""Text from outside, as types: what a line, a body, an address and a set of custom fields may hold.

Every string that reaches a rule or the database went through one of these types. They refuse what
PostgreSQL or UTF-8 cannot hold (NUL, lone surrogates) with the code `invalid_character` and keep all the
rest as it came: emoji, right-to-left marks, CRLF. Lengths count characters, not bytes. What a field means
is left to the feature's own models.
"""

import re
from math import isfinite
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

NAME_LENGTH: Final = 200
LINE_LENGTH: Final = 500
BODY_LENGTH: Final = 100_000
EMAIL_LENGTH: Final = 254
FIELDS_DEPTH: Final = 8
FIELDS_VALUES: Final = 500

_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# An address may not smuggle a second header or a display name into a mail.
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_EMAIL = re.compile(rf"[^\s\x00-\x20\x7f-\x9f@<>()\[\],;:\\\"]{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")


def invalid_character(value: str) -> PydanticCustomError:
    """The error for the first character of `value` that no text may hold."""
    found = _FORBIDDEN.search(value)
    position = found.start() if found else 0
    return PydanticCustomError(
        "invalid_character",
        "Position {position} holds a character that cannot be stored: NUL or half of a surrogate pair.",
        {"position": position},
    )


def _storable(value: Any) -> Any:
    if isinstance(value, str) and _FORBIDDEN.search(value):
        raise invalid_character(value)
    return value


def _one_line(value: str) -> str:
    if _LINE_BREAKS.search(value):
        raise PydanticCustomError("line_break", "The text must be a single line.")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "The text must not be blank.")
    return value


def _email(value: str) -> str:
    local, _, host = value.rpartition("@")
    dots = ".." in value or local.startswith(".") or local.endswith(".")
    if dots or not value.isprintable() or not _EMAIL.fullmatch(value):
        raise PydanticCustomError("invalid_email", "This is not an email address.")
    return f"{local}@{host.lower()}"


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise PydanticCustomError("invalid_host", "This is not a host name.")
    return value.lower()


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError(
            "unknown_time_zone", "There is no such time zone; use a name such as Asia/Shanghai."
        ) from None
    return value


def known_locale(value: str) -> "Locale":
    """The language, if we speak it; English otherwise."""
    return "zh-CN" if value == "zh-CN" else "en"


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    budget = FIELDS_VALUES
    level: list[Any] = [value]
    for _ in range(FIELDS_DEPTH):
        below: list[Any] = []
        for item in level:
            children = [*item.keys(), *item.values()] if isinstance(item, dict) else item
            budget -= len(children)
            if budget < 0:
                raise PydanticCustomError("too_many_fields", "The object holds too many values.")
            for child in children:
                if isinstance(child, dict | list):
                    below.append(child)
                else:
                    _scalar(child)
        if not below:
            return value
        level = below
    raise PydanticCustomError("too_deep", "The object is nested too deeply.")


def _scalar(value: object) -> None:
    if isinstance(value, str):
        _storable(value)
        if len(value) > BODY_LENGTH:
            raise PydanticCustomError("string_too_long", "A text in the object is too long.")
    elif isinstance(value, float) and not isfinite(value):
        raise PydanticCustomError("finite_number", "Numbers must be finite.")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise PydanticCustomError("number_too_large", "Whole numbers must fit into 64 bits.")


_Storable = BeforeValidator(_storable)

Text = Annotated[str, _Storable]
"""Any text that can be stored."""

# The storable check stands after the constraints, so that it wraps them: it sees the text first.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LINE_LENGTH),
    AfterValidator(_one_line),
    _Storable,
]
"""One line: a subject, a reason, a search."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH),
    AfterValidator(_one_line),
    _Storable,
]
"""One line that names a thing or a person."""

Body = Annotated[
    str, StringConstraints(min_length=1, max_length=BODY_LENGTH), AfterValidator(_not_blank), _Storable
]
"""Text of several lines, kept as it came; not blank."""

Word = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, min_length=1, max_length=64, pattern=r"^[^\s,;]+$"
    ),
    _Storable,
]
"""A word of a vocabulary in lower case: a tag, a skill, a category, a language."""

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=EMAIL_LENGTH),
    AfterValidator(_email),
    _Storable,
]
"""A bare address `local@host`; the host in lower case, the local part as it came."""

Host = Annotated[str, StringConstraints(strip_whitespace=True, max_length=253), AfterValidator(_host)]
"""The name of a machine or domain in lower case."""

TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_time_zone)]
"""A time zone of the IANA database by name."""

Fields = Annotated[
    dict[str, Any], AfterValidator(_fields), Field(json_schema_extra={"additionalProperties": True})
]
"""A JSON object of bounded depth and size whose texts and numbers can be stored."""

Locale = Literal["en", "zh-CN"]
LOCALES: Final[tuple[Locale, ...]] = get_args(Locale)
