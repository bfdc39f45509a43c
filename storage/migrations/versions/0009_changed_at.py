"""When a ticket changed by the database's own clock, for streams that go on where they were interrupted.

Revision: 0009_changed_at, after 0008_views
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_changed_at"
down_revision = "0008_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    changed_at = sa.Column(
        "changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
    op.add_column("tickets", changed_at)
    op.create_index("ix_tickets_changed_at", "tickets", ["changed_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_tickets_changed_at", table_name="tickets")
    op.drop_column("tickets", "changed_at")
