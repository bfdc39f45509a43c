"""What is open is counted from one index, by whoever may see it.

Revision: 0030_active_counts, after 0029_search_days
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0030_active_counts"
down_revision = "0029_search_days"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("status in ('open', 'assigned', 'in_progress', 'waiting', 'on_hold')")
_BEFORE = ("team_id", "assignee_id", "organization_id", "category", "kind", "priority", "channel")
_MORE = ("id", "requester_id", "status", "rank", "breached")


def upgrade() -> None:
    _make((*_BEFORE, *_MORE))


def downgrade() -> None:
    _make(_BEFORE)


def _make(included: Sequence[str]) -> None:
    op.drop_index("ix_tickets_active", table_name="tickets")
    op.create_index(
        "ix_tickets_active",
        "tickets",
        ["created_at", "reopened_at"],
        postgresql_include=list(included),
        postgresql_where=_ACTIVE,
    )
