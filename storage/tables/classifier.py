"""Rows of trained versions of the classifier, of trainings, and of which version was put to use when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class ClassifierVersionRow(Base):
    """`content` is the model, null when it is no longer kept; it is read only if it has the recorded hash.

    `labels` is the hash of what it was trained on, `after_choice` the choice in force when it was compared.
    """

    __tablename__ = "classifier_versions"

    version: Mapped[int] = mapped_column(Identity(start=1), primary_key=True)
    run: Mapped[str] = mapped_column(unique=True)
    trained_at: Mapped[datetime] = mapped_column(server_default=func.now())
    labels: Mapped[str]
    tickets: Mapped[int]
    after_choice: Mapped[int]
    report: Mapped[dict[str, Any]]
    practice: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


class ClassifierChoiceRow(Base):
    """Append-only; the last row is in force. Version 0 is the rule base."""

    __tablename__ = "classifier_choices"

    number: Mapped[int] = mapped_column(Identity(start=1), primary_key=True)
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    cause: Mapped[str]
    chosen_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))


class ClassifierTrainingRow(Base):
    """What became of each training."""

    __tablename__ = "classifier_trainings"

    run: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    outcome: Mapped[str]
    version: Mapped[int | None]
