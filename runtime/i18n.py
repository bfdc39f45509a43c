"""The languages of what people read: catalogues of messages, dates and numbers.

English is the source; every other language is a gettext catalogue under `runtime/locale`, read as it is. A
message is marked by `_("…")` in the code or by the `_` of a template, and holds `{named}` places. What the
messages say is the business of whoever marks them.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale as BabelLocale
from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from domain.text import Locale

CATALOGUES: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "duradesk"
SOURCE: Final[Locale] = "en"


def mark(message: str) -> str:
    """Marks a message for the catalogues without translating it; imported as `_`."""
    return message


class Translator:
    """Speaks one language. Calling it translates a marked message and fills its places in."""

    def __init__(self, locale: Locale, messages: Mapping[str, str]) -> None:
        self.locale = locale
        self._messages = messages
        self._babel = BabelLocale.parse(locale, sep="-")

    def __call__(self, message: str, /, **places: object) -> str:
        return self._messages.get(message, message).format(**places)

    def instant(self, at: datetime, time_zone: str) -> str:
        """Date and time to the second in `time_zone`, with the zone."""
        return format_datetime(at, "long", tzinfo=ZoneInfo(time_zone), locale=self._babel)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self._babel)


@cache
def translator(locale: Locale) -> Translator:
    """The translator of a language; its catalogue is read once."""
    return Translator(locale, {} if locale == SOURCE else _messages(catalogue_path(locale)))


def catalogue_path(locale: Locale) -> Path:
    return CATALOGUES / locale.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


def _messages(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {
            str(message.id): str(message.string) for message in read_po(file) if message.id and message.string
        }
