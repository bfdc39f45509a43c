"""What was guessed of a ticket when it was opened.

Revision: 0015_classification, after 0014_ticket_tags
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015_classification"
down_revision = "0014_ticket_tags"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("classification", JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("tickets", "classification")
