"""Which transaction changed a ticket last, for the export of what changed.

Revision: 0013_feed, after 0012_ticket_fields
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_feed"
down_revision = "0012_ticket_fields"
branch_labels = None
depends_on = None

_NOTE = """
    CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.changed_in := pg_current_xact_id()::text::bigint + coalesce((SELECT shift FROM feeds), 0);
        RETURN NEW;
    END $$
"""
_EACH = "CREATE TRIGGER note_change BEFORE INSERT OR UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION note_change()"


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("generation", sa.Uuid(), nullable=False),
        sa.Column("shift", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_feeds_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
    )
    # What is there already counts as changed before everything that comes; no row is written anew.
    op.add_column(
        "tickets", sa.Column("changed_in", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index("ix_tickets_changed_in", "tickets", ["changed_in", "id"])
    op.execute(_NOTE)
    op.execute(_EACH)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_change ON tickets")
    op.execute("DROP FUNCTION note_change()")
    op.drop_index("ix_tickets_changed_in", table_name="tickets")
    op.drop_column("tickets", "changed_in")
    op.drop_table("feeds")
