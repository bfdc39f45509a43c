"""Who may use what agents keep for themselves, for their teams or for everybody: macros and views."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from domain.account import Principal, Role


def usable(caller: Principal, table: Any) -> ColumnElement[bool]:
    """Rows of `table` with `owner_id` and `team_ids` that are one's own, or shared with all or a team of one's own;
    management sees all that is shared."""
    shared: ColumnElement[bool] = table.owner_id.is_(None)
    if not caller.has(Role.MANAGER, Role.ADMIN):
        for_all = func.cardinality(table.team_ids) == 0
        shared = and_(shared, or_(for_all, table.team_ids.overlap(list(caller.team_ids))))
    return or_(table.owner_id == caller.person_id, shared)
