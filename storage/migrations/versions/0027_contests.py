"""Contests.

Revision: 0027_contests, after 0026_prizes
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_contests"
down_revision = "0026_prizes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judging_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("appeals_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("short", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("next_step", sa.String(), nullable=True),
        sa.Column("next_step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_contests_created_by_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contests")),
    )
    op.create_index("ix_contests_opens_at", "contests", ["opens_at", "id"], unique=False)
    op.create_table(
        "contest_conflicts",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("judge_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_conflicts_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["judge_id"], ["people.id"], name=op.f("fk_contest_conflicts_judge_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_conflicts_person_id_people")
        ),
        sa.PrimaryKeyConstraint("contest_id", "judge_id", "person_id", name=op.f("pk_contest_conflicts")),
    )
    op.create_table(
        "contest_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("links", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("adjustment", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("total", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("means", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_entries_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_entries_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest_entries")),
    )
    op.create_index(
        "ix_contest_entries_arrived_at", "contest_entries", ["contest_id", "arrived_at", "id"], unique=False
    )
    op.create_index(
        "ix_contest_entries_person_id",
        "contest_entries",
        ["contest_id", "person_id", "arrived_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_contest_entries_place",
        "contest_entries",
        ["contest_id", "place"],
        unique=False,
        postgresql_where=sa.text("place IS NOT NULL"),
    )
    op.create_index(
        "ix_contest_entries_standing",
        "contest_entries",
        ["contest_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'standing'"),
    )
    op.create_table(
        "contest_events",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_events_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contest_id", "version", "position", name=op.f("pk_contest_events")),
    )
    op.create_table(
        "contest_judges",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_judges_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_judges_person_id_people")
        ),
        sa.PrimaryKeyConstraint("contest_id", "person_id", name=op.f("pk_contest_judges")),
    )
    op.create_index("ix_contest_judges_person_id", "contest_judges", ["person_id"], unique=False)
    op.create_table(
        "contest_participants",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_participants_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_participants_person_id_people")
        ),
        sa.PrimaryKeyConstraint("contest_id", "person_id", name=op.f("pk_contest_participants")),
    )
    op.create_table(
        "contest_processes",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_processes_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_contest_processes")),
    )
    op.create_table(
        "contest_appeals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("adjustment", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_appeals_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["contest_entries.id"],
            name=op.f("fk_contest_appeals_entry_id_contest_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_appeals_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest_appeals")),
    )
    op.create_index(
        "ix_contest_appeals_contest_id", "contest_appeals", ["contest_id", "at", "id"], unique=False
    )
    op.create_index(
        "uq_contest_appeals_open",
        "contest_appeals",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "contest_assignments",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("judge_id", sa.Uuid(), nullable=False),
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_assignments_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["contest_entries.id"],
            name=op.f("fk_contest_assignments_entry_id_contest_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["judge_id"], ["people.id"], name=op.f("fk_contest_assignments_judge_id_people")
        ),
        sa.PrimaryKeyConstraint("entry_id", "judge_id", name=op.f("pk_contest_assignments")),
    )
    op.create_index(
        "ix_contest_assignments_judge",
        "contest_assignments",
        ["contest_id", "judge_id", "state", "due_at", "entry_id"],
        unique=False,
    )
    op.create_index(
        "ix_contest_assignments_pending",
        "contest_assignments",
        ["contest_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "contest_prizes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_prizes_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["contest_entries.id"],
            name=op.f("fk_contest_prizes_entry_id_contest_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_contest_prizes_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest_prizes")),
        sa.UniqueConstraint(
            "contest_id", "rank", "entry_id", name=op.f("uq_contest_prizes_contest_id_rank_entry_id")
        ),
    )
    op.create_table(
        "contest_findings",
        sa.Column("contest_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("healed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contest_id"],
            ["contests.id"],
            name=op.f("fk_contest_findings_contest_id_contests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contest_id", "kind", name=op.f("pk_contest_findings")),
    )
    op.create_index("ix_contest_findings_found_at", "contest_findings", ["found_at", "contest_id"])


def downgrade() -> None:
    for name in (
        "findings",
        "prizes",
        "appeals",
        "assignments",
        "entries",
        "participants",
        "conflicts",
        "judges",
        "events",
    ):
        op.drop_table(f"contest_{name}")
    op.drop_table("contest_processes")
    op.drop_table("contests")
