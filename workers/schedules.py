"""The desk's schedules: what Temporal starts by itself at which time. Every worker of the process queue brings them
up to date when it starts; whether a person has paused one is left as it is.

None starts beside its own earlier run (SKIP). A run that was missed while everything was down is made up for within
the catch-up window, which is shorter than the time between two runs, so at most one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from domain import ids
from domain.classifier.training import TrainingInput
from domain.queues import PROCESS
from domain.reconciliation import ReconciliationInput

TIME_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True)
class Regular:
    """A workflow once a day at a time of `TIME_ZONE`, or every hour if `hour` is None. `name` is its feature."""

    name: str
    workflow: str
    hour: int | None
    minute: int
    arguments: Sequence[object] = ()
    catch_up: timedelta = timedelta(hours=12)
    queue: str = PROCESS

    @property
    def id(self) -> str:
        return ids.workflow_id(self.name, "hourly" if self.hour is None else "daily")

    def _hours(self) -> ScheduleRange:
        return ScheduleRange(0, 23) if self.hour is None else ScheduleRange(self.hour)

    def schedule(self) -> Schedule:
        at = ScheduleCalendarSpec(hour=[self._hours()], minute=[ScheduleRange(self.minute)])
        return Schedule(
            action=ScheduleActionStartWorkflow(
                self.workflow, args=self.arguments, id=self.id, task_queue=self.queue
            ),
            spec=ScheduleSpec(calendars=[at], time_zone_name=TIME_ZONE),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=self.catch_up),
        )


SCHEDULES: Final[Sequence[Regular]] = (
    Regular("housekeeping", "Housekeeping", hour=3, minute=20),
    Regular("classifier", "Training", hour=2, minute=10, arguments=(TrainingInput(),)),
    Regular(
        "reconciliation",
        "Reconciliation",
        hour=None,
        minute=41,
        arguments=(ReconciliationInput(),),
        catch_up=timedelta(minutes=30),
    ),
)


async def ensure_schedules(client: Client, schedules: Sequence[Regular] = SCHEDULES) -> None:
    """Returns when each schedule is there as it is written here. Several workers may do this at once.

    One that is right already is not touched: an update would forget the run that it has yet to make up for.
    """
    for wanted in schedules:
        try:
            await client.create_schedule(wanted.id, wanted.schedule())
        except ScheduleAlreadyRunningError:
            await _bring_up_to_date(client, wanted)


async def _bring_up_to_date(client: Client, wanted: Regular) -> None:
    def renew(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
        there, fresh = found.description.schedule, wanted.schedule()
        if _meaning(there) == _meaning(fresh):
            return None
        fresh.state = there.state
        return ScheduleUpdate(fresh)

    await client.get_schedule_handle(wanted.id).update(renew)


def _meaning(schedule: Schedule) -> tuple[object, ...]:
    """What makes two schedules the same, however they came here."""
    action, spec = schedule.action, schedule.spec
    assert isinstance(action, ScheduleActionStartWorkflow)
    return (
        (action.workflow, action.id, action.task_queue),
        [
            tuple(
                tuple((one.start, one.end, one.step) for one in getattr(at, field))
                for field in ("second", "minute", "hour", "day_of_month", "month", "year", "day_of_week")
            )
            for at in spec.calendars
        ],
        (spec.time_zone_name, spec.jitter or timedelta(0), len(spec.intervals), len(spec.cron_expressions)),
        (schedule.policy.overlap, schedule.policy.catchup_window, schedule.policy.pause_on_failure),
    )
