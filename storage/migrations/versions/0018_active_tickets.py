"""An index that holds all that a report says of open tickets, so that they are counted without being read.

Revision: 0018_active_tickets, after 0017_members
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_active_tickets"
down_revision = "0017_members"
branch_labels = None
depends_on = None

_SAID = ["team_id", "assignee_id", "organization_id", "category", "kind", "priority", "channel"]


def upgrade() -> None:
    op.create_index(
        "ix_tickets_active",
        "tickets",
        ["created_at", "reopened_at"],
        postgresql_include=_SAID,
        postgresql_where=sa.text("status in ('open', 'assigned', 'in_progress', 'waiting', 'on_hold')"),
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_active", table_name="tickets")
