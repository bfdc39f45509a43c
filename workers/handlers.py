"""What the relay does with each topic of the outbox."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from temporalio.client import Client
from temporalio.common import Priority, TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.reconsider import consider_all, send_all
from domain import ids
from domain.account import Role
from domain.achievement.claim import ClaimInput
from domain.achievement.record import BackfillInput
from domain.assignment import Candidate, Wanted, choose
from domain.bulk import BulkInput
from domain.feedback.messages import News, TellInput
from domain.member.record import MemberInput
from domain.notification.delivery import NotificationInput
from domain.queues import BEHIND, PROCESS
from domain.reconciliation import ReconciliationInput
from domain.sla.rollout import RolloutInput
from domain.survey.messages import SurveyInput
from domain.ticket.messages import OpenTicket, Reconsider, TicketInput
from runtime.origin import go_on_from
from storage import assignment
from storage.account import people
from storage.database import Database, Reader
from storage.outbox import ORIGIN, OutboxMessage
from workers.relay import Handler
from workflows.account import AbsenceInput, AbsenceWorkflow
from workflows.achievement import BackfillWorkflow, ClaimWorkflow
from workflows.bulk import BulkWorkflow
from workflows.feedback import TellingWorkflow
from workflows.member import MemberWorkflow
from workflows.notification import NotificationWorkflow
from workflows.process import WAKE
from workflows.reconciliation import ReconciliationWorkflow
from workflows.sla import RolloutWorkflow
from workflows.survey import SurveyWorkflow
from workflows.ticket import TicketWorkflow, starting_attributes

_CONCURRENCY = 16


class Handlers:
    """Every topic of `storage.outbox.Topic` has its method here."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    def by_topic(self) -> dict[str, Handler]:
        return {
            "notification": self.notification,
            "capacity": self.capacity,
            "absence": self.absence,
            "reroute": self.reroute,
            "policy": self.policy,
            "ticket": self.ticket,
            "split": self.split,
            "bulk": self.bulk,
            "member": self.member,
            "survey": self.survey,
            "feedback": self.feedback,
            "telling": self.telling,
            "backfill": self.backfill,
            "claim": self.claim,
            "restored": self.restored,
        }

    async def notification(self, rows: Sequence[OutboxMessage]) -> None:
        """Starts the delivery of each mail, behind all tickets. Its id makes a repeat find the delivery that runs or
        ran."""
        limit = asyncio.Semaphore(_CONCURRENCY)

        async def start(row: OutboxMessage) -> None:
            go_on_from(row.payload.get(ORIGIN, {}))
            async with limit:
                await self._start_once(
                    NotificationWorkflow.run,
                    NotificationInput.from_outbox(row.key, row.payload),
                    ids.workflow_id("notification", row.key),
                    priority=Priority(priority_key=BEHIND),
                )

        await asyncio.gather(*(start(row) for row in rows))

    async def capacity(self, rows: Sequence[OutboxMessage]) -> None:
        """Wakes the tickets that would now get someone, the most urgent first, no more than there are places."""
        async with self._database.reading() as reader:
            woken = await _who_gets_someone(reader, datetime.now(UTC))
        await send_all(self._client, woken, Reconsider(cause="capacity"))

    async def absence(self, rows: Sequence[OutboxMessage]) -> None:
        """A person is or will be away: a process waits for the beginning and the end of it."""
        for key in dict.fromkeys(row.key for row in rows):
            async with self._database.reading() as reader:
                person = await people.person(reader, UUID(key))
            if not person.active or Role.AGENT not in person.roles:
                await self._return_tickets(person.id)
            elif person.absence is not None:
                await self._client.start_workflow(
                    AbsenceWorkflow.run,
                    AbsenceInput(
                        person_id=str(person.id), since=person.absence.since, until=person.absence.until
                    ),
                    id=ids.workflow_id("absence", person.id),
                    task_queue=PROCESS,
                    id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
                )

    async def reroute(self, rows: Sequence[OutboxMessage]) -> None:
        """A person is away now: their tickets look for someone else."""
        for key in dict.fromkeys(row.key for row in rows):
            await self._return_tickets(UUID(key))

    async def policy(self, rows: Sequence[OutboxMessage]) -> None:
        """Promises or calendars changed: every open ticket, and all open feedback, is asked to look again."""
        row = str(rows[-1].id)
        await self._start_once(RolloutWorkflow.run, RolloutInput(), ids.workflow_id("rollout", row))
        start = RolloutInput(about="feedback")
        await self._start_once(RolloutWorkflow.run, start, ids.workflow_id("rollout", f"{row}:feedback"))

    async def ticket(self, rows: Sequence[OutboxMessage]) -> None:
        """What happened to one ticket and concerns another, in the order in which it happened."""
        for row in rows:
            message = Reconsider.model_validate(row.payload)
            await send_all(self._client, [UUID(row.key)], message)

    async def split(self, rows: Sequence[OutboxMessage]) -> None:
        """Opens the ticket that another was split into, unless whoever asked for it has done so."""
        for row in rows:
            opening = OpenTicket.model_validate(row.payload["open"])
            start = TicketInput(ticket_id=opening.ticket_id, open=opening)
            await self._start_once(
                TicketWorkflow.run,
                start,
                ids.workflow_id("ticket", row.key),
                search_attributes=TypedSearchAttributes(starting_attributes(start)),
                priority=Priority(priority_key=opening.priority.key),
            )

    async def bulk(self, rows: Sequence[OutboxMessage]) -> None:
        """Starts the process of each bulk action, behind everything that single users ask for."""
        for row in rows:
            start = BulkInput(bulk_id=UUID(row.key))
            await self._start_once(BulkWorkflow.run, start, ids.workflow_id("bulk", row.key))

    async def member(self, rows: Sequence[OutboxMessage]) -> None:
        """Wakes the processes of members who have new facts, and starts those that do not run."""
        limit = asyncio.Semaphore(_CONCURRENCY)

        async def wake(key: str) -> None:
            async with limit:
                start = MemberInput(member_id=UUID(key))
                await self._wake(MemberWorkflow.run, start, ids.workflow_id("member", key))

        await asyncio.gather(*(wake(key) for key in dict.fromkeys(row.key for row in rows)))

    async def survey(self, rows: Sequence[OutboxMessage]) -> None:
        """Wakes the processes of surveys that have something to do earlier than they know, or starts them."""
        for key in dict.fromkeys(row.key for row in rows):
            start = SurveyInput(survey_id=UUID(key))
            await self._wake(SurveyWorkflow.run, start, ids.workflow_id("survey", key))

    async def feedback(self, rows: Sequence[OutboxMessage]) -> None:
        """Facts from outside that concern an item; one that has ended has nothing left to consider."""
        for key, cause in dict.fromkeys((row.key, _cause(row)) for row in rows):
            await consider_all(self._client, [UUID(key)], News.model_validate_json(cause))

    async def telling(self, rows: Sequence[OutboxMessage]) -> None:
        """Starts the telling of each turn that more people follow than fit into its own transaction."""
        for row in rows:
            feedback_id, _, version = row.key.partition(":")
            start = TellInput(feedback_id=UUID(feedback_id), version=int(version))
            await self._start_once(
                TellingWorkflow.run,
                start,
                ids.workflow_id("telling", row.key),
                priority=Priority(priority_key=BEHIND),
            )

    async def backfill(self, rows: Sequence[OutboxMessage]) -> None:
        """Starts the process of each backfill."""
        for row in rows:
            start = BackfillInput(backfill_id=UUID(row.key))
            workflow_id = ids.workflow_id("backfill", row.key)
            behind = Priority(priority_key=BEHIND)
            await self._start_once(BackfillWorkflow.run, start, workflow_id, priority=behind)

    async def claim(self, rows: Sequence[OutboxMessage]) -> None:
        """Wakes the processes of claims, and starts those that do not run."""
        for key in dict.fromkeys(row.key for row in rows):
            start = ClaimInput(claim_id=UUID(key))
            await self._wake(ClaimWorkflow.run, start, ids.workflow_id("claim", key))

    async def restored(self, rows: Sequence[OutboxMessage]) -> None:
        """A backup was put back: processes that are newer than its copy of Temporal's store are started again."""
        await self._client.start_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(full=True),
            id=ids.FULL_RECONCILIATION,
            task_queue=PROCESS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def _return_tickets(self, person_id: UUID) -> None:
        async with self._database.reading() as reader:
            tickets = await assignment.active_tickets_of(reader, person_id)
        await send_all(self._client, tickets, Reconsider(cause="absence", person_id=person_id))

    async def _wake(self, run: Any, start: object, workflow_id: str) -> None:
        """Tells a process that there is something new, and starts it if it does not run, behind all tickets."""
        await self._client.start_workflow(
            run,
            start,
            id=workflow_id,
            task_queue=PROCESS,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=WAKE,
            priority=Priority(priority_key=BEHIND),
        )

    async def _start_once(self, run: Any, argument: object, workflow_id: str, **options: Any) -> None:
        """Unless it runs, or ran to its end: one that failed or was terminated has not done what was asked for."""
        try:
            await self._client.start_workflow(
                run,
                argument,
                id=workflow_id,
                task_queue=PROCESS,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                **options,
            )
        except WorkflowAlreadyStartedError:
            return


def _cause(row: OutboxMessage) -> str:
    """What an item shall consider, as text: many votes at once are one fact."""
    told = {name: value for name, value in row.payload.items() if name != ORIGIN}
    return News.model_validate(told).model_dump_json()


async def _who_gets_someone(reader: Reader, now: datetime) -> list[UUID]:
    """Plays the assignment through on paper; each ticket then finds its agent under the lock by itself."""
    everyone = {one.id: one for one in await assignment.candidates(reader, None, now)}
    members = await assignment.team_ids_of(reader)
    places = sum(max(0, one.capacity - one.tickets) for one in everyone.values() if not one.absent)
    woken: list[UUID] = []
    for row in await assignment.waiting(reader, limit=1000):
        if places <= 0:
            break
        able = _members(everyone, members.get(row.team_id) if row.team_id else None)
        agent = choose(able, Wanted(row.tier, row.category)).agent
        if agent is not None:
            everyone[agent.id] = replace(agent, tickets=agent.tickets + 1, load=agent.load + 1)
            places -= 1
            woken.append(row.id)
    return woken


def _members(everyone: dict[UUID, Candidate], members: Iterable[UUID] | None) -> list[Candidate]:
    if members is None:
        return list(everyone.values())
    return [everyone[person] for person in members if person in everyone]
