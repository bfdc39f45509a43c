"""Members: facts, the ledger of points, scores, levels, and the rules.

Revision: 0017_members, after 0016_classifier
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_members"
down_revision = "0016_classifier"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_score_counts",
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("points", name=op.f("pk_member_score_counts")),
    )
    op.create_table(
        "member_rules",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["people.id"], name=op.f("fk_member_rules_created_by_people")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_member_rules")),
    )
    op.create_table(
        "members",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("points", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cursor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("wanted_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_members_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_members")),
    )
    op.create_index(
        "ix_members_next_at", "members", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL")
    )
    op.create_index(
        "ix_members_wanted_since",
        "members",
        ["wanted_since"],
        postgresql_where=sa.text("wanted_since IS NOT NULL"),
    )
    op.create_table(
        "member_days",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("gross", sa.Integer(), nullable=False),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.person_id"],
            name=op.f("fk_member_days_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "day", name=op.f("pk_member_days")),
    )
    op.create_table(
        "member_facts",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("fact_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("reverses", sa.String(), nullable=True),
        sa.Column("worth", sa.Integer(), nullable=False),
        sa.Column("capped", sa.Boolean(), nullable=False),
        sa.Column("once", sa.String(), nullable=True),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("void", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.person_id"],
            name=op.f("fk_member_facts_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_member_facts")),
        sa.UniqueConstraint("member_id", "fact_id", name=op.f("uq_member_facts_member_id_fact_id")),
    )
    op.create_index(
        "ix_member_facts_action",
        "member_facts",
        ["member_id", "action", "at"],
        postgresql_where=sa.text("void IS NULL"),
    )
    op.create_index(
        "ix_member_facts_once",
        "member_facts",
        ["member_id", "once"],
        postgresql_where=sa.text("once IS NOT NULL"),
    )
    op.create_index(
        "ix_member_facts_reverses",
        "member_facts",
        ["member_id", "reverses"],
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )
    op.create_table(
        "member_levels",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.person_id"],
            name=op.f("fk_member_levels_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "name", name=op.f("pk_member_levels")),
    )
    op.create_table(
        "member_points",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("fact_id", sa.String(), nullable=True),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("rules", sa.Integer(), nullable=True),
        sa.Column("award_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.person_id"],
            name=op.f("fk_member_points_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_member_points")),
        sa.UniqueConstraint("member_id", "fact_id", name=op.f("uq_member_points_member_id_fact_id")),
    )
    op.create_table(
        "member_scores",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.String(), nullable=False),
        sa.Column("begin", sa.Date(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.person_id"],
            name=op.f("fk_member_scores_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "span", "begin", name=op.f("pk_member_scores")),
    )
    op.create_index(
        "ix_member_scores_board",
        "member_scores",
        ["span", "begin", "points", "member_id"],
        postgresql_where=sa.text("listed AND points > 0"),
    )


def downgrade() -> None:
    for name in ("scores", "points", "levels", "facts", "days", "rules", "score_counts"):
        op.drop_table(f"member_{name}")
    op.drop_table("members")
