"""What belongs to a ticket from another desk, until its process commits it.

Revision: 0019_imports, after 0017_members
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019_imports"
down_revision = "0018_active_tickets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_imports",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("belongings", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "fingerprint", name=op.f("pk_ticket_imports")),
    )


def downgrade() -> None:
    op.drop_table("ticket_imports")
