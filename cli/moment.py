"""Moments as people write them on a command line: an instant, or how far ahead of now."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

from domain.duration import parse_duration

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AHEAD: Final = re.compile(r"([0-9]{1,9})([smhdw])")


def parse_moment(text: str, option: str, now: datetime | None = None) -> datetime:
    """`2026-11-21T14:00+08:00`, `2026-11-21 14:00` on this machine's clock, `30d`, `2h` or `PT2H` from now."""
    now = now or datetime.now(UTC)
    try:
        if found := _AHEAD.fullmatch(text):
            return now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        if text.startswith("P"):
            return now + parse_duration(text)
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a moment; write 2026-11-21T14:00+08:00, or how far ahead: 30d, 2h, PT90M.",
            param_hint=option,
        ) from None
