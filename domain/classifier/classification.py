"""What was guessed of a ticket, as it is kept: a message of the ticket's process, light enough for workflow code."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

RULES: Final = 0
"""The version of the rule base."""

FieldName = Literal["category", "kind", "priority"]
FIELDS: Final[tuple[FieldName, ...]] = ("category", "kind", "priority")


class Guess(BaseModel):
    """The likeliest value with the probability that it is right. What is `sure` was taken."""

    model_config = ConfigDict(frozen=True)

    value: str
    confidence: float
    sure: bool


class Classification(BaseModel):
    """What was guessed when a ticket was opened, by which version (0: the rule base). A field that the caller gave
    was not guessed. The priority is only ever proposed."""

    model_config = ConfigDict(frozen=True)

    version: int
    category: Guess | None = None
    kind: Guess | None = None
    priority: Guess | None = None

    def taken(self, field: FieldName) -> str | None:
        guess: Guess | None = getattr(self, field)
        return guess.value if guess is not None and guess.sure else None
