"""People: who works here, who asks, and who is away."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field

from api.dependencies import Caller, CurrentDesk, IfMatch, client_address
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from api.throttle import is_right
from domain.account import (
    DEFAULT_CAPACITY,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    Absence,
    Person,
    Principal,
    Role,
)
from domain.authorization import Owned, check
from domain.errors import Forbidden, Invalid
from domain.text import EMAIL_LENGTH, Email, Line, Locale, Name, Text, TimeZone, Word
from runtime.passwords import is_password
from storage.account import people

router = APIRouter(prefix="/people", tags=["people"])

Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
Tier = Annotated[int, Field(ge=1, le=3)]
Capacity = Annotated[int, Field(ge=0, le=10_000)]
Words = Annotated[list[Word], Field(max_length=100)]
TeamNames = Annotated[list[Name], Field(max_length=100)]
Password = Annotated[Text, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]
Sort = Literal["name", "-name", "created_at", "-created_at"]

# What people may change of themselves; the rest is for administrators.
_PROFILE: Final = frozenset({"name", "locale", "time_zone"})


class NewPerson(Form):
    email: Email
    name: Name
    roles: Roles = Field([Role.REQUESTER])
    tier: Tier = 1
    teams: TeamNames = Field([], description="ids or names")
    skills: Words = Field([])
    languages: Words = Field([])
    capacity: Capacity = Field(DEFAULT_CAPACITY, description="open tickets, weighted by priority")
    locale: Locale | None = None
    time_zone: TimeZone = "UTC"
    organization: UUID | None = Field(None, description="without it, by the domain of the address")
    password: Password | None = None


class PersonChanges(Form):
    """Only the fields that are sent change; `organization` may be null."""

    email: Email = Field(default_factory=absent)
    name: Name = Field(default_factory=absent)
    roles: Roles = Field(default_factory=absent)
    tier: Tier = Field(default_factory=absent)
    teams: TeamNames = Field(default_factory=absent)
    skills: Words = Field(default_factory=absent)
    languages: Words = Field(default_factory=absent)
    capacity: Capacity = Field(default_factory=absent)
    locale: Locale = Field(default_factory=absent)
    time_zone: TimeZone = Field(default_factory=absent)
    organization: UUID | None = None
    active: bool = Field(default_factory=absent)


class PeopleQuery(PageQuery):
    role: Role | None = None
    team: UUID | None = None
    organization: UUID | None = None
    tier: Tier | None = None
    active: bool | None = None
    email: Annotated[Text, Field(max_length=EMAIL_LENGTH)] | None = None
    q: Line | None = Field(None, description="part of the name or the address")
    sort: Sort = "name"


class AbsenceForm(Form):
    """`from` is now when it is not sent; without `until` the absence lasts until it is ended."""

    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = None


class PasswordForm(Form):
    """`current_password` is needed to change one's own."""

    password: Password
    current_password: Annotated[Text, Field(max_length=PASSWORD_LENGTH_MAX)] | None = None


@router.get("/me")
async def read_me(caller: Caller, desk: CurrentDesk) -> Person:
    check(caller, "person.me")
    async with desk.database.reading() as reader:
        return await people.person(reader, caller.person_id)


@router.get("")
async def list_people(
    query: Annotated[PeopleQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Person]:
    check(caller, "person.list")
    by_name = query.sort.endswith("name")
    after = query.start(query.sort, str if by_name else datetime, UUID)
    wanted = people.PeopleFilter(**query.model_dump(exclude={"size", "after", "sort"}))
    async with desk.database.reading() as reader:
        found = await people.people(reader, wanted, order=query.sort, after=after, size=query.size)

    def key(person: Person) -> tuple[Any, UUID]:
        return (person.name if by_name else person.created_at, person.id)

    return page_of(request, query, found, query.sort, key)


@router.post("", status_code=201, responses=problems(409))
async def create_person(body: NewPerson, caller: Caller, desk: CurrentDesk, response: Response) -> Person:
    check(caller, "person.write")
    fields = _columns(body.model_dump(exclude={"teams", "password"}, exclude_none=True))
    fields.setdefault("locale", desk.settings.locale)
    async with desk.database.writing() as writer:
        person = await people.create_person(writer, fields, teams=body.teams, password=body.password)
    response.headers["Location"] = f"/api/v1/people/{person.id}"
    return person


@router.get("/{person_id}", responses=problems(404))
async def read_person(person_id: UUID, caller: Caller, desk: CurrentDesk) -> Person:
    check(caller, "person.read", Owned(person_id))
    async with desk.database.reading() as reader:
        return await people.person(reader, person_id)


@router.patch("/{person_id}", responses=problems(404, 409, 412))
async def update_person(
    person_id: UUID, body: PersonChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Person:
    """Everybody may change their own name, locale and time zone; the rest is for administrators."""
    sent = body.model_fields_set
    check(caller, "person.profile" if sent <= _PROFILE else "person.write", Owned(person_id))
    changes = _columns(body.model_dump(include=set(sent - {"teams"})))
    teams = body.teams if "teams" in sent else None
    async with desk.database.writing() as writer:
        return await people.update_person(writer, person_id, changes, teams=teams, expected_version=if_match)


@router.put("/{person_id}/absence", responses=problems(404))
async def set_absence(person_id: UUID, body: AbsenceForm, caller: Caller, desk: CurrentDesk) -> Person:
    """While away, a person gets no tickets; the open ones are given to others."""
    check(caller, "person.absence", Owned(person_id))
    now = datetime.now(UTC)
    absence = Absence(since=body.since or now, until=body.until)
    if absence.until is not None and absence.until <= max(now, absence.since):
        raise Invalid("invalid_absence", "Must be in the future and after the beginning.", field="until")
    async with desk.database.writing() as writer:
        return await people.set_absence(writer, person_id, absence)


@router.delete("/{person_id}/absence", responses=problems(404))
async def end_absence(person_id: UUID, caller: Caller, desk: CurrentDesk) -> Person:
    check(caller, "person.absence", Owned(person_id))
    async with desk.database.writing() as writer:
        return await people.set_absence(writer, person_id, None)


@router.put("/{person_id}/password", status_code=204, responses=problems(404, 429))
async def set_password(
    person_id: UUID, body: PasswordForm, caller: Caller, desk: CurrentDesk, request: Request
) -> None:
    """Ends every other session and token of the person."""
    check(caller, "person.password", Owned(person_id))
    if person_id == caller.person_id:
        await _check_current_password(caller, body.current_password, desk, request)
    async with desk.database.writing() as writer:
        await people.set_password(writer, person_id, body.password, keep=caller.token_id)


async def _check_current_password(
    caller: Principal, given: str | None, desk: CurrentDesk, request: Request
) -> None:
    async with desk.database.reading() as reader:
        known = await people.credentials(reader, caller.email)
    if known is None or known.password_hash is None:
        return

    async def verify() -> bool:
        return await is_password(known.password_hash, given or "")

    if not await is_right(desk, caller.email, client_address(request), verify):
        raise Forbidden("wrong_password", "The current password is wrong.", field="current_password")


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    """The names of fields as the table has them; sets in a fixed order."""
    if "organization" in fields:
        fields["organization_id"] = fields.pop("organization")
    for name in ("roles", "skills", "languages"):
        if name in fields:
            fields[name] = list(dict.fromkeys(fields[name]))
    return fields
