"""A member: takes the facts about one person as they come, and does what is due, as one durable process.

What it decides is computed by `domain/member` and committed by `activities/member.py`, many facts in one transaction.
Whoever brings facts wakes it; while it works, further calls are one. It starts with the first fact, and ends when
nothing was to be done for a day: the database has everything, and the next fact starts it again.
"""

import asyncio
from datetime import datetime

from temporalio import workflow

from activities.member import MemberActivities
from domain.errors import DeskError
from domain.member.record import Advance, Advanced, MemberInput, MemberState, is_due
from workflows import durable
from workflows.process import Advancing


@workflow.defn(name="Member", failure_exception_types=[DeskError])
class MemberWorkflow(Advancing[MemberInput, MemberState]):
    """`_alarm` sleeps until `_alarm_at`. It is set anew only when that moves, so that a call costs no timer."""

    @workflow.init
    def __init__(self, start: MemberInput) -> None:
        super().__init__(start, start.state or MemberState(member_id=start.member_id))
        self._worked = False
        self._alarm_at: datetime | None = None
        self._alarm: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, start: MemberInput) -> None:
        await self._take()
        while await self._something_happens():
            await self._take()

    async def _advance(self) -> Advanced:
        self._worked = True
        wanted = Advance(member_id=self._start.member_id, now=workflow.now())
        return await durable.commit(MemberActivities.advance, wanted, pinned=False)

    def _is_due(self) -> bool:
        return is_due(self._state.next_at, workflow.now())

    async def _something_happens(self) -> bool:
        """False when the alarm rang, nothing was done since it was set, and there is nothing to wait for."""
        self._set_alarm()
        await workflow.wait_condition(lambda: self._woken or self._alarm is None)
        return self._woken or self._worked or self._state.next_at is not None

    def _set_alarm(self) -> None:
        """Without a deadline an alarm that is set stays; when it rings, it is seen whether anything was done."""
        wanted = self._state.next_at
        if self._alarm is not None and wanted in (None, self._alarm_at):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = wanted or workflow.now() + self._start.linger
        self._worked = False
        self._alarm = asyncio.create_task(self._ring(self._alarm_at))

    async def _ring(self, at: datetime) -> None:
        await workflow.sleep(at - workflow.now())
        self._alarm = None
