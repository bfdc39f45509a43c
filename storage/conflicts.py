"""Unique names, addresses and ids: what a broken constraint means to the one who broke it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from sqlalchemy.exc import IntegrityError

from domain.errors import Conflict, Invalid, StaleVersion

_TAKEN: Final = {
    "uq_people_email": Conflict("email_taken", "Someone else has this address.", field="email"),
    "uq_achievements_name": Conflict("name_taken", "Another achievement has this name.", field="name"),
    "uq_prizes_name": Conflict("name_taken", "Another prize has this name.", field="name"),
    "uq_teams_name": Conflict("name_taken", "Another team has this name.", field="name"),
    "pk_attachments": Conflict("id_taken", "Another attachment has this id.", field="id"),
    "uq_fields_key": Conflict("key_taken", "Another field has this key.", field="key"),
    "uq_views_name": Conflict("name_taken", "Another view has this name.", field="name"),
    "uq_macros_name": Conflict("name_taken", "Another macro has this name.", field="name"),
    "uq_organizations_name": Conflict("name_taken", "Another organization has this name.", field="name"),
}
_UNKNOWN: Final = {
    "fk_people_organization_id_organizations": ("unknown_organization", "organization"),
    "fk_teams_lead_id_people": ("unknown_person", "lead"),
    "fk_team_members_person_id_people": ("unknown_person", "members"),
    "fk_team_members_team_id_teams": ("unknown_team", "teams"),
    "fk_tokens_person_id_people": ("unknown_person", "person"),
}


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """Raise the Conflict or Invalid that a broken constraint means. The transaction is lost either way."""
    try:
        yield
    except IntegrityError as error:
        cause = error.orig
        if not isinstance(cause, UniqueViolation | ForeignKeyViolation):
            raise
        constraint = cause.diag.constraint_name or ""
        if constraint in _TAKEN:
            known = _TAKEN[constraint]
            raise Conflict(known.code, known.detail, field=known.field) from None
        if constraint in _UNKNOWN:
            code, field = _UNKNOWN[constraint]
            raise Invalid(code, "There is no such record.", field=field) from None
        raise


def check_version(expected: int | None, current: int) -> None:
    if expected is not None and expected != current:
        raise StaleVersion(expected, current)
