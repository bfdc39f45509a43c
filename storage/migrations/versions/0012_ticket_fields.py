"""Values of custom fields as rows, by which tickets are found and sorted, in the place of an index that only knew
whole values.

Revision: 0012_ticket_fields, after 0011_reports
"""

from dataclasses import asdict

import sqlalchemy as sa
from alembic import op

from domain.field import comparables

revision = "0012_ticket_fields"
down_revision = "0011_reports"
branch_labels = None
depends_on = None

_TICKETS = sa.text("SELECT id, created_at, custom_fields FROM tickets WHERE custom_fields <> '{}'")


def upgrade() -> None:
    table = op.create_table(
        "ticket_fields",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=True),
        sa.Column("number", sa.Numeric(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_fields_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "key", "position", name=op.f("pk_ticket_fields")),
    )
    connection = op.get_bind()
    with connection.execute(_TICKETS.execution_options(yield_per=1000)) as tickets:
        for some in tickets.partitions():
            rows = [
                {"ticket_id": ticket.id, "created_at": ticket.created_at, **asdict(one)}
                for ticket in some
                for one in comparables(ticket.custom_fields)
            ]
            if rows:
                connection.execute(sa.insert(table), rows)
    for name in ("text", "number"):
        op.create_index(
            f"ix_ticket_fields_{name}",
            "ticket_fields",
            ["key", name, "created_at", "ticket_id"],
            postgresql_where=sa.text(f"{name} is not null"),
        )
    op.drop_index("ix_tickets_custom_fields", table_name="tickets", postgresql_using="gin")


def downgrade() -> None:
    op.create_index(
        "ix_tickets_custom_fields",
        "tickets",
        ["custom_fields"],
        postgresql_using="gin",
        postgresql_ops={"custom_fields": "jsonb_path_ops"},
    )
    op.drop_table("ticket_fields")
