"""Findings of reconciliation about feedback.

Revision: 0025_feedback_findings, after 0024_achievements
"""

import sqlalchemy as sa
from alembic import op

revision = "0025_feedback_findings"
down_revision = "0024_achievements"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback_findings",
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("healed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["feedback_id"],
            ["feedback.id"],
            name=op.f("fk_feedback_findings_feedback_id_feedback"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("feedback_id", "kind", name=op.f("pk_feedback_findings")),
    )
    op.create_index("ix_feedback_findings_found_at", "feedback_findings", ["found_at", "feedback_id"])


def downgrade() -> None:
    op.drop_index("ix_feedback_findings_found_at", table_name="feedback_findings")
    op.drop_table("feedback_findings")
