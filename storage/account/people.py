"""People: rows in, `Person` out. Whoever may change an agent's work tells the durable side by the outbox:
`capacity` when someone may be free for a waiting ticket, `absence` when someone's tickets need another hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Absence, Person, Principal, Ref, Role
from domain.authorization import not_found
from domain.errors import Conflict, Invalid
from domain.text import Locale
from runtime.passwords import hash_password
from storage import outbox
from storage.account.tokens import revoke_all
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, contains, page
from storage.tables.account import OrganizationRow, PersonRow, TeamMemberRow, TeamRow

ORDERS: Final = {
    "name": Order((PersonRow.name, PersonRow.id)),
    "-name": Order((PersonRow.name, PersonRow.id), descending=True),
    "created_at": Order((PersonRow.created_at, PersonRow.id)),
    "-created_at": Order((PersonRow.created_at, PersonRow.id), descending=True),
}
_ADMINS_LOCK: Final = 0x_D0_AD_41
_WORK: Final = frozenset({"roles", "tier", "skills", "languages", "capacity", "active"})

_TEAMS: Final = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("id", TeamRow.id, "name", TeamRow.name),
                    TeamRow.name,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .join(TeamMemberRow, TeamMemberRow.team_id == TeamRow.id)
    .where(TeamMemberRow.person_id == PersonRow.id)
    .correlate(PersonRow)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    role: Role | None = None
    team: UUID | None = None
    organization: UUID | None = None
    tier: int | None = None
    active: bool | None = None
    email: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    person_id: UUID
    password_hash: str | None
    active: bool


async def person(reader: Reader | Writer, person_id: UUID) -> Person:
    """Raises NotFound."""
    row = (await reader.execute(_people().where(PersonRow.id == person_id))).one_or_none()
    if row is None:
        raise not_found()
    return _person(row)


async def people(
    reader: Reader, wanted: PeopleFilter, *, order: str, after: Sequence[Any] | None, size: int
) -> list[Person]:
    statement = page(_people().where(*_conditions(wanted)), ORDERS[order], after, size)
    return [_person(row) for row in await reader.execute(statement)]


async def managers(reader: Reader | Writer) -> list[UUID]:
    """Who is told of what concerns the whole desk, and of what has no owner."""
    return list(
        await reader.scalars(select(PersonRow.id).where(PersonRow.roles.contains([Role.MANAGER.value])))
    )


async def credentials(reader: Reader, email: str) -> Credentials | None:
    statement = select(PersonRow.id, PersonRow.password_hash, PersonRow.active).where(_has_email(email))
    row = (await reader.execute(statement)).one_or_none()
    return None if row is None else Credentials(*row)


async def create_person(
    writer: Writer,
    fields: Mapping[str, Any],
    *,
    teams: Sequence[UUID | str] = (),
    password: str | None = None,
) -> Person:
    """`fields` are columns of the table. Raises Conflict `email_taken` and Invalid for unknown teams."""
    person_id = uuid4()
    values = dict(fields)
    values.setdefault("organization_id", await organization_of(writer, values["email"]))
    values["password_hash"] = None if password is None else await hash_password(password)
    async with refusals():
        await writer.execute(insert(PersonRow).values(id=person_id, **values))
        await _set_teams(writer, person_id, await _team_ids(writer, teams))
    made = await person(writer, person_id)
    await _tell(writer, None, made, frozenset(values))
    return made


async def update_person(
    writer: Writer,
    person_id: UUID,
    changes: Mapping[str, Any],
    *,
    teams: Sequence[UUID | str] | None = None,
    expected_version: int | None = None,
) -> Person:
    """`changes` are columns. Raises NotFound, StaleVersion, Conflict `email_taken` or `last_admin`."""
    if not {"roles", "active"}.isdisjoint(changes):
        # One at a time and before any row, so that two administrators who step down at once neither both
        # succeed nor wait for each other.
        await writer.execute(select(func.pg_advisory_xact_lock(_ADMINS_LOCK)))
    before = await _locked(writer, person_id, expected_version)
    await _keep_an_admin(writer, before, changes)
    async with refusals():
        if teams is not None:
            await _set_teams(writer, person_id, await _team_ids(writer, teams))
        await _write(writer, person_id, changes)
    after = await person(writer, person_id)
    if before.active and not after.active:
        await revoke_all(writer, person_id)
    await _tell(
        writer, before, after, frozenset(changes) | ({"active"} if teams is not None else frozenset())
    )
    return after


async def set_absence(writer: Writer, person_id: UUID, absence: Absence | None) -> Person:
    """Ends the absence when `absence` is None."""
    await _locked(writer, person_id, None)
    since, until = (None, None) if absence is None else (absence.since, absence.until)
    await _write(writer, person_id, {"absent_from": since, "absent_until": until})
    times = {"from": since and since.isoformat(), "until": until and until.isoformat()}
    if absence is None:
        await outbox.put(writer, "capacity", str(person_id), {})
    else:
        await outbox.put(writer, "absence", str(person_id), times)
    return await person(writer, person_id)


async def set_password(writer: Writer, person_id: UUID, password: str, *, keep: UUID | None = None) -> None:
    """Every session and token of the person ends, but for the one that is `keep`."""
    await _locked(writer, person_id, None)
    await _write(writer, person_id, {"password_hash": await hash_password(password)})
    await revoke_all(writer, person_id, except_for=keep)


async def principal(reader: Reader, person_id: UUID) -> Principal | None:
    """What the person may do now, everything that their roles allow; None for one who is no longer active."""
    found = await person(reader, person_id)
    if not found.active:
        return None
    return Principal(
        person_id=found.id,
        roles=frozenset(found.roles),
        team_ids=frozenset(team.id for team in found.teams),
        organization_id=None if found.organization is None else found.organization.id,
        locale=found.locale,
        name=found.name,
        email=found.email,
    )


async def ensure_person(
    writer: Writer, email: str, name: str | None = None, *, locale: Locale = "en"
) -> UUID:
    """The person with this address; made as a requester if there is none. Safe when two do it at once."""
    found = await writer.scalar(select(PersonRow.id).where(_has_email(email)))
    if found is not None:
        return found
    statement = upsert(PersonRow).values(
        id=uuid4(),
        email=email,
        name=name or email,
        roles=[Role.REQUESTER],
        locale=locale,
        organization_id=await organization_of(writer, email),
    )
    made = await writer.scalar(statement.on_conflict_do_nothing().returning(PersonRow.id))
    return made or (await writer.execute(select(PersonRow.id).where(_has_email(email)))).scalar_one()


async def ensure_admin(writer: Writer, email: str, password: str, *, locale: Locale = "en") -> bool:
    """An active administrator with this address. Returns whether the password was set: never over an old."""
    person_id = await ensure_person(writer, email, "Administrator", locale=locale)
    before = await _locked(writer, person_id, None)
    changes: dict[str, Any] = {}
    if Role.ADMIN not in before.roles or not before.active:
        changes = {"roles": sorted({*before.roles, Role.ADMIN}), "active": True}
    has_password = await writer.scalar(
        select(PersonRow.password_hash.is_not(None)).where(PersonRow.id == person_id)
    )
    if not has_password:
        changes["password_hash"] = await hash_password(password)
    if changes:
        await _write(writer, person_id, changes)
    return not has_password


async def organization_of(reader: Reader | Writer, email: str) -> UUID | None:
    """The organization whose domains hold the address; the oldest if several claim it."""
    host = email.rpartition("@")[2].lower()
    statement = select(OrganizationRow.id).where(OrganizationRow.domains.contains([host]))
    return await reader.scalar(statement.order_by(OrganizationRow.created_at).limit(1))


def _people() -> Select[Any]:
    return select(
        *PersonRow.__table__.columns,
        OrganizationRow.name.label("organization_name"),
        _TEAMS.label("teams"),
    ).join(OrganizationRow, OrganizationRow.id == PersonRow.organization_id, isouter=True)


def _conditions(wanted: PeopleFilter) -> list[Any]:
    table = PersonRow
    conditions: list[Any] = []
    if wanted.role is not None:
        conditions.append(table.roles.contains([wanted.role]))
    if wanted.team is not None:
        members = select(TeamMemberRow.person_id).where(TeamMemberRow.team_id == wanted.team)
        conditions.append(table.id.in_(members))
    if wanted.organization is not None:
        conditions.append(table.organization_id == wanted.organization)
    if wanted.tier is not None:
        conditions.append(table.tier == wanted.tier)
    if wanted.active is not None:
        conditions.append(table.active == wanted.active)
    if wanted.email is not None:
        conditions.append(_has_email(wanted.email))
    if wanted.q is not None:
        conditions.append(or_(contains(table.name, wanted.q), contains(table.email, wanted.q)))
    return conditions


def _has_email(email: str) -> Any:
    return func.lower(PersonRow.email) == func.lower(literal(email))


def _person(row: Row[Any]) -> Person:
    absence = row.absent_from and Absence(since=row.absent_from, until=row.absent_until)
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        roles=tuple(map(Role, row.roles)),
        tier=row.tier,
        skills=tuple(row.skills),
        languages=tuple(row.languages),
        capacity=row.capacity,
        locale=row.locale,
        time_zone=row.time_zone,
        teams=tuple(Ref(**team) for team in row.teams),
        organization=Ref.of(row.organization_id, row.organization_name),
        active=row.active,
        absence=absence or None,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _locked(writer: Writer, person_id: UUID, expected_version: int | None) -> Person:
    lock = select(PersonRow.version).where(PersonRow.id == person_id).with_for_update()
    version = await writer.scalar(lock)
    if version is None:
        raise not_found()
    check_version(expected_version, version)
    return await person(writer, person_id)


async def _write(writer: Writer, person_id: UUID, changes: Mapping[str, Any]) -> None:
    values = {**changes, "version": PersonRow.version + 1, "updated_at": func.now()}
    await writer.execute(update(PersonRow).where(PersonRow.id == person_id).values(values))


async def _keep_an_admin(writer: Writer, before: Person, changes: Mapping[str, Any]) -> None:
    """A desk without an administrator could never get one again."""
    was_admin = before.active and Role.ADMIN in before.roles
    stays = changes.get("active", True) and Role.ADMIN in changes.get("roles", before.roles)
    if not was_admin or stays:
        return
    admins = select(func.count()).where(PersonRow.active, PersonRow.roles.contains([Role.ADMIN]))
    if (await writer.execute(admins)).scalar_one() < 2:
        raise Conflict("last_admin", "The desk needs an active administrator; name another one first.")


async def _team_ids(writer: Writer, teams: Sequence[UUID | str]) -> set[UUID]:
    """Ids for teams given by id or by name; raises Invalid for the first that is not there."""
    found = {}
    for row in await writer.execute(select(TeamRow.id, func.lower(TeamRow.name))):
        found[str(row[0])] = found[row[1]] = row[0]
    ids = set()
    for team in teams:
        team_id = found.get(str(team).lower())
        if team_id is None:
            raise Invalid("unknown_team", f"There is no team {team}.", field="teams")
        ids.add(team_id)
    return ids


async def _set_teams(writer: Writer, person_id: UUID, team_ids: set[UUID]) -> None:
    table = TeamMemberRow
    await writer.execute(delete(table).where(table.person_id == person_id, table.team_id.not_in(team_ids)))
    if team_ids:
        values = [{"team_id": team_id, "person_id": person_id} for team_id in sorted(team_ids)]
        await writer.execute(upsert(table).values(values).on_conflict_do_nothing())


async def _tell(writer: Writer, before: Person | None, after: Person, changed: frozenset[str]) -> None:
    worked = before is not None and before.active and Role.AGENT in before.roles
    works = after.active and Role.AGENT in after.roles
    if worked and not works:
        await outbox.put(writer, "absence", str(after.id), {})
    elif works and changed & _WORK:
        await outbox.put(writer, "capacity", str(after.id), {})
