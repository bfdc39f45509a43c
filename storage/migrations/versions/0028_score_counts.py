"""Members who are deleted are counted no more among those with their score.

Revision: 0028_score_counts, after 0027_contests
"""

from alembic import op

revision = "0028_score_counts"
down_revision = "0027_contests"
branch_labels = None
depends_on = None

_UNCOUNT = """
    CREATE OR REPLACE FUNCTION uncount_score() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE member_score_counts SET members = members - 1 WHERE points = OLD.points;
        RETURN NULL;
    END $$
"""
_EACH = """
    CREATE TRIGGER uncount_score AFTER DELETE ON members
    FOR EACH ROW WHEN (OLD.listed AND OLD.points > 0) EXECUTE FUNCTION uncount_score()
"""
# What was left behind by those who were deleted before.
_COUNT_ANEW = """
    UPDATE member_score_counts AS known SET members = found.members
    FROM (
        SELECT counts.points, count(one.person_id) AS members
        FROM member_score_counts AS counts LEFT JOIN members AS one ON one.points = counts.points AND one.listed
        GROUP BY counts.points
    ) AS found
    WHERE known.points = found.points AND known.members <> found.members
"""


def upgrade() -> None:
    op.execute(_UNCOUNT)
    op.execute(_EACH)
    op.execute(_COUNT_ANEW)


def downgrade() -> None:
    op.execute("DROP TRIGGER uncount_score ON members")
    op.execute("DROP FUNCTION uncount_score()")
