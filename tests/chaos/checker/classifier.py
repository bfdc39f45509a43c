"""The classifier: each training ended once and put to use what it says, and what was guessed of a ticket stands."""

from collections import Counter
from typing import Final

from tests.chaos.checker.case import SLACK, Case, Check

_FIELDS: Final = ("category", "kind", "priority")


def every_training_ended_once(case: Case) -> Check:
    """One row for each run of the process, one version at most, put to use once or not at all; whoever asked for a
    training got one that ended later."""
    check = Check("every training ended once")
    rows = case.evidence.rows
    trainings, versions = rows["trainings"], {row["version"]: row["run"] for row in rows["versions"]}
    starts = sum(one.starts for one in case.evidence.processes if one.type == "Training")
    check.expect(starts == len(trainings), f"{starts} trainings ran, and {len(trainings)} ended")
    runs = {row["run"] for row in trainings}
    for version, run in versions.items():
        check.expect(run in runs, f"version {version} is of a training that never ended")
    made = Counter(versions.values())
    check.expect(max(made.values(), default=1) == 1, f"a training made several versions: {made}")
    wanted = Counter((row["version"], row["outcome"]) for row in trainings if row["version"] is not None)
    chosen = Counter((row["version"], row["cause"]) for row in rows["choices"])
    check.expect(wanted == chosen, f"put to use were {chosen}, and the trainings say {wanted}")
    for request in case.of("train"):
        ended = any(row["at"] >= request.asked_at - SLACK for row in trainings)
        check.expect(ended, f"the training that was asked for at {request.asked_at} never ended")
    check.notes["versions"] = float(len(versions))
    return check


def what_was_guessed_is_told(case: Case) -> Check:
    """The ticket and its history tell the same guess, by a version that was in use; and what the caller had said was
    not guessed."""
    check = Check("what was guessed stands in the history")
    chosen = {0} | {row["version"] for row in case.evidence.rows["choices"]}
    for ticket, row in case.tickets.items():
        guessed = row["classification"]
        told = [event["data"] for event in case.events[ticket] if event["type"] == "classified"]
        if guessed is None:
            check.expect(not told, f"{ticket}: its history tells of a guess, the ticket does not")
            continue
        there = {name: value for name, value in guessed.items() if value is not None}
        check.expect(told == [there], f"{ticket}: {there}, its history says {told}")
        check.expect(guessed["version"] in chosen, f"{ticket}: guessed by version {guessed['version']}")
    for request in case.of("create"):
        guessed = case.tickets.get(request.answer["id"], {}).get("classification") or {}
        said = [name for name in _FIELDS if request.facts.get("body", {}).get(name) and guessed.get(name)]
        check.expect(not said, f"{request.facts['token']}: {said} was said, and guessed all the same")
    return check
