"""What a contribution is worth, how much counts on one day, and which levels there are. The defaults stand here,
and nowhere else; a desk may keep versions of its own (`storage/member/rules.py`).

A fact is worth what the rules said when it was received, so a later change of them rewrites nothing.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Value
from domain.text import Word

POINTS_MAX: Final = 100_000
ACTIONS_MAX: Final = 200
LEVELS_MAX: Final = 50

Worth = Annotated[int, Field(ge=0, le=POINTS_MAX)]


class Once(StrEnum):
    """How often an action gives points: for each fact, once for each subject (a contest), or once for each subject
    and person who caused it (a like)."""

    FACT = "fact"
    SUBJECT = "subject"
    SUBJECT_AND_PERSON = "subject_and_person"


class ActionRule(Value):
    """`capped`: whether its points count towards what one day can give."""

    points: Worth
    capped: bool = True
    once: Once = Once.FACT


class Level(Value):
    name: Word
    threshold: Annotated[int, Field(ge=0, le=1_000_000_000)]


class RulesContents(Value):
    """`daily_cap`: points that one day (UTC) can give by capped actions; null is no limit. Levels begin at 0 and
    rise."""

    daily_cap: Annotated[int, Field(ge=0, le=1_000_000)] | None
    actions: Annotated[dict[Word, ActionRule], Field(min_length=1, max_length=ACTIONS_MAX)]
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=LEVELS_MAX)]

    @model_validator(mode="after")
    def _levels(self) -> Self:
        thresholds = [level.threshold for level in self.levels]
        rising = all(low < high for low, high in pairwise(thresholds))
        if thresholds[0] != 0 or not rising:
            raise PydanticCustomError("levels", "Levels begin at 0, and each needs more than the one before.")
        if len({level.name for level in self.levels}) < len(self.levels):
            raise PydanticCustomError("levels", "Two levels have the same name.")
        return self

    def level(self, points: int) -> Level:
        return [level for level in self.levels if level.threshold <= max(points, 0)][-1]

    def next_level(self, points: int) -> Level | None:
        return next((level for level in self.levels if level.threshold > points), None)


class Rules(RulesContents):
    """Version 0 is what a desk begins with."""

    version: int = 0


def _rule(points: int, **options: Any) -> ActionRule:
    return ActionRule(points=points, **options)


DEFAULT: Final = Rules(
    daily_cap=200,
    actions={
        "post_created": _rule(10),
        "post_liked": _rule(5, once=Once.SUBJECT_AND_PERSON),
        "comment_added": _rule(2),
        "comment_liked": _rule(1, once=Once.SUBJECT_AND_PERSON),
        "accepted_answer": _rule(15, capped=False),
        "helpful_content": _rule(20, once=Once.SUBJECT_AND_PERSON),
        "community_event_participation": _rule(30),
        "contest_participation": _rule(50, once=Once.SUBJECT),
        "feedback_shipped": _rule(20),
    },
    levels=(
        Level(name="newbie", threshold=0),
        Level(name="beginner", threshold=100),
        Level(name="intermediate", threshold=1000),
        Level(name="advanced", threshold=5000),
        Level(name="expert", threshold=10_000),
    ),
)
