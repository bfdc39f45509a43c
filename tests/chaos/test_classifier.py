"""The checker of trainings and guesses can fail: each kind of loss, planted in sound evidence, is found."""

from typing import Any

import pytest

from tests.chaos.checker import classifier
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Process, Row
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import BOSS, asked, at, event, sound

CHECKS = (classifier.every_training_ended_once, classifier.what_was_guessed_is_told)
ENDED, TOLD = "every training ended once", "what was guessed stands in the history"
KIND = {"value": "fault", "confidence": 0.9, "sure": True}


def learned() -> Evidence:
    """A training makes a version that guesses of the ticket; the next one makes another, which is no better."""
    evidence = sound()
    rows = evidence.rows
    rows["trainings"] = [training("a", 3, "taken", 1), training("b", 40, "not_better", None)]
    rows["versions"] = [{"version": 1, "run": "a"}, {"version": 2, "run": "b"}]
    rows["choices"] = [{"number": 1, "version": 1, "cause": "taken"}]
    rows["tickets"][0]["classification"] = {"version": 1, "category": None, "kind": KIND, "priority": None}
    rows["events"].insert(1, {**event(1, "classified", 0), "data": {"version": 1, "kind": KIND}})
    evidence.processes.append(Process("classifier:by-hand", "Training", "COMPLETED", at(2), starts=2))
    evidence.journal += asked("train", "train", BOSS, 39, 1)
    for entry in evidence.journal:
        if entry.get("what") == "create" and entry["kind"] == "asked":
            entry["body"] = {"category": "network", "priority": "normal"}
    return evidence


def training(run: str, seconds: float, outcome: str, version: int | None) -> Row:
    return {"run": run, "at": at(seconds), "outcome": outcome, "version": version}


def guess(**fields: Any) -> Plant:
    def plant(evidence: Evidence) -> None:
        known = evidence.rows["tickets"][0]["classification"]
        evidence.rows["tickets"][0]["classification"] = {**known, **fields}
        evidence.rows["events"][1]["data"].update(fields)

    return plant


PLANTS: dict[str, tuple[str, Plant]] = {
    "a training that never ended": (ENDED, lose("trainings", 1)),
    "a training that ended twice": (ENDED, double("trainings", 1)),
    "a version of no training": (ENDED, change("versions", 1, run="c")),
    "a training that made two versions": (ENDED, change("versions", 1, run="a")),
    "a version that was never put to use": (ENDED, lose("choices", 0)),
    "a version that was put to use twice": (ENDED, double("choices", 0)),
    "a version that was put to use for another reason": (ENDED, change("choices", 0, cause="rolled_back")),
    "a training that was asked for and was over before": (ENDED, change("trainings", 1, at=at(10))),
    "a guess that the history forgot": (TOLD, lose("events", 1)),
    "a guess that the history tells twice": (TOLD, double("events", 1)),
    "a guess that the ticket forgot": (TOLD, change("tickets", 0, classification=None)),
    "a guess that the history tells otherwise": (
        TOLD,
        change("events", 1, data={"version": 1, "kind": {**KIND, "value": "usage"}}),
    ),
    "a guess of a version that was never in use": (TOLD, guess(version=2)),
    "a guess of what the caller had said": (TOLD, guess(category={**KIND, "value": "network"})),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(learned())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = learned()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
