"""Prizes: what can be won, and the claims of who has won it.

Revision: 0026_prizes, after 0025_feedback_findings
"""

import sqlalchemy as sa
from alembic import op

revision = "0026_prizes"
down_revision = "0025_feedback_findings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_awards_prize", "awards", ["awarded_at"], postgresql_where=sa.text("reward ->> 'type' = 'prize'")
    )
    op.create_table(
        "prizes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND spent >= 0 AND reserved + spent <= budget", name=op.f("ck_prizes_budget")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prizes")),
        sa.UniqueConstraint("name", name=op.f("uq_prizes_name")),
    )
    op.create_index("ix_prizes_created_at", "prizes", ["created_at", "id"])
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("prize_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["people.id"], name=op.f("fk_claims_member_id_people"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_claims_achievement_id_achievements")
        ),
        sa.ForeignKeyConstraint(["prize_id"], ["prizes.id"], name=op.f("fk_claims_prize_id_prizes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_asked_at", "claims", ["asked_at", "id"])
    op.create_index("ix_claims_due_at", "claims", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_claims_member_id", "claims", ["member_id", "asked_at", "id"])
    op.create_table(
        "claim_steps",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claims.id"], name=op.f("fk_claim_steps_claim_id_claims"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("claim_id", "version", name=op.f("pk_claim_steps")),
    )


def downgrade() -> None:
    for name in ("claim_steps", "claims", "prizes"):
        op.drop_table(name)
    op.drop_index("ix_awards_prize", "awards")
