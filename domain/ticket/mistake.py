"""Mistakes in a query: an Invalid with the `position` of the character where it stands and, where there is a choice,
what is `allowed`."""

from collections.abc import Sequence
from difflib import get_close_matches

from domain.errors import Invalid
from domain.ticket.filter import Part


def invalid(code: str, detail: str, position: int, allowed: Sequence[str] | None = None) -> Invalid:
    extra = {} if allowed is None else {"allowed": list(allowed)}
    return Invalid(code, f"{detail} (position {position})", field="q", position=position, **extra)


def unknown_value(part: Part, allowed: Sequence[str]) -> Invalid:
    like = get_close_matches(part.text.lower(), allowed, n=1)
    hint = f"Do you mean {like[0]}?" if like else f"Allowed: {', '.join(allowed)}."
    return invalid(
        "unknown_value",
        f"{part.text[:60]} is not a value of this field. {hint}",
        part.position,
        allowed=allowed,
    )


def unknown_field(field: Part, known: Sequence[str], otherwise: str = "") -> Invalid:
    """`otherwise` is what to do if the word is like none of `known`."""
    like = get_close_matches(field.text, known, n=1)
    hint = f" Do you mean {like[0]}?" if like else otherwise
    return invalid(
        "unknown_field", f"{field.text} is not a field.{hint}", field.position, allowed=sorted(known)
    )


def in_parameter(error: Invalid, parameter: str) -> Invalid:
    """The same mistake in another parameter than `q`, which is short and needs no position."""
    if parameter == "q":
        return error
    detail = error.detail.removesuffix(f" (position {error.extra['position']})")
    extra = {name: value for name, value in error.extra.items() if name != "position"}
    return Invalid(error.code, detail, field=parameter, **extra)
