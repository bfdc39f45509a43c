"""Tickets that a test leads through their lives by hand: the decisions of their processes, committed, at times of the
test's choosing. No Temporal, so a month passes at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain.ticket import process
from domain.ticket.messages import Act, Change, OpenTicket, Requester
from domain.ticket.moves import Action
from domain.ticket.state import TicketState
from storage.database import Database
from storage.ticket.commit import commit


@dataclass
class Hand:
    """`lives` holds for each ticket its states, the first at version 1."""

    database: Database
    lives: dict[UUID, list[TicketState]] = field(default_factory=dict)

    def state(self, ticket_id: UUID) -> TicketState:
        return self.lives[ticket_id][-1]

    async def open(self, requester: UUID, now: datetime, **fields: Any) -> UUID:
        values = {
            "ticket_id": uuid4(),
            "fingerprint": "",
            "subject": "The printer is on fire",
            "description": "It burns.",
            "requester": Requester(person_id=requester),
            "priority": "normal",
            **fields,
        }
        command = OpenTicket.model_validate(values)
        await self._commit(process.opened(command, now))
        return command.ticket_id

    async def act(self, ticket_id: UUID, action: Action, actor: UUID, now: datetime, **fields: Any) -> None:
        """Everything that was due before happens before, at its own time."""
        await self.pass_time([ticket_id], now)
        act = Act(action=action, actor_id=actor, request_id=uuid4().hex, body_id=uuid4(), **fields)
        process.check(self.state(ticket_id), act)
        await self._commit(process.acted(self.state(ticket_id), act, now))

    async def pass_time(self, ticket_ids: Sequence[UUID], now: datetime) -> None:
        for ticket_id in ticket_ids:
            state = self.state(ticket_id)
            due_at = process.next_deadline(state)
            while due_at is not None and due_at <= now and not process.is_finished(state, now):
                await self._commit(process.settled(state, due_at))
                state = self.state(ticket_id)
                due_at = process.next_deadline(state)

    async def _commit(self, change: Change) -> None:
        if not change.wants and process.is_empty(change):
            return
        async with self.database.writing() as writer:
            outcome = await commit(writer, change, mail=False)
        assert outcome.state is None
        if outcome.facts is not None:
            change = process.with_facts(change, outcome.facts)
        if not process.is_empty(change):
            self.lives.setdefault(change.ticket_id, []).append(change.state)
