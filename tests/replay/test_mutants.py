"""The net holds: workflow code whose commands come in another order is refused by a recorded history."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from types import FunctionType
from typing import Any, Final

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.replay import archive
from tests.replay.mutants import Mutant, mutants
from tests.replay.words import NOT_COVERED
from workers.registry import WORKFLOWS

HARMLESS: Final = {
    ("durable", "continue_as_new", "swapped"): (
        "no handler runs when a run ends, as one that is about to end takes no action and has had the lock since; "
        "the wait is for handlers that are still to be written"
    )
}
"""Mutants that change nothing, each with its reason. The list is meant to stay short."""


@cache
def histories() -> Mapping[str, Sequence[WorkflowHistory]]:
    """Those of the newest version by workflow type, the shortest first."""
    found: dict[str, list[WorkflowHistory]] = {}
    for one in archive.recorded():
        if one.version == archive.newest().name:
            history = one.history()
            found.setdefault(archive.workflow_type(history), []).append(history)
    return {name: sorted(many, key=lambda one: len(one.events)) for name, many in found.items()}


async def refused(workflows: Sequence[type]) -> bool:
    """Whether one of the recorded histories cannot be replayed by these workflows."""
    replayer = Replayer(
        workflows=workflows,
        workflow_runner=UnsandboxedWorkflowRunner(),  # the mutant is not a module that could be imported
        data_converter=pydantic_data_converter,
    )
    for workflow in workflows:
        for history in histories()[type_name(workflow)]:
            result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            if result.replay_failure is not None:
                return True
    return False


def type_name(workflow: Any) -> str:
    return str(workflow.__temporal_workflow_definition.name)


async def test_the_code_itself_is_accepted() -> None:
    """Without this, what follows would say nothing."""
    assert not await refused(WORKFLOWS)


def test_only_mutants_that_exist_are_called_harmless() -> None:
    assert {(one.module, one.function, one.kind) for one in mutants()} >= HARMLESS.keys()


@pytest.mark.parametrize(
    "mutant",
    [one for one in mutants() if (one.module, one.function, one.kind) not in HARMLESS],
    ids=lambda mutant: mutant.place,
)
async def test_another_order_of_commands_is_refused(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    names = mutant.names()
    changed = [
        one
        for one in names.values()
        if isinstance(one, type) and "__temporal_workflow_definition" in vars(one)
    ]
    if (
        not changed
    ):  # a module that workflows share: they find the changed functions and methods in their places
        shared = f"workflows.{mutant.module}"
        here = {name: one for name, one in names.items() if getattr(one, "__module__", None) == shared}
        for name, one in here.items():
            place = getattr(sys.modules[shared], name, None)
            if isinstance(one, FunctionType):
                monkeypatch.setattr(sys.modules[shared], name, one)
            elif isinstance(one, type) and not is_dataclass(one):
                for method, code in vars(one).items():
                    if isinstance(code, FunctionType):
                        monkeypatch.setattr(place, method, code)
    assert await refused(changed or WORKFLOWS), NOT_COVERED.format(place=mutant.place)
