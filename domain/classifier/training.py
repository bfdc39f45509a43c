"""The messages of a training: what its process starts with, what is handed to the trainer, and what comes back."""

from base64 import b64decode, b64encode
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, Field, PlainSerializer, PlainValidator

from domain.account import Ref, Value
from domain.classifier.evaluation import Example, Message, Outcome, Quality, Report

EXAMPLES: Final = 10_000
"""The newest labelled tickets that a training reads."""
KEPT: Final = 10
"""The newest versions whose models are kept, besides those that were ever chosen by a person."""


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b64decode(str(value), validate=True)


Blob = Annotated[bytes, PlainValidator(_bytes), PlainSerializer(lambda one: b64encode(one).decode())]


class TrainingInput(Message):
    """`asked_by` is the person who asked for it; a schedule asks for nobody."""

    asked_by: UUID | None = None


class Wanted(Message):
    """One training. `run` names it: the same run gives the same version, however often it is tried."""

    run: str
    asked_by: UUID | None = None


class Trained(Message):
    """What a training made: a version with its report, or the reason why there is none."""

    version: int | None = None
    reason: Outcome | None = None
    report: Report | None = None
    choice: int = 0
    held: bool = False


class Choosing(Message):
    """The version to use from now on, if the choice in force is still number `after`."""

    version: int
    after: int
    cause: Outcome
    chosen_by: UUID | None = None


class Result(Message):
    """What became of a training; `version` is the one in use because of it, if that changed."""

    outcome: Outcome
    trained: int | None = None
    version: int | None = None


class Task(Message):
    """What the trainer is handed. `models` are those of the version in use and of its rivals."""

    threshold: float
    categories: list[str]
    in_use: int
    models: dict[int, Blob] = {}
    examples: list[Example] = []


class Done(Message):
    """What the trainer gives back; nothing where there were too few labels for any field."""

    model: Blob | None = None
    report: Report | None = None


class VersionRecord(Value):
    """A version that was trained. `labels` is how many tickets it learned from and was tested on."""

    version: int
    trained_at: AwareDatetime
    labels: int
    held_out: int
    size: Annotated[int, Field(ge=0)]
    fields: tuple[Quality, ...]
    kept: bool


class ChoiceRecord(Value):
    """Which version was put to use when, and why: the outcome of a training, or by a person's hand."""

    version: int
    at: AwareDatetime
    cause: str
    chosen_by: Ref | None
