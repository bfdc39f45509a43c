"""One search document a ticket instead of one a text, and an index for each field that lists are filtered by.

Revision: 0005_search_documents, after 0004_bulk
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.search import codes, words

revision = "0005_search_documents"
down_revision = "0004_bulk"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_tickets_organization_id": ["organization_id", "created_at", "id"],
    "ix_tickets_category": ["category", "created_at", "id"],
    "ix_tickets_kind": ["kind", "created_at", "id"],
    "ix_tickets_channel": ["channel", "created_at", "id"],
    "ix_tickets_tier": ["tier", "created_at", "id"],
    "ix_tickets_rank": ["rank", "created_at", "id"],
}
_TEXTS = sa.text(
    "SELECT id, number, external_id, subject, description FROM tickets WHERE id > :last ORDER BY id LIMIT 1000"
)
_BODIES = sa.text("SELECT body, visibility FROM ticket_comments WHERE ticket_id = :id ORDER BY at, id")
_WRITE = sa.text("""
    INSERT INTO ticket_search (ticket_id, shared, entire)
    SELECT :id, shared, CASE WHEN :notes <> '' THEN shared || setweight(to_tsvector('english', :notes), 'D') END
    FROM (
        SELECT setweight(to_tsvector('english', :subject), 'A')
            || setweight(to_tsvector('english', :description), 'C')
            || setweight(to_tsvector('english', :comments), 'D')
            || array_to_tsvector(CAST(:codes AS text[])) AS shared
    ) AS made
""")
_OLD_TICKETS = (
    "UPDATE tickets SET search = coalesce((SELECT shared FROM ticket_search WHERE ticket_id = id), '')"
)
_OLD_COMMENTS = "UPDATE ticket_comments SET search = to_tsvector('english', body)"


def upgrade() -> None:
    op.create_table(
        "ticket_search",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("shared", postgresql.TSVECTOR(), nullable=False),
        sa.Column("entire", postgresql.TSVECTOR(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_search_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_search")),
    )
    _fill(op.get_bind())
    op.create_index(
        "ix_ticket_search_words",
        "ticket_search",
        [sa.literal_column("coalesce(entire, shared)")],
        postgresql_using="gin",
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "tickets", columns)
    op.create_index(
        "ix_tickets_breached", "tickets", ["created_at", "id"], postgresql_where=sa.text("breached")
    )
    op.drop_column("tickets", "search")
    op.drop_column("ticket_comments", "search")


def downgrade() -> None:
    for table in ("tickets", "ticket_comments"):
        op.add_column(table, sa.Column("search", postgresql.TSVECTOR(), nullable=True))
        op.execute(_OLD_TICKETS if table == "tickets" else _OLD_COMMENTS)
        op.alter_column(table, "search", nullable=False)
        op.create_index(f"ix_{table}_search", table, ["search"], postgresql_using="gin")
    for name in [*_INDEXES, "ix_tickets_breached"]:
        op.drop_index(name, table_name="tickets")
    op.drop_table("ticket_search")


def _fill(connection: sa.Connection) -> None:
    """The documents of the tickets that are there, a thousand at a time."""
    last = UUID(int=0)
    while tickets := connection.execute(_TEXTS, {"last": last}).all():
        for ticket in tickets:
            said = connection.execute(_BODIES, {"id": ticket.id}).all()
            connection.execute(_WRITE, _document(ticket, said))
        last = tickets[-1].id


def _document(ticket: Any, said: Sequence[Any]) -> dict[str, object]:
    public = [row.body for row in said if row.visibility == "public"]
    found = [code for one in (ticket.subject, ticket.description, *public) for code in codes(one)]
    external = [ticket.external_id.lower()[:100]] if ticket.external_id else []
    return {
        "id": ticket.id,
        "subject": words(ticket.subject),
        "description": words(ticket.description),
        "comments": " ".join(map(words, public))[:150_000],
        "notes": " ".join(words(row.body) for row in said if row.visibility != "public")[:150_000],
        "codes": [str(ticket.number), str(ticket.id), *external, *found][:2000],
    }
