"""Rows of surveys: what is asked, who is to be asked, what they answered, and what low scores ask for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base

_PENDING = text("next_at IS NOT NULL")


class SurveyRow(Base):
    """`contents` is a `domain.survey.definition.Contents`, `version` counts its changes; `steps` is the event number of
    the process, `next_at` when it has something to do next.

    Of a campaign `round` is the last one that began, at `round_at`. While it is `building`, people are drawn in the
    order of their ids; `cursor` is the last one looked at, `invited` counts those who were drawn.
    """

    __tablename__ = "surveys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    occasion: Mapped[str]
    state: Mapped[str]
    contents: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    steps: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(server_default=text("0"))
    round_at: Mapped[datetime | None]
    building: Mapped[bool] = mapped_column(server_default=text("false"))
    cursor: Mapped[UUID | None]
    invited: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SurveyInvitationRow(Base):
    """One person who is to be asked. `cycle` counts the resolutions of the ticket; what the ticket was at that moment
    stands beside it, as in the reports. `next_at` is when its next step is due."""

    __tablename__ = "survey_invitations"
    __table_args__ = (
        UniqueConstraint("survey_id", "ticket_id", "cycle"),
        UniqueConstraint("survey_id", "round", "person_id"),
        Index("ix_survey_invitations_next_at", "survey_id", "next_at", "id", postgresql_where=_PENDING),
        Index("ix_survey_invitations_asked_at", "survey_id", "asked_at"),
        Index("ix_survey_invitations_ticket_id", "ticket_id"),
        Index("ix_survey_invitations_person_id", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    survey_id: Mapped[UUID] = mapped_column(ForeignKey("surveys.id", ondelete="CASCADE"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    cycle: Mapped[int | None]
    round: Mapped[int | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    ask_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    priority: Mapped[str | None]
    category: Mapped[str | None]
    kind: Mapped[str | None]
    channel: Mapped[str | None]
    team_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]


class SurveyAnswerRow(Base):
    """The one answer to an invitation. `answers` are those to the desk's own questions, by their keys."""

    __tablename__ = "survey_answers"
    __table_args__ = (Index("ix_survey_answers_answered_at", "survey_id", "answered_at", "invitation_id"),)

    invitation_id: Mapped[UUID] = mapped_column(
        ForeignKey("survey_invitations.id", ondelete="CASCADE"), primary_key=True
    )
    survey_id: Mapped[UUID] = mapped_column(ForeignKey("surveys.id", ondelete="CASCADE"))
    version: Mapped[int]  # of the survey, as it was answered
    score: Mapped[int | None] = mapped_column(SmallInteger)
    comment: Mapped[str | None]
    answers: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime]


class SurveyTaskRow(Base):
    """What a low score asks for. `next_at` is when somebody is told that it is late."""

    __tablename__ = "survey_tasks"
    __table_args__ = (
        Index("ix_survey_tasks_next_at", "survey_id", "next_at", "id", postgresql_where=_PENDING),
        Index("ix_survey_tasks_due_at", "state", "due_at", "id"),
        Index("ix_survey_tasks_ticket_id", "ticket_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    survey_id: Mapped[UUID] = mapped_column(ForeignKey("surveys.id", ondelete="CASCADE"))
    invitation_id: Mapped[UUID] = mapped_column(
        ForeignKey("survey_invitations.id", ondelete="CASCADE"), unique=True
    )
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    note: Mapped[str | None]


class SurveyPersonRow(Base):
    """When somebody was last asked, by any survey. Whoever is about to ask locks the row: two surveys at once ask
    once."""

    __tablename__ = "survey_people"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    asked_at: Mapped[datetime | None]
