"""What a survey asks, and what counts as an answer to it.

A survey of a kind has a score, asked on a scale of its own; questions of the desk may follow it. The words of the
scores are in the catalogues (`adapters/survey.py`), those of the desk's own questions come in every language it
likes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Value
from domain.errors import Invalid
from domain.text import Line, Locale, Text, Word

QUESTIONS_MAX: Final = 20
OPTIONS_MAX: Final = 50
COMMENT_LENGTH: Final = 4000

_FREE: Final[TypeAdapter[str]] = TypeAdapter(Annotated[Text, StringConstraints(max_length=COMMENT_LENGTH)])


class Kind(StrEnum):
    """Customer satisfaction, net promoter score, customer effort score, or only the desk's own questions."""

    CSAT = "csat"
    NPS = "nps"
    CES = "ces"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Scale:
    """Whole numbers from `low` to `high`. From `good` on a score counts as satisfied; up to `bad` as the opposite,
    which matters for the net promoter score."""

    low: int
    high: int
    good: int
    bad: int

    def __contains__(self, score: int) -> bool:
        return self.low <= score <= self.high

    @property
    def scores(self) -> range:
        return range(self.low, self.high + 1)


SCALES: Final[Mapping[Kind, Scale]] = {
    Kind.CSAT: Scale(1, 5, good=4, bad=2),
    Kind.NPS: Scale(0, 10, good=9, bad=6),
    Kind.CES: Scale(1, 7, good=5, bad=3),
}
"""CSAT: the two best of five. NPS: promoters 9 and 10, detractors 0 to 6 (Reichheld, "The One Number You Need to
Grow", Harvard Business Review, December 2003). CES 2.0: "made it easy" from "somewhat agree" on, of seven."""


class QuestionType(StrEnum):
    SCALE = "scale"
    CHOICE = "choice"
    TEXT = "text"


Texts = Annotated[dict[Locale, Line], Field(min_length=1)]
"""Words in one or more languages; who reads another one sees the English ones, or the first."""


def in_language(texts: Mapping[Locale, str], locale: Locale) -> str:
    return texts.get(locale) or texts.get("en") or next(iter(texts.values()))


class Option(Value):
    model_config = ConfigDict(extra="forbid")

    value: Word
    label: Texts


class Question(Value):
    """One of the desk's own questions. A `scale` has its ends `low` and `high`, a `choice` its `options`, of which
    `many` may be chosen or one; a `text` is free."""

    model_config = ConfigDict(extra="forbid")

    key: Word
    text: Texts
    type: QuestionType
    required: bool = False
    low: Annotated[int, Field(ge=0, le=1)] | None = None
    high: Annotated[int, Field(ge=2, le=10)] | None = None
    options: Annotated[tuple[Option, ...], Field(max_length=OPTIONS_MAX)] = ()
    many: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        scale = self.type is QuestionType.SCALE
        if scale != (self.low is not None and self.high is not None) or (
            not scale and (self.low, self.high) != (None, None)
        ):
            raise PydanticCustomError("scale_ends", "A scale, and nothing else, has the ends low and high.")
        if (self.type is QuestionType.CHOICE) != (len(self.options) > 1):
            raise PydanticCustomError("options", "A choice, and nothing else, has two options or more.")
        if len({option.value for option in self.options}) < len(self.options):
            raise PydanticCustomError("options", "Two options have the same value.")
        if self.many and self.type is not QuestionType.CHOICE:
            raise PydanticCustomError("many", "Only of a choice many can be chosen.")
        return self


Questions = Annotated[tuple[Question, ...], Field(max_length=QUESTIONS_MAX)]


def check_questions(kind: Kind, questions: Sequence[Question]) -> None:
    """Raises PydanticCustomError: for validators of what holds both."""
    if kind is Kind.CUSTOM and not questions:
        raise PydanticCustomError("questions", "A survey of questions of your own needs one.")
    if len({question.key for question in questions}) < len(questions):
        raise PydanticCustomError("questions", "Two questions have the same key.")


class Given(Value):
    """What somebody answered, as it came."""

    score: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] | None = None
    comment: str | None = None
    answers: Mapping[str, Any] = {}


def check_answer(kind: Kind, questions: Sequence[Question], given: Given) -> None:
    """Raises Invalid for what is missing, unknown, or off the scale."""
    scale = SCALES.get(kind)
    if scale is None and given.score is not None:
        raise Invalid("no_score", "This survey has no score.", field="score")
    if scale is not None and given.score is None:
        raise Invalid("required", "The score is missing.", field="score")
    if scale is not None and given.score is not None and given.score not in scale:
        raise Invalid(
            "off_scale", f"The score is a whole number from {scale.low} to {scale.high}.", field="score"
        )
    known = {question.key: question for question in questions}
    for key in given.answers:
        if key not in known:
            raise Invalid("unknown_question", "The survey has no such question.", field=f"answers.{key}")
    for key, question in known.items():
        value = given.answers.get(key)
        if value in (None, "", []):
            if question.required:
                raise Invalid("required", "This question needs an answer.", field=f"answers.{key}")
        else:
            _check_value(question, value)


def _check_value(question: Question, value: Any) -> None:
    field = f"answers.{question.key}"
    match question.type:
        case QuestionType.SCALE:
            low, high = question.low or 0, question.high or 0
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise Invalid("off_scale", f"The answer is a whole number from {low} to {high}.", field=field)
        case QuestionType.CHOICE:
            allowed = {option.value for option in question.options}
            chosen = value if question.many and isinstance(value, list) else [value]
            if any(not isinstance(one, str) or one not in allowed for one in chosen):
                names = ", ".join(sorted(allowed))
                raise Invalid("unknown_option", f"Choose among: {names}.", field=field)
            if len(set(chosen)) < len(chosen):
                raise Invalid("chosen_twice", "Choose each option once.", field=field)
        case QuestionType.TEXT:
            try:
                _FREE.validate_python(value, strict=True)
            except ValidationError:
                message = f"The answer is a text of {COMMENT_LENGTH} characters at most."
                raise Invalid("invalid_text", message, field=field) from None


def answered(questions: Sequence[Question], given: Given) -> dict[str, Any]:
    """What is kept of the answers to the desk's own questions: those that say something, choices as lists."""
    kept: dict[str, Any] = {}
    for question in questions:
        value = given.answers.get(question.key)
        if value in (None, "", []):
            continue
        choice = question.type is QuestionType.CHOICE and not isinstance(value, list)
        kept[question.key] = [value] if choice else value
    return kept
