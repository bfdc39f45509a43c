"""What reports count: milestones of tickets, and promises kept or broken.

Revision: 0011_reports, after 0010_search_order
"""

import sqlalchemy as sa
from alembic import op

from storage.ticket.measure import fill

revision = "0011_reports"
down_revision = "0010_search_order"
branch_labels = None
depends_on = None

_INDEXES = sa.text("""
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'tickets' AND starts_with(indexname, 'ix_')
""")


def upgrade() -> None:
    op.create_table(
        "report_milestones",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("working", sa.Float(), nullable=True),
        sa.Column("first_contact", sa.Boolean(), nullable=True),
        *_what_it_was(),
        sa.PrimaryKeyConstraint("ticket_id", "number", name=op.f("pk_report_milestones")),
    )
    op.create_table(
        "report_promises",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("target", sa.Float(), nullable=False),
        sa.Column("elapsed", sa.Float(), nullable=True),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        *_what_it_was(),
        sa.PrimaryKeyConstraint("ticket_id", "clock", "cycle", name=op.f("pk_report_promises")),
    )
    for name, type_ in (("response_working", sa.Float()), ("resolution_working", sa.Float())):
        op.add_column("tickets", sa.Column(name, type_, nullable=True))
    op.add_column("tickets", sa.Column("first_contact", sa.Boolean(), nullable=True))
    op.add_column("tickets", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("promises_kept", "promises_broken"):
        column = sa.Column(name, sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
        op.add_column("tickets", column)
    _fill(op.get_bind())
    for name in ("report_milestones", "report_promises"):
        constraint = op.f(f"fk_{name}_ticket_id_tickets")
        op.create_foreign_key(constraint, name, "tickets", ["ticket_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_report_milestones_at", "report_milestones", ["at"])
    op.create_index(
        "ix_report_milestones_open",
        "report_milestones",
        [sa.literal_column("tstzrange(opened_at, at)")],
        postgresql_using="gist",
        postgresql_where=sa.text("number > 0"),
    )
    op.create_index("ix_report_promises_decided_at", "report_promises", ["decided_at"])
    op.create_index(
        "ix_report_promises_broken",
        "report_promises",
        ["decided_at", "ticket_id", "clock", "cycle"],
        postgresql_where=sa.text("outcome = 'broken'"),
    )


def downgrade() -> None:
    for name in (
        "response_working",
        "resolution_working",
        "first_contact",
        "reopened_at",
        "promises_kept",
        "promises_broken",
    ):
        op.drop_column("tickets", name)
    op.drop_table("report_promises")
    op.drop_table("report_milestones")


def _what_it_was() -> list[sa.Column[object]]:
    return [
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
    ]


def _fill(connection: sa.Connection) -> None:
    """From the history of the tickets that are there. Every row of `tickets` is written anew, so its indexes are made
    again afterwards: kept up row by row they take ten times as long."""
    connection.execute(sa.text("SET LOCAL work_mem = '256MB'"))
    connection.execute(sa.text("SET LOCAL maintenance_work_mem = '256MB'"))
    indexes = connection.execute(_INDEXES).all()
    for index in indexes:
        op.drop_index(index.indexname)
    fill(connection)
    for index in indexes:
        connection.execute(sa.text(index.indexdef))
