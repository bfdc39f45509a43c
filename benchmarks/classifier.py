"""How well the rule base and a trained model classify tickets whose labels are known: `python -m benchmarks.classifier
FILE`, JSON lines in the import format. Each ticket is judged by a model that has not seen it (five parts, each held out
once), so the figures are those of a desk that has resolved four fifths of the file.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from adapters.classifier import train
from domain.classifier.classification import FIELDS, FieldName
from domain.classifier.decision import Known, chances, guess_of
from domain.classifier.evaluation import (
    HELD_OUT,
    Example,
    Judged,
    Label,
    calibration_error,
    is_held_out,
    is_right,
)
from domain.classifier.model import decode
from domain.classifier.training import Task

THRESHOLDS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
Found = dict[FieldName, list[Judged]]


def parts(tickets: Sequence[dict[str, Any]]) -> Iterator[list[Example]]:
    """The tickets five times, with ids that hold another fifth of them out each time."""
    for part in range(HELD_OUT):
        yield [
            Example(
                ticket_id=UUID(int=number * HELD_OUT + (number + part) % HELD_OUT),
                subject=one["subject"],
                description=one["description"],
                labels={field: Label(value=one[field]) for field in FIELDS if one.get(field)},
            )
            for number, one in enumerate(tickets)
        ]


def judge(known: Known, examples: Sequence[Example], into: Found) -> None:
    for one in examples:
        found = chances(known, one.subject, one.description)
        for field, label in one.labels.items():
            guess = guess_of(field, found[field], 0.7)
            right = guess is not None and is_right(guess.value, label.value)
            into[field].append((0.0 if guess is None else guess.confidence, right))


def show(name: str, found: Found) -> None:
    for field, judged in found.items():
        right = sum(one for _, one in judged)
        cells = [f"{right / len(judged):.1%}", f"{calibration_error(judged) or 0:.3f}"]
        for threshold in THRESHOLDS:
            sure = [one for confidence, one in judged if confidence >= threshold]
            cells.append(f"{sum(sure) / max(len(sure), 1):.1%} of {len(sure) / len(judged):.0%}")
        print(f"| {name} | {field} | {len(judged)} | " + " | ".join(cells) + " |")


def main() -> None:
    lines = Path(sys.argv[1]).read_text().splitlines()
    tickets = [json.loads(line) for line in lines]
    categories = frozenset(one["category"] for one in tickets if one.get("category"))
    rules: Found = {field: [] for field in FIELDS}
    model: Found = {field: [] for field in FIELDS}
    took = []
    for examples in parts(tickets):
        held_out = [one for one in examples if is_held_out(one.ticket_id)]
        task = Task(threshold=0.7, categories=sorted(categories), in_use=0, examples=examples)
        begun = time.perf_counter()
        done = asyncio.run(train(task))
        took.append(time.perf_counter() - begun)
        judge(Known(categories=categories), held_out, rules)
        if done.model is not None:
            judge(Known(1, decode(done.model), categories), held_out, model)
    print(
        "| by | field | tickets | right | calibration error | " + " | ".join(f"≥ {one}" for one in THRESHOLDS)
    )
    show("rule base", {field: judged for field, judged in rules.items() if judged})
    show("model", {field: judged for field, judged in model.items() if judged})
    print(f"\nA training took {min(took):.1f} to {max(took):.1f} s.")


if __name__ == "__main__":
    main()
