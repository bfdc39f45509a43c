"""Trains a model with scikit-learn, in a process of its own: `python -m adapters.classifier`, a task in, a model out.

Whoever calls `train` never imports scikit-learn, and is not held up: the process takes what is left of the machine
(lowest priority, one thread), and dies with the one who started it. What it learned leaves it as plain numbers.
"""

import asyncio
import os
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.classifier import rules
from domain.classifier.classification import FIELDS, RULES, FieldName
from domain.classifier.decision import Known, chances, guess_of
from domain.classifier.evaluation import (
    MIN_HELD_OUT,
    MIN_LABELS,
    MIN_OF_LABEL,
    UNTOUCHED,
    Example,
    Judged,
    Label,
    Quality,
    Report,
    Rival,
    is_held_out,
    is_right,
    quality_of,
    temperature_of,
)
from domain.classifier.model import LABELS_MAX, Head, Model, decode, encode
from domain.classifier.text import BUCKETS, features_of
from domain.classifier.training import Done, Task
from domain.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STRENGTH: Final = 10.0
"""How closely a model follows its tickets (C of scikit-learn); a third or three times of it changes little."""
FOLDS: Final = 4
MANY: Final = 2_000
"""With more tickets than these, one fold tells the temperature."""

_Row = tuple["array[int]", "array[float]"]
"""The features of a ticket and their weights; a dictionary would take ten times the memory."""


async def train(task: Task) -> Done:
    """Raises Unavailable `training_failed` when the process dies."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.classifier",
        str(os.getpid()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it may quote what people wrote
        env=environment,
    )
    try:
        answer, _ = await process.communicate(task.model_dump_json().encode())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise Unavailable("training_failed", f"The trainer ended with code {process.returncode}.")
    return Done.model_validate_json(answer)


@dataclass(frozen=True, slots=True)
class _Material:
    """The labelled tickets of one field: their features, labels and weights."""

    rows: Sequence[_Row]
    labels: Sequence[str]
    weights: Sequence[float]


def learn(task: Task) -> Done:
    """A model of all tickets that are not held out, and how it and the others do on those that are.

    What the version in use knows is learned even where few tickets can judge it, or the rule base would come back for
    it, unjudged.
    """
    learned = [one for one in task.examples if not is_held_out(one.ticket_id)]
    tested = [one for one in task.examples if is_held_out(one.ticket_id)]
    rows = [_features(one, task.categories) for one in learned]
    others = _models(task)
    known = others[task.in_use].heads if task.in_use in others else {}
    heads: dict[FieldName, Head] = {}
    for field in FIELDS:
        material = _material(field, learned, rows)
        judges = sum(_judges(one.labels.get(field)) for one in tested)
        if material is not None and (judges >= MIN_HELD_OUT or field in known):
            heads[field] = _head(material)
    if not heads:
        return Done()
    model = Model(heads)
    return Done(model=encode(model), report=_report(task, model, others, learned, tested))


def _models(task: Task) -> dict[int, Model]:
    found: dict[int, Model] = {}
    for version, content in task.models.items():
        with suppress(Invalid):  # of an older format: no rival any more
            found[version] = decode(content)
    return found


def _features(example: Example, categories: Sequence[str]) -> _Row:
    scores = rules.scores_of(example.subject, example.description, categories)
    features = features_of(example.subject, example.description, rules.hints_of(scores))
    return array("i", features), array("d", features.values())


def _material(field: FieldName, learned: Sequence[Example], rows: Sequence[_Row]) -> _Material | None:
    """The tickets whose label there are enough others of; None if there are too few to learn from."""
    found = [(row, label) for one, row in zip(learned, rows, strict=True) if (label := one.labels.get(field))]
    counts = Counter(label.value for _, label in found)
    often = {value for value, count in counts.most_common(LABELS_MAX) if count >= MIN_OF_LABEL}
    found = [(row, label) for row, label in found if label.value in often]
    if len(often) < 2 or len(found) < MIN_LABELS:
        return None
    return _Material(
        rows=[row for row, _ in found],
        labels=[label.value for _, label in found],
        weights=[1.0 if label.said else UNTOUCHED for _, label in found],
    )


def _judges(label: Label | None) -> bool:
    """Whether a person gave it, unprompted."""
    return label is not None and label.said and not label.prompted


def _head(material: _Material) -> Head:
    """Weights from all tickets; the temperature from models that have not seen the tickets they are asked about."""
    from numpy import array as vector  # noqa: PLC0415  only the trainer's own process has these
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    matrix, labels, weights = _matrix(material.rows), vector(material.labels), vector(material.weights)
    names = sorted(set(material.labels))
    logits: list[list[float]] = []
    truth: list[int] = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(matrix, labels)
    for some, others in folds:
        fitted = _fitted(matrix[some], labels[some], weights[some], names)
        logits += fitted.logits(matrix[others])
        truth += [names.index(label) for label in labels[others]]
        if len(material.labels) > MANY:
            break
    fitted = _fitted(matrix, labels, weights, names)
    return Head(tuple(names), fitted.bias, temperature_of(logits, truth), fitted.weights())


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A regression: `rows` has a row of weights for each feature of `columns`, a column a label."""

    columns: Any
    rows: Any
    bias: tuple[float, ...]

    def logits(self, matrix: "csr_matrix") -> list[list[float]]:
        found: list[list[float]] = (matrix[:, self.columns] @ self.rows + self.bias).tolist()
        return found

    def weights(self) -> "array[float]":
        from numpy import float32, zeros  # noqa: PLC0415  only the trainer's own process has it

        whole = zeros((BUCKETS, len(self.bias)), dtype=float32)
        whole[self.columns] = self.rows
        numbers = array("f")
        numbers.frombytes(whole.tobytes())
        return numbers


def _fitted(matrix: "csr_matrix", labels: Any, weights: Any, names: Sequence[str]) -> _Fitted:
    """Features of a single ticket say nothing of others and are left out."""
    from numpy import flatnonzero, vstack, zeros_like  # noqa: PLC0415  only the trainer's own process has it
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    columns = flatnonzero(matrix.getnnz(axis=0) > 1)
    fitted = LogisticRegression(C=STRENGTH, max_iter=300).fit(matrix[:, columns], labels, weights)
    rows, bias = fitted.coef_, fitted.intercept_.tolist()
    if len(names) == 2:  # it has the weights of the second label only
        rows, bias = vstack([zeros_like(rows), rows]), [0.0, *bias]
    return _Fitted(columns, rows.T, tuple(bias))


def _matrix(rows: Sequence[_Row]) -> "csr_matrix":
    from numpy import frombuffer, intc  # noqa: PLC0415  only the trainer's own process has these
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    buckets, values, ends = array("i"), array("d"), array("i", [0])
    for row_buckets, row_values in rows:
        buckets.extend(row_buckets)
        values.extend(row_values)
        ends.append(len(buckets))
    parts = (frombuffer(values), frombuffer(buckets, intc), frombuffer(ends, intc))
    return csr_matrix(parts, shape=(len(rows), BUCKETS))


def _report(
    task: Task,
    model: Model,
    others: Mapping[int, Model],
    learned: Sequence[Example],
    tested: Sequence[Example],
) -> Report:
    """Every version answers as it would at work: what it has no model for is left to the rule base."""
    categories = frozenset(task.categories)
    contenders: dict[int | None, Known] = {None: Known(model=model, categories=categories)}
    contenders[RULES] = Known(categories=categories)
    contenders.update({version: Known(version, one, categories) for version, one in others.items()})
    judged = {version: _judged(known, tested, task.threshold) for version, known in contenders.items()}
    right = {version: [one for row in rows.values() for _, one in row] for version, rows in judged.items()}
    in_use = task.in_use if task.in_use in contenders else RULES
    return Report(
        in_use=task.in_use,
        held_out=len(right[None]),
        in_use_right=sum(right[in_use]),
        candidate_right=sum(right[None]),
        rivals=[
            _rival(version, answers, right[in_use])
            for version, answers in right.items()
            if version is not None and version != task.in_use
        ],
        fields=[
            _quality(field, head, learned, judged[None][field], judged[RULES][field], task.threshold)
            for field, head in model.heads.items()
        ],
    )


def _judged(known: Known, tested: Sequence[Example], threshold: float) -> Mapping[FieldName, list[Judged]]:
    found: dict[FieldName, list[Judged]] = {field: [] for field in FIELDS}
    for one in tested:
        guessed = chances(known, one.subject, one.description)
        for field, label in one.labels.items():
            if _judges(label):
                guess = guess_of(field, guessed[field], threshold)
                right = guess is not None and is_right(guess.value, label.value)
                found[field].append((0.0 if guess is None else guess.confidence, right))
    return found


def _rival(version: int, right: Sequence[bool], in_use: Sequence[bool]) -> Rival:
    pairs = Counter(zip(right, in_use, strict=True))
    return Rival(version=version, right=sum(right), better=pairs[True, False], worse=pairs[False, True])


def _quality(
    field: FieldName,
    head: Head,
    learned: Sequence[Example],
    judged: Sequence[Judged],
    by_rules: Sequence[Judged],
    threshold: float,
) -> Quality:
    labels = Counter(label.value for one in learned if (label := one.labels.get(field)))
    known = {value: labels[value] for value in head.labels}
    return quality_of(field, known, judged, sum(right for _, right in by_rules), threshold)


def _die_with(parent: int, leave: Callable[[int], Any]) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    leave(1)


def main() -> None:
    os.nice(19)
    watch = threading.Thread(target=_die_with, args=(int(sys.argv[1]), os._exit), daemon=True)
    watch.start()
    done = learn(Task.model_validate_json(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(done.model_dump_json().encode())


if __name__ == "__main__":
    main()
