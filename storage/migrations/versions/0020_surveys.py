"""Surveys: what is asked, of whom, the answers, the tasks that low scores make, and the keys that sign links.

Revision: 0020_surveys, after 0019_imports
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020_surveys"
down_revision = "0019_imports"
branch_labels = None
depends_on = None

_PENDING = sa.text("next_at IS NOT NULL")


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=False)


def _time(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]  # those of a column


def upgrade() -> None:
    op.create_table(
        "link_keys",
        sa.Column("number", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        _time("created_at", server_default=sa.text("now()"), nullable=False),
        _time("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_link_keys")),
    )
    op.create_table(
        "surveys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        _json("contents"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("steps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _time("next_at", nullable=True),
        _time("created_at", server_default=sa.text("now()"), nullable=False),
        _time("updated_at", server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surveys")),
    )
    op.create_table(
        "survey_people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        _time("asked_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_survey_people_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_survey_people")),
    )
    _create_invitations()
    _create_answers()
    _create_tasks()
    op.add_column("tickets", sa.Column("satisfaction", sa.SmallInteger(), nullable=True))


def _create_invitations() -> None:
    op.create_table(
        "survey_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("cycle", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        _time("ask_at", nullable=False),
        _time("asked_at", nullable=True),
        _time("reminded_at", nullable=True),
        _time("closes_at", nullable=True),
        _time("next_at", nullable=True),
        *(
            sa.Column(name, sa.String(), nullable=True)
            for name in ("priority", "category", "kind", "channel")
        ),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("team_id", "agent_id", "organization_id")),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["surveys.id"],
            name=op.f("fk_survey_invitations_survey_id_surveys"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_survey_invitations_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
            name=op.f("fk_survey_invitations_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_invitations")),
        sa.UniqueConstraint(
            "survey_id", "ticket_id", "cycle", name=op.f("uq_survey_invitations_survey_id_ticket_id_cycle")
        ),
    )
    op.create_index(
        "ix_survey_invitations_next_at",
        "survey_invitations",
        ["survey_id", "next_at", "id"],
        postgresql_where=_PENDING,
    )
    op.create_index("ix_survey_invitations_asked_at", "survey_invitations", ["survey_id", "asked_at"])
    op.create_index("ix_survey_invitations_ticket_id", "survey_invitations", ["ticket_id"])
    op.create_index("ix_survey_invitations_person_id", "survey_invitations", ["person_id"])


def _create_answers() -> None:
    op.create_table(
        "survey_answers",
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        _json("answers"),
        _time("answered_at", nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["survey_invitations.id"],
            name=op.f("fk_survey_answers_invitation_id_survey_invitations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["surveys.id"],
            name=op.f("fk_survey_answers_survey_id_surveys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_survey_answers")),
    )
    op.create_index(
        "ix_survey_answers_answered_at", "survey_answers", ["survey_id", "answered_at", "invitation_id"]
    )


def _create_tasks() -> None:
    op.create_table(
        "survey_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        _time("created_at", nullable=False),
        _time("due_at", nullable=False),
        _time("next_at", nullable=True),
        _time("done_at", nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["people.id"], name=op.f("fk_survey_tasks_assignee_id_people")
        ),
        sa.ForeignKeyConstraint(["done_by"], ["people.id"], name=op.f("fk_survey_tasks_done_by_people")),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["survey_invitations.id"],
            name=op.f("fk_survey_tasks_invitation_id_survey_invitations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f("fk_survey_tasks_survey_id_surveys"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_survey_tasks_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_tasks")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_survey_tasks_invitation_id")),
    )
    op.create_index(
        "ix_survey_tasks_next_at", "survey_tasks", ["survey_id", "next_at", "id"], postgresql_where=_PENDING
    )
    op.create_index("ix_survey_tasks_due_at", "survey_tasks", ["state", "due_at", "id"])
    op.create_index("ix_survey_tasks_ticket_id", "survey_tasks", ["ticket_id"])


def downgrade() -> None:
    op.drop_column("tickets", "satisfaction")
    for table in (
        "survey_tasks",
        "survey_answers",
        "survey_invitations",
        "survey_people",
        "surveys",
        "link_keys",
    ):
        op.drop_table(table)
