"""The trainer in its own process: what it learns, how it judges others, and that nobody pays for it meanwhile."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence

import psutil
import pytest

from adapters import classifier
from domain.classifier.decision import Known, classify
from domain.classifier.evaluation import Example, Outcome, is_held_out, judge
from domain.classifier.model import decode
from domain.classifier.training import Done, Task
from domain.errors import Unavailable
from tests.labelled import examples, misled


def task(found: Sequence[Example], **fields: object) -> Task:
    return Task.model_validate({"threshold": 0.7, "categories": [], "in_use": 0, "examples": found, **fields})


async def trained(*found: Example, **fields: object) -> Done:
    return await classifier.train(task(found, **fields))


async def test_a_model_learns_what_the_rule_base_cannot_know() -> None:
    done = await trained(*examples(200))
    assert done.model is not None
    assert done.report is not None
    quality = {one.field: one for one in done.report.fields}
    assert set(quality) == {"category", "kind"}
    assert (quality["category"].accuracy or 0) > 0.9
    assert quality["category"].rules_accuracy == 0
    assert (quality["category"].calibration_error or 0) < 0.15
    assert sum(quality["kind"].labels.values()) == sum(
        not is_held_out(one.ticket_id) for one in examples(200)
    )
    known = Known(1, decode(done.model))
    assert classify(known, "The toner is empty", "", threshold=0.5).taken("category") == "printing"
    assert classify(known, "工资单", "加班费不对", threshold=0.5).taken("category") == "payroll"


async def test_versions_are_compared_on_the_same_held_out_tickets() -> None:
    found = examples(200)
    good = await trained(*found)
    spoilt = [
        one if is_held_out(one.ticket_id) else misled(one, "category", "travel" if place % 3 else "payroll")
        for place, one in enumerate(found)
    ]
    bad = await trained(*spoilt, in_use=4, models={4: good.model, 3: b"of another format"})
    assert bad.report is not None
    assert bad.report.in_use == 4
    assert bad.report.candidate_right < bad.report.in_use_right
    assert [one.version for one in bad.report.rivals] == [0]
    worse = bad.report.rivals[0]
    assert worse.right + worse.worse - worse.better == bad.report.in_use_right


async def test_too_few_labels_make_no_model() -> None:
    assert await trained(*examples(30)) == Done()
    assert await trained(*[misled(one, "category", "travel") for one in examples(30)]) == Done()


@pytest.mark.parametrize("said", [False, True], ids=["stayed", "put right"])
async def test_where_a_guess_had_been_filled_in_nothing_is_proven(said: bool) -> None:
    """It is learned from, but no version is measured by it; and without anything to measure, none is made."""
    prompted = examples(150, seed=2, said=said, prompted=True)
    assert await trained(*prompted) == Done()
    done = await trained(*examples(150), *prompted)
    assert done.report is not None
    assert done.report.held_out == 2 * sum(is_held_out(one.ticket_id) for one in examples(150))
    quality = {one.field: one for one in done.report.fields}
    assert sum(quality["kind"].labels.values()) == 2 * sum(
        not is_held_out(one.ticket_id) for one in examples(150)
    )


async def test_what_the_version_in_use_knows_is_learned_although_nothing_judges_it() -> None:
    """Or the rule base would come back, unjudged, once hardly anything is left open."""
    first = await trained(*examples(150))
    prompted = examples(150, seed=2, said=False, prompted=True)
    done = await trained(*prompted, in_use=1, models={1: first.model})
    assert done.model is not None
    assert set(decode(done.model).heads) == {"category", "kind"}
    assert done.report is not None
    assert done.report.held_out == 0
    assert judge(done.report, held=False)[0] is Outcome.TAKEN


async def test_a_label_of_a_few_tickets_is_not_learned() -> None:
    found = examples(200)
    done = await trained(*[misled(one, "category", "rare") for one in found[:4]], *found[4:])
    assert done.report is not None
    quality = {one.field: one for one in done.report.fields}
    assert set(quality["category"].labels) == {"printing", "travel", "payroll"}


async def test_a_training_that_is_cancelled_leaves_no_process() -> None:
    running = asyncio.create_task(trained(*examples(1000)))
    us = psutil.Process()
    async with asyncio.timeout(20):
        while not (children := [one for one in us.children() if "adapters.classifier" in one.cmdline()]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # a process tells nobody that it has begun
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children)


async def test_a_trainer_that_dies_is_a_failure_that_may_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable) as failed:
        await trained(*examples(10))
    assert failed.value.code == "training_failed"


def test_whoever_calls_the_trainer_does_not_load_what_it_needs() -> None:
    code = "import adapters.classifier, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    assert not names & {"sklearn", "scipy", "numpy"}
