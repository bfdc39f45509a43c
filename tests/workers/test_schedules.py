"""The desk's schedules on a real Temporal server: there once, brought up to date, and started by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleDescription, ScheduleOverlapPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workers.registry import WORKFLOWS
from workers.schedules import SCHEDULES, TIME_ZONE, Regular, ensure_schedules


@workflow.defn(name="Nightly")
class Nightly:
    @workflow.run
    async def run(self) -> str:
        return "done"


@pytest.fixture
async def nightly(temporal: Client) -> AsyncIterator[Regular]:
    name = f"test-{uuid4()}"
    wanted = Regular(name, "Nightly", hour=3, minute=20, queue=name)
    yield wanted
    await temporal.get_schedule_handle(wanted.id).delete()


async def there(temporal: Client, wanted: Regular) -> ScheduleDescription:
    return await temporal.get_schedule_handle(wanted.id).describe()


def edits(found: ScheduleDescription) -> bytes:
    """Changes with every update, whatever it says."""
    return found.raw_description.conflict_token


async def test_workers_that_boot_again_and_at_once_make_one_schedule(
    temporal: Client, nightly: Regular
) -> None:
    await asyncio.gather(*(ensure_schedules(temporal, [nightly]) for _ in range(4)))
    before = await there(temporal, nightly)
    await ensure_schedules(temporal, [nightly])
    after = await there(temporal, nightly)
    assert edits(after) == edits(before)
    spec, policy, action = after.schedule.spec, after.schedule.policy, after.schedule.action
    assert spec.time_zone_name == TIME_ZONE
    assert {(at.hour, at.minute) for at in after.info.next_action_times} == {(3, 20)}
    assert policy.overlap is ScheduleOverlapPolicy.SKIP
    assert policy.catchup_window == timedelta(hours=12)
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert action.workflow == "Nightly"


@pytest.mark.parametrize(
    "change", [{"hour": 4}, {"minute": 21}, {"workflow": "Weekly"}, {"catch_up": timedelta(hours=1)}]
)
async def test_a_changed_one_is_brought_up_to_date_and_stays_paused(
    temporal: Client, nightly: Regular, change: dict[str, object]
) -> None:
    await ensure_schedules(temporal, [nightly])
    await temporal.get_schedule_handle(nightly.id).pause(note="moving house")
    changed = replace(nightly, **change)  # type: ignore[arg-type]  # one field each
    await ensure_schedules(temporal, [changed])
    found = await there(temporal, nightly)
    wanted = changed.schedule()
    assert isinstance(found.schedule.action, ScheduleActionStartWorkflow)
    assert isinstance(wanted.action, ScheduleActionStartWorkflow)
    assert found.schedule.action.workflow == wanted.action.workflow
    assert found.schedule.policy == wanted.policy
    assert {(at.hour, at.minute) for at in found.info.next_action_times} == {(changed.hour, changed.minute)}
    assert (found.schedule.state.paused, found.schedule.state.note) == (True, "moving house")


async def test_it_starts_its_workflow(temporal: Client, nightly: Regular) -> None:
    await ensure_schedules(temporal, [nightly])
    handle = temporal.get_schedule_handle(nightly.id)
    async with Worker(
        temporal, task_queue=nightly.queue, workflows=[Nightly], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await handle.trigger()
        async with asyncio.timeout(30):
            while not (started := (await handle.describe()).info.recent_actions):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        action = started[0].action
        assert await temporal.get_workflow_handle(action.workflow_id).result() == "done"  # type: ignore[attr-defined]


def test_each_names_a_workflow_that_the_process_queue_runs() -> None:
    known = {workflow._Definition.must_from_class(one).name for one in WORKFLOWS}
    assert {one.workflow for one in SCHEDULES} <= known
    assert len({one.id for one in SCHEDULES}) == len(SCHEDULES)


def test_at_most_one_missed_run_is_made_up_for() -> None:
    assert all(one.catch_up < timedelta(days=1) for one in SCHEDULES)
