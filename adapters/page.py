"""Pages behind the signed links of mails: how all of them look, and what they say when there is nothing to answer.

They run no script, and nothing that a person wrote can run in them. Opening one answers nothing: programs open links of
mails before people do. What a page asks is each feature's business.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.text import Locale
from runtime.i18n import mark as _
from runtime.i18n import translator

TEMPLATES: Final = Path(__file__).parent / "templates"

_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "link_unknown": (
        _("This link is not right"),
        _("It is not one of ours, or a part of it is missing. Open it from the mail again."),
    ),
    "already_answered": (
        _("You have answered already"),
        _("This link is good for one answer, and we have it. Thank you."),
    ),
}


MISTAKE: Final = _("Please look at your answers again: one of them is missing or not right.")


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the policy that lets only its own style in."""

    html: str
    policy: str


def page(template: str, locale: Locale, **places: Any) -> Page:
    style, digest = _style()
    html = _templates().get_template(template)
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    return Page(html.render(_=translator(locale), locale=locale, style=style, **places), policy)


def thanks(locale: Locale) -> Page:
    return _message(_("Thank you"), _("Your answer has reached us."), locale)


def refusal(
    code: str, locale: Locale, own: Mapping[str, tuple[str, str]], otherwise: tuple[str, str]
) -> Page:
    """Why a link cannot be answered: a title and a text by the code of the error; those of the feature come before
    those that hold for all links."""
    title, text = own.get(code) or _REFUSALS.get(code, otherwise)
    return _message(title, text, locale)


def _message(title: str, text: str, locale: Locale) -> Page:
    say = translator(locale)
    return page("page/message.html", locale, title=say(title), text=say(text))


@cache
def _style() -> tuple[Markup, str]:
    text = (TEMPLATES / "page" / "page.css").read_text()
    return Markup(text), b64encode(sha256(text.encode()).digest()).decode()  # noqa: S704  our own file


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
