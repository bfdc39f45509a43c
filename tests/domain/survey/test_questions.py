"""What counts as an answer, and what is refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import Invalid
from domain.survey.questions import (
    SCALES,
    Given,
    Kind,
    Question,
    answered,
    check_answer,
    check_questions,
    in_language,
)

TEXT: dict[str, Any] = {"text": {"en": "Why?", "zh-CN": "为什么？"}}
COLOURS = [{"value": name, "label": {"en": name}} for name in ("red", "green", "blue")]
QUESTIONS = [
    Question.model_validate({"key": "ease", "type": "scale", "low": 0, "high": 10, "required": True, **TEXT}),
    Question.model_validate({"key": "colour", "type": "choice", "options": COLOURS, **TEXT}),
    Question.model_validate({"key": "all", "type": "choice", "options": COLOURS, "many": True, **TEXT}),
    Question.model_validate({"key": "why", "type": "text", **TEXT}),
]


@pytest.mark.parametrize("kind", list(SCALES))
def test_a_score_is_on_the_scale_of_its_kind(kind: Kind) -> None:
    scale = SCALES[kind]
    for score in range(11):
        given = Given.model_validate({"score": score})
        if scale.low <= score <= scale.high:
            check_answer(kind, [], given)
        else:
            with pytest.raises(Invalid, match="whole number"):
                check_answer(kind, [], given)
    with pytest.raises(Invalid, match="missing"):
        check_answer(kind, [], Given())


def test_answers_are_checked_by_their_questions_and_kept_if_they_say_something() -> None:
    given = Given(answers={"ease": 7, "colour": "red", "all": ["red", "blue"], "why": ""})
    check_answer(Kind.CUSTOM, QUESTIONS, given)
    assert answered(QUESTIONS, given) == {"ease": 7, "colour": ["red"], "all": ["red", "blue"]}


@pytest.mark.parametrize(
    ("answers", "code", "field"),
    [
        ({}, "required", "answers.ease"),
        ({"ease": None}, "required", "answers.ease"),
        ({"ease": 11}, "off_scale", "answers.ease"),
        ({"ease": True}, "off_scale", "answers.ease"),
        ({"ease": "7"}, "off_scale", "answers.ease"),
        ({"ease": 7, "colour": "pink"}, "unknown_option", "answers.colour"),
        ({"ease": 7, "colour": ["red"]}, "unknown_option", "answers.colour"),
        ({"ease": 7, "all": ["red", 3]}, "unknown_option", "answers.all"),
        ({"ease": 7, "all": ["red", "red"]}, "chosen_twice", "answers.all"),
        ({"ease": 7, "why": "x" * 4001}, "invalid_text", "answers.why"),
        ({"ease": 7, "why": 1}, "invalid_text", "answers.why"),
        ({"ease": 7, "why": "a\x00b"}, "invalid_text", "answers.why"),
        ({"ease": 7, "why": "\ud800"}, "invalid_text", "answers.why"),
        ({"ease": 7, "whence": 1}, "unknown_question", "answers.whence"),
    ],
)
def test_a_wrong_answer_is_refused_by_the_name_of_its_question(
    answers: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        check_answer(Kind.CUSTOM, QUESTIONS, Given(answers=answers))
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_survey_without_a_score_takes_none() -> None:
    with pytest.raises(Invalid, match="no score"):
        check_answer(Kind.CUSTOM, QUESTIONS, Given(score=3, answers={"ease": 1}))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "scale"},
        {"type": "scale", "low": 1},
        {"type": "text", "low": 1, "high": 5},
        {"type": "choice"},
        {"type": "choice", "options": COLOURS[:1]},
        {"type": "choice", "options": [*COLOURS, COLOURS[0]]},
        {"type": "text", "options": COLOURS},
        {"type": "text", "many": True},
        {"type": "text", "text": {}},
        {"type": "text", "text": {"fr": "Pourquoi ?"}},
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Question.model_validate({"key": "a", **TEXT, **fields})


def test_questions_have_keys_of_their_own() -> None:
    with pytest.raises(ValueError, match="same key"):
        check_questions(Kind.CSAT, [QUESTIONS[0], QUESTIONS[0]])
    with pytest.raises(ValueError, match="needs one"):
        check_questions(Kind.CUSTOM, [])


def test_words_are_in_the_language_of_the_reader_or_in_one_that_there_is() -> None:
    assert in_language({"en": "a", "zh-CN": "b"}, "zh-CN") == "b"
    assert in_language({"en": "a"}, "zh-CN") == "a"
    assert in_language({"zh-CN": "b"}, "en") == "b"
