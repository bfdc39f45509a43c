"""Versions of the classifier, trainings, and which version is in use.

Revision: 0016_classifier, after 0015_classification
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_classifier"
down_revision = "0015_classification"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "classifier_versions",
        sa.Column("version", sa.Integer(), sa.Identity(start=1), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        _moment("trained_at"),
        sa.Column("labels", sa.String(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("after_choice", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.Column("practice", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_classifier_versions")),
        sa.UniqueConstraint("run", name=op.f("uq_classifier_versions_run")),
    )
    op.create_table(
        "classifier_choices",
        sa.Column("number", sa.Integer(), sa.Identity(start=1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("at"),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["chosen_by"], ["people.id"], name=op.f("fk_classifier_choices_chosen_by_people")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_classifier_choices")),
    )
    op.create_table(
        "classifier_trainings",
        sa.Column("run", sa.String(), nullable=False),
        _moment("at"),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_classifier_trainings")),
    )
    op.create_index(op.f("ix_classifier_trainings_at"), "classifier_trainings", ["at"])


def downgrade() -> None:
    op.drop_table("classifier_trainings")
    op.drop_table("classifier_choices")
    op.drop_table("classifier_versions")
