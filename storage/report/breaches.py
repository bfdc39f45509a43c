"""The promises that broke in a period, one by one, the latest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Row, literal_column, select

from domain.account import Ref, Value
from domain.report.asked import Asked
from domain.sla.policy import ClockName
from domain.ticket.fields import Channel, Kind, Priority
from storage.database import Reader
from storage.page import Order, page
from storage.report.grouping import PROMISES, within
from storage.tables.account import OrganizationRow, PersonRow, TeamRow
from storage.tables.report import PromiseRow
from storage.tables.sla import SlaPolicyRow
from storage.tables.ticket import TicketRow

ORDER: Final = Order(
    (PromiseRow.decided_at, PromiseRow.ticket_id, PromiseRow.clock, PromiseRow.cycle), descending=True
)


class Breach(Value):
    """A broken promise. Times are working time; those that were spent, and `ended_at`, are null while it still runs.
    What the ticket was is what it was when the promise broke."""

    ticket_id: UUID
    number: int
    subject: str
    clock: ClockName
    cycle: int
    broken_at: AwareDatetime
    ended_at: AwareDatetime | None
    target_seconds: float
    elapsed_seconds: float | None
    overrun_seconds: float | None
    policy: Ref | None
    priority: Priority
    category: str | None
    kind: Kind | None
    channel: Channel
    team: Ref | None
    agent: Ref | None
    organization: Ref | None

    @property
    def key(self) -> tuple[datetime, UUID, str, int]:
        """Where it stands in the list."""
        return self.broken_at, self.ticket_id, self.clock, self.cycle


async def breaches(reader: Reader, asked: Asked, after: Sequence[Any] | None, size: int) -> list[Breach]:
    """Up to `size` + 1 of them."""
    statement = (
        select(
            *PromiseRow.__table__.columns,
            TicketRow.number,
            TicketRow.subject,
            TeamRow.name.label("team_name"),
            PersonRow.name.label("agent_name"),
            OrganizationRow.name.label("organization_name"),
            SlaPolicyRow.name.label("policy_name"),
        )
        .join(TicketRow, TicketRow.id == PromiseRow.ticket_id)
        .outerjoin(TeamRow, TeamRow.id == PromiseRow.team_id)
        .outerjoin(PersonRow, PersonRow.id == PromiseRow.agent_id)
        .outerjoin(OrganizationRow, OrganizationRow.id == PromiseRow.organization_id)
        .outerjoin(SlaPolicyRow, SlaPolicyRow.id == PromiseRow.policy_id)
        .where(PromiseRow.outcome == literal_column("'broken'"), *within(PROMISES, asked))
    )
    return [_breach(row) for row in await reader.execute(page(statement, ORDER, after, size))]


def _breach(row: Row[Any]) -> Breach:
    return Breach(
        ticket_id=row.ticket_id,
        number=row.number,
        subject=row.subject,
        clock=row.clock,
        cycle=row.cycle,
        broken_at=row.decided_at,
        ended_at=row.ended_at,
        target_seconds=row.target,
        elapsed_seconds=row.elapsed,
        overrun_seconds=None if row.elapsed is None else max(row.elapsed - row.target, 0),
        policy=Ref.of(row.policy_id, row.policy_name),
        priority=row.priority,
        category=row.category,
        kind=row.kind,
        channel=row.channel,
        team=Ref.of(row.team_id, row.team_name),
        agent=Ref.of(row.agent_id, row.agent_name),
        organization=Ref.of(row.organization_id, row.organization_name),
    )
