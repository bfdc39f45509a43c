"""Attempts in vain, counted for all API processes together.

Revision: 0007_attempts, after 0006_findings
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_attempts"
down_revision = "0006_findings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_attempts_expires_at"), "attempts", ["expires_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_attempts_expires_at"), table_name="attempts")
    op.drop_table("attempts")
