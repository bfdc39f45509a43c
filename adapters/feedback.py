"""The page on which people say whether what was shipped solves what they asked for, in their language.

Whether that is still asked is decided in `domain/feedback/process.py`; how the page looks, in `adapters/page.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters import page
from adapters.page import Page
from domain.text import Locale
from domain.ticket.fields import REASON_LIMIT
from runtime.i18n import mark as _
from runtime.i18n import translator

CHOICES: Final[Mapping[str, bool]] = {"yes": True, "no": False}
"""What the form sends, and what it means."""

_LABELS: Final[Mapping[str, str]] = {"yes": _("Yes, it does"), "no": _("No, not yet")}
_OVER: Final = (
    _("This is not asked any more"),
    _("The feedback has moved on since. If something is still missing, tell us again."),
)
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "link_expired": _OVER,
    "not_asked": _OVER,
    "illegal_move": _OVER,
}
_OTHERWISE: Final = (
    _("This cannot be answered now"),
    _("Please try again in a few minutes."),
)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked; `given` is what was filled in before."""

    number: int
    title: str
    closes_at: datetime
    given: Mapping[str, str]


def form(asking: Asking, locale: Locale, time_zone: str, *, mistake: bool = False) -> Page:
    say = translator(locale)
    return page.page(
        "feedback/form.html",
        locale,
        title=say(_("Does it solve what you meant?")),
        asking=asking,
        choices=[(value, say(_LABELS[value])) for value in CHOICES],
        most=REASON_LIMIT,
        mistake=say(page.MISTAKE) if mistake else None,
        closes_at=say.instant(asking.closes_at, time_zone),
    )


def refusal(code: str, locale: Locale) -> Page:
    """Why a link cannot be answered."""
    return page.refusal(code, locale, _REFUSALS, _OTHERWISE)
