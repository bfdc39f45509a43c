"""Campaigns: surveys that ask an audience in rounds.

Revision: 0023_campaigns, after 0022_releases
"""

import sqlalchemy as sa
from alembic import op

revision = "0023_campaigns"
down_revision = "0022_releases"
branch_labels = None
depends_on = None

_NEW = ("started_at", "round", "round_at", "building", "cursor", "invited")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("surveys", sa.Column("started_at", moment, nullable=True))
    op.add_column("surveys", sa.Column("round", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("surveys", sa.Column("round_at", moment, nullable=True))
    op.add_column(
        "surveys", sa.Column("building", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("surveys", sa.Column("cursor", sa.Uuid(), nullable=True))
    op.add_column("surveys", sa.Column("invited", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("survey_invitations", sa.Column("round", sa.Integer(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_survey_invitations_survey_id_round_person_id"),
        "survey_invitations",
        ["survey_id", "round", "person_id"],
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("uq_survey_invitations_survey_id_round_person_id"), "survey_invitations", type_="unique"
    )
    op.drop_column("survey_invitations", "round")
    for name in _NEW:
        op.drop_column("surveys", name)
