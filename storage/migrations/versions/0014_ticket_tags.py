"""Tags as rows beside the team of their ticket, to be listed and counted.

Revision: 0014_ticket_tags, after 0013_feed
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_ticket_tags"
down_revision = "0013_feed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_tags",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(collation="C"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_tags_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "tag", name=op.f("pk_ticket_tags")),
    )
    op.execute(
        "INSERT INTO ticket_tags (ticket_id, tag, team_id)"
        " SELECT DISTINCT id, tag, team_id FROM tickets, unnest(tags) AS given (tag)"
    )
    op.create_index("ix_ticket_tags_tag", "ticket_tags", ["tag", "team_id"])


def downgrade() -> None:
    op.drop_table("ticket_tags")
