"""The words of a survey and the page on which people answer it, in their language.

What is asked and what counts as an answer is decided in `domain/survey/questions.py`; how the page looks, in
`adapters/page.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters import page
from adapters.page import Page
from domain.survey.questions import SCALES, Kind, Question, QuestionType, in_language
from domain.text import Locale
from runtime.i18n import Translator, translator
from runtime.i18n import mark as _

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
    "link_expired": (
        _("This survey is over"),
        _("The time to answer has passed. If something is still open, answer the mail of your ticket."),
    ),
    "survey_withdrawn": (
        _("We are working on it again"),
        _("Your ticket was taken up again, so we ask you when it is done."),
    ),
}
_OTHERWISE: Final = (_("This survey is not open"), _("It cannot be answered at the moment."))
_MISTAKES: Final[Mapping[str, str]] = {"score": _("Please choose a number.")}


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
    mistake = None if asking.mistake is None else say(_MISTAKES.get(asking.mistake, page.MISTAKE))
    return page.page(
        "survey/form.html",
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


def refusal(code: str, locale: Locale) -> Page:
    """Why a link cannot be answered."""
    return page.refusal(code, locale, _REFUSALS, _OTHERWISE)


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
