"""The words of a survey and the page on which people answer it, in their language.

What is asked and what counts as an answer is decided in `domain/survey/questions.py`. The page runs no script, and
nothing that a person wrote can run in it. Opening it answers nothing: programs open links of mails before people do.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.survey.questions import SCALES, Kind, Question, QuestionType, in_language
from domain.text import Locale
from runtime.i18n import Translator, translator
from runtime.i18n import mark as _

TEMPLATES: Final = Path(__file__).parent / "templates" / "survey"

_QUESTIONS: Final[Mapping[Kind, str]] = {
    Kind.CSAT: _("How satisfied are you with our help?"),
    Kind.NPS: _("How likely are you to recommend us to a friend or colleague?"),
    Kind.CES: _("How much do you agree: it was easy to get help?"),
}
_LABELS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.CSAT: (_("very dissatisfied"), _("very satisfied")),
    Kind.NPS: (_("not at all likely"), _("extremely likely")),
    Kind.CES: (_("strongly disagree"), _("strongly agree")),
}
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "link_unknown": (
        _("This link is not right"),
        _("It is not one of ours, or a part of it is missing. Open it from the mail again."),
    ),
    "link_expired": (
        _("This survey is over"),
        _("The time to answer has passed. If something is still open, answer the mail of your ticket."),
    ),
    "survey_withdrawn": (
        _("We are working on it again"),
        _("Your ticket was taken up again, so we ask you when it is done."),
    ),
    "already_answered": (
        _("You have answered already"),
        _("This link is good for one answer, and we have it. Thank you."),
    ),
}
_OTHERWISE: Final = (_("This survey is not open"), _("It cannot be answered at the moment."))
_MISTAKES: Final[Mapping[str, str]] = {"score": _("Please choose a number.")}
_MISTAKE: Final = _("Please look at your answers again: one of them is missing or not right.")


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the policy that lets only its own style in."""

    html: str
    policy: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked; `given` is what was chosen before, `mistake` the field that was wrong."""

    survey: str
    kind: Kind
    questions: Sequence[Question]
    number: int | None
    subject: str | None
    closes_at: datetime
    given: Mapping[str, Any]
    mistake: str | None = None


def question(kind: Kind, say: Translator) -> str:
    return say(_QUESTIONS[kind])


def labels(kind: Kind, say: Translator) -> tuple[str, str]:
    """What the lowest and the highest score mean."""
    low, high = _LABELS[kind]
    return say(low), say(high)


def form(asking: Asking, locale: Locale, time_zone: str) -> Page:
    say, scale = translator(locale), SCALES.get(asking.kind)
    low, high = labels(asking.kind, say) if scale else ("", "")
    mistake = None if asking.mistake is None else say(_MISTAKES.get(asking.mistake, _MISTAKE))
    return _page(
        "form.html",
        locale,
        title=question(asking.kind, say) if scale else asking.survey,
        asking=asking,
        scores=scale.scores if scale else (),
        low=low,
        high=high,
        questions=[_shown(one, locale) for one in asking.questions],
        mistake=mistake,
        closes_at=say.instant(asking.closes_at, time_zone),
    )


def thanks(locale: Locale) -> Page:
    say = translator(locale)
    title, text = say(_("Thank you")), say(_("Your answer has reached us."))
    return _page("message.html", locale, title=title, text=text)


def refusal(code: str, locale: Locale) -> Page:
    """Why a link cannot be answered."""
    say = translator(locale)
    title, text = _REFUSALS.get(code, _OTHERWISE)
    return _page("message.html", locale, title=say(title), text=say(text))


def _shown(one: Question, locale: Locale) -> dict[str, Any]:
    values: list[tuple[str, str]] = []
    if one.type is QuestionType.SCALE:
        values = [(str(value), str(value)) for value in range(one.low or 0, (one.high or 0) + 1)]
    elif one.type is QuestionType.CHOICE:
        values = [(option.value, in_language(option.label, locale)) for option in one.options]
    return {
        "name": f"q.{one.key}",
        "text": in_language(one.text, locale),
        "required": one.required,
        "many": one.many,
        "options": values,
    }


def _page(name: str, locale: Locale, **places: Any) -> Page:
    style, digest = _style()
    html = _templates().get_template(name).render(_=translator(locale), locale=locale, style=style, **places)
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
    return Page(html, policy)


@cache
def _style() -> tuple[Markup, str]:
    text = (TEMPLATES / "page.css").read_text()
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
