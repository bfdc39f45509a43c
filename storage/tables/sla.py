"""SLA policies: which are in force, and every version of each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, func, text
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
