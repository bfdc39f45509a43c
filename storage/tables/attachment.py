"""Attachments of tickets: what is known of each file. The bytes are objects elsewhere (`adapters/objects`)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class AttachmentRow(Base):
    """`key` names the object. `media_type` is what the bytes are, not what the sender said."""

    __tablename__ = "attachments"
    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("visibility IN ('public', 'internal')", name="visibility"),
        Index("ix_attachments_ticket_id", "ticket_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    comment_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("ticket_comments.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    visibility: Mapped[str]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
