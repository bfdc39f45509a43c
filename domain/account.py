"""People and what they are: roles, scopes, the caller of a request, and a person as the desk shows them.

What a role may do is decided in `domain/authorization.py`; passwords, tokens and rows are the business of
`storage/account/`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.text import Locale

SESSION_LIFETIME: Final = timedelta(hours=24)
TOKEN_LIFETIME: Final = timedelta(days=90)
TOKEN_LIFETIME_MAX: Final = timedelta(days=366)
DEFAULT_CAPACITY: Final = 20
PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 200


class Role(StrEnum):
    REQUESTER = "requester"
    AGENT = "agent"
    MANAGER = "manager"
    EDITOR = "editor"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token is for. A token never allows more than the roles of its person."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    HISTORIES_READ = "histories:read"
    FACTS_WRITE = "facts:write"
    CONTESTS_READ = "contests:read"
    CONTESTS_WRITE = "contests:write"
    ADMIN = "admin"  # everything that the roles allow


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `scopes` is None for a session: everything that the roles allow."""

    person_id: UUID
    roles: frozenset[Role]
    team_ids: frozenset[UUID] = frozenset()
    organization_id: UUID | None = None
    scopes: frozenset[Scope] | None = None
    locale: Locale = "en"
    time_zone: str = "UTC"
    name: str = ""
    email: str = ""
    token_id: UUID | None = None

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


class Value(BaseModel):
    """A value that leaves the desk as JSON."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Ref(Value):
    """A record by its id and the name that people know it by."""

    id: UUID
    name: str

    @classmethod
    def of(cls, record_id: UUID | None, name: str | None) -> Self | None:
        """Nothing for no id: as a row of the database has it when it refers to nobody."""
        return None if record_id is None else cls(id=record_id, name=name or "")


class Absence(Value):
    """From when and until when someone is away; an open end means until further notice."""

    since: AwareDatetime = Field(serialization_alias="from")
    until: AwareDatetime | None = None

    def covers(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class Person(Value):
    """A person without secrets. `tier` and `capacity` (weighted open tickets) matter for agents only."""

    id: UUID
    email: str
    name: str
    roles: tuple[Role, ...]
    tier: int
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    capacity: int
    locale: Locale
    time_zone: str
    teams: tuple[Ref, ...]
    organization: Ref | None
    active: bool
    absence: Absence | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Team(Value):
    """Agents who share tickets; tickets of one of `categories` come to it by themselves."""

    id: UUID
    name: str
    lead: Ref | None
    categories: tuple[str, ...]
    members: tuple[Ref, ...]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Organization(Value):
    """Customers who belong together; a new person whose address is in one of `domains` joins it."""

    id: UUID
    name: str
    domains: tuple[str, ...]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Token(Value):
    """A credential without its secret; `prefix` is what its owner recognises it by."""

    id: UUID
    person: Ref
    name: str
    prefix: str
    session: bool
    scopes: tuple[Scope, ...] | None
    created_at: AwareDatetime
    expires_at: AwareDatetime
    last_used_at: AwareDatetime | None
