"""SLA policies: which are in force, and every version of each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class SlaPolicyRow(Base):
    """`name`, `position` and `calendar_id` repeat the current version's; NULL stands for the calendar 24x7."""

    __tablename__ = "sla_policies"
    __table_args__ = (
        Index("ix_sla_policies_position", "position", "id", postgresql_where=text("archived_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int]
    calendar_id: Mapped[UUID | None] = mapped_column(ForeignKey("calendars.id"), index=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    archived_at: Mapped[datetime | None]


class SlaPolicyVersionRow(Base):
    """`spec` is a `domain.sla.policy.Policy`."""

    __tablename__ = "sla_policy_versions"

    policy_id: Mapped[UUID] = mapped_column(
        ForeignKey("sla_policies.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))


class AnyLedgerRow:
    """The columns of every ledger of promises. `row` is the order in which the process wrote them; `version` and
    `position` tell the commit."""

    row: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    version: Mapped[int]
    position: Mapped[int]
    clock: Mapped[str]
    cycle: Mapped[int]
    kind: Mapped[str]
    step: Mapped[str | None]
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    fired_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    target: Mapped[float | None]
    elapsed: Mapped[float | None]
    missed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cause: Mapped[str]
    policy_id: Mapped[UUID]
    policy_version: Mapped[int]
    calendar_version: Mapped[int]
