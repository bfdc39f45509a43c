"""An absence as a process: it waits for its beginning and returns the agent's tickets, then for its end and
says that someone is free."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.account import AccountActivities, Availability

_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


class AbsenceInput(BaseModel):
    """`until` is None for an absence until further notice."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    since: AwareDatetime
    until: AwareDatetime | None = None


@workflow.defn(name="Absence")
class AbsenceWorkflow:
    @workflow.run
    async def run(self, absence: AbsenceInput) -> None:
        await _sleep_until(absence.since)
        await _announce(Availability(person_id=absence.person_id, available=False))
        if absence.until is not None:
            await _sleep_until(absence.until)
            await _announce(Availability(person_id=absence.person_id, available=True))


async def _sleep_until(at: datetime) -> None:
    left = at - workflow.now()
    if left > timedelta(0):
        await workflow.sleep(left)


async def _announce(availability: Availability) -> None:
    await workflow.execute_activity_method(
        AccountActivities.announce,
        availability,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_RETRY,
    )
