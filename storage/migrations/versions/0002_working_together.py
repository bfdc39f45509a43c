"""Merged tickets, collaborators and macros.

Revision: 0002_working_together, after 0001_initial
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_working_together"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "macros",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("team_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("actions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_macros_owner_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_macros")),
    )
    op.create_index(
        "uq_macros_name",
        "macros",
        ["owner_id", sa.literal_column("lower(name)")],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "ticket_collaborators",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("via", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_ticket_collaborators_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
            name=op.f("fk_ticket_collaborators_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["via"], ["tickets.id"], name=op.f("fk_ticket_collaborators_via_tickets")),
        sa.PrimaryKeyConstraint("ticket_id", "person_id", name=op.f("pk_ticket_collaborators")),
    )
    op.create_index(
        "ix_ticket_collaborators_person_id", "ticket_collaborators", ["person_id", "ticket_id"], unique=False
    )
    op.add_column("tickets", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_tickets_merged_into",
        "tickets",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_tickets_merged_into_tickets"), "tickets", "tickets", ["merged_into"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_tickets_merged_into_tickets"), "tickets", type_="foreignkey")
    op.drop_index(
        "ix_tickets_merged_into", table_name="tickets", postgresql_where=sa.text("merged_into IS NOT NULL")
    )
    op.drop_column("tickets", "merged_into")
    op.drop_index("ix_ticket_collaborators_person_id", table_name="ticket_collaborators")
    op.drop_table("ticket_collaborators")
    op.drop_index("uq_macros_name", table_name="macros", postgresql_nulls_not_distinct=True)
    op.drop_table("macros")
