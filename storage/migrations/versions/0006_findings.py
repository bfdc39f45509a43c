"""Findings of reconciliation.

Revision: 0006_findings, after 0005_search_documents
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_findings"
down_revision = "0005_search_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "findings",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("healed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_findings_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "kind", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_found_at", "findings", ["found_at", "ticket_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_findings_found_at", table_name="findings")
    op.drop_table("findings")
