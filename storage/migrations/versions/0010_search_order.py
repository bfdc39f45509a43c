"""The newest matches of a search without the tickets themselves; better statistics of words.

Revision: 0010_search_order, after 0009_changed_at
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_search_order"
down_revision = "0009_changed_at"
branch_labels = None
depends_on = None

_FILL = """
    UPDATE ticket_search SET created_at = tickets.created_at FROM tickets WHERE tickets.id = ticket_search.ticket_id
"""


def upgrade() -> None:
    op.add_column("ticket_search", sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_FILL)
    op.alter_column("ticket_search", "created_at", nullable=False)
    op.execute("ALTER INDEX ix_ticket_search_words ALTER COLUMN 1 SET STATISTICS 400")


def downgrade() -> None:
    op.execute("ALTER INDEX ix_ticket_search_words ALTER COLUMN 1 SET STATISTICS DEFAULT")
    op.drop_column("ticket_search", "created_at")
