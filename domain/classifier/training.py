"""The messages of a training: what its process starts with, what is handed to the trainer, and what comes back."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, PlainSerializer, PlainValidator

from domain.account import Ref, Value
from domain.classifier.classification import RULES, FieldName
from domain.classifier.evaluation import Example, Message, Outcome, Practice, Quality, Report
from domain.classifier.model import FORMAT

EXAMPLES: Final = 10_000
"""The newest labelled tickets that a training reads."""
KEPT: Final = 10
"""So many of the newest versions, and of those last in use, have their models kept."""


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b64decode(str(value), validate=True)


Blob = Annotated[bytes, PlainValidator(_bytes), PlainSerializer(lambda one: b64encode(one).decode())]


class TrainingInput(Message):
    """`asked_by` is the person who asked for it; a schedule asks for nobody."""

    asked_by: UUID | None = None


class Wanted(Message):
    """One training. `run` names it: the same run makes the same version, however often it is tried."""

    run: str
    asked: bool = False


class Trained(Message):
    """What a training made: a version with its report, or the reason why there is none. `after` is the choice in force
    when it was compared, and `held` whether a person made it."""

    version: int | None = None
    reason: Outcome | None = None
    report: Report | None = None
    after: int = 0
    held: bool = False


class Conclusion(Message):
    """What is written of a training; `version` is put to use, if the choice in force is still number `after`."""

    run: str
    outcome: Outcome
    trained: int | None = None
    version: int | None = None
    after: int = 0


class Result(Message):
    """What became of a training: the version that it made, and the one that is in use because of it."""

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


class NewVersion(Message):
    """A version as it is kept."""

    run: str
    labels: str
    tickets: int
    after_choice: int
    report: Report
    practice: dict[FieldName, Practice]
    content: bytes


class InForce(Message):
    """The choice in force: number 0 and the rule base where nothing was ever chosen. `held`: by a person's hand."""

    number: int = 0
    version: int = RULES
    held: bool = False


class VersionRecord(Value):
    """A version that was trained on so many `tickets`. `right` is how many of the held-out guesses it had right, and
    `compared_right` how many the version that was then in use had. `kept`: it can be used again."""

    version: int
    trained_at: AwareDatetime
    tickets: int
    held_out: int
    right: int
    compared_with: int
    compared_right: int
    size: int
    kept: bool
    fields: tuple[Quality, ...]
    practice: dict[FieldName, Practice]


class ChoiceRecord(Value):
    """Which version was put to use when, and why: the outcome of a training, or `by_hand`."""

    version: int
    at: AwareDatetime
    cause: str
    chosen_by: Ref | None


class TrainingRecord(Value):
    """What became of a training; `version` is the one that was put to use by it."""

    at: AwareDatetime
    outcome: Outcome
    version: int | None


def fingerprint(examples: Sequence[Example]) -> str:
    """Tells whether there is anything new to learn."""
    known = sorted((str(one.ticket_id), sorted(one.labels.items())) for one in examples)
    lines = (
        f"{ticket} {field} {label.value} {label.said} {label.prompted}"
        for ticket, labels in known
        for field, label in labels
    )
    return sha256("\n".join((str(FORMAT), *lines)).encode()).hexdigest()
