"""Rows of custom field definitions. The values stand in `tickets.custom_fields`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class FieldRow(Base):
    __tablename__ = "fields"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    type: Mapped[str]
    options: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    required: Mapped[bool] = mapped_column(server_default=text("false"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
