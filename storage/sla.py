"""SLA policies in the database. A change makes a new version; a ticket keeps the version it was promised.

Which policy a ticket gets is decided in `domain/sla/policy.py`, out of `active_policies`.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, Select, Text, and_, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.calendar import ALWAYS, Calendar
from domain.errors import Invalid, NotFound
from domain.sla.policy import DEFAULT_POLICY, Policy, PolicyVersion
from domain.sla.record import PolicyRecord
from storage import outbox
from storage.calendar import lock_calendar
from storage.conflicts import check_version
from storage.database import Reader, Writer, connection_of
from storage.page import Order, contains, page
from storage.pipeline import Pipeline, Statement
from storage.tables.account import OrganizationRow, TeamRow
from storage.tables.calendar import CalendarRow, CalendarVersionRow
from storage.tables.sla import SlaPolicyRow, SlaPolicyVersionRow

BY_POSITION: Final = Order((SlaPolicyRow.position, SlaPolicyRow.id))
DEFAULT_POLICY_ID: Final = UUID("2f0c9d5e-8d0f-5a57-9a4e-5c1a0d6f7b01")


def _version(version: Any) -> ColumnElement[bool]:
    return and_(SlaPolicyVersionRow.policy_id == SlaPolicyRow.id, SlaPolicyVersionRow.version == version)


_ACTIVE: Final = (
    select(
        SlaPolicyRow.id,
        SlaPolicyRow.version,
        cast(SlaPolicyVersionRow.spec, Text).label("policy"),
        CalendarRow.id.label("calendar_id"),
        CalendarRow.version.label("calendar_version"),
        cast(CalendarVersionRow.spec, Text).label("calendar"),
    )
    .join(SlaPolicyVersionRow, _version(SlaPolicyRow.version))
    .join(CalendarRow, CalendarRow.id == SlaPolicyRow.calendar_id, isouter=True)
    .join(
        CalendarVersionRow,
        and_(
            CalendarVersionRow.calendar_id == CalendarRow.id,
            CalendarVersionRow.version == CalendarRow.version,
        ),
        isouter=True,
    )
    .where(SlaPolicyRow.archived_at.is_(None))
    .order_by(*BY_POSITION.columns)
)
_ASK_ACTIVE: Final = Statement(_ACTIVE)


async def active_policies(reader: Reader | Writer) -> list[PolicyVersion]:
    """Every policy in force with its calendar, by position: one query."""
    connection = await connection_of(reader)
    return _policy_versions(await connection.execute(_ACTIVE))


def ask_active_policies(asking: Pipeline) -> Callable[[], list[PolicyVersion]]:
    """The same for those who ask more than that at once: every new ticket does."""
    answer = asking.ask(_ASK_ACTIVE)
    return lambda: _policy_versions(answer.rows)


async def policy(reader: Reader | Writer, policy_id: UUID, *, version: int | None = None) -> PolicyRecord:
    """The current version, or an earlier one; archived policies too. Raises NotFound."""
    statement = _policies(SlaPolicyRow.version if version is None else version)
    row = (await reader.execute(statement.where(SlaPolicyRow.id == policy_id))).one_or_none()
    if row is None:
        raise not_found()
    return _record(row)


async def policies(
    reader: Reader, *, q: str | None = None, after: Sequence[Any] | None = None, size: int = 100
) -> list[PolicyRecord]:
    """Those in force, in the order in which they are asked."""
    statement = _policies(SlaPolicyRow.version).where(SlaPolicyRow.archived_at.is_(None))
    if q is not None:
        statement = statement.where(contains(SlaPolicyRow.name, q))
    return [_record(row) for row in await reader.execute(page(statement, BY_POSITION, after, size))]


async def create_policy(writer: Writer, spec: Policy, person_id: UUID | None = None) -> PolicyRecord:
    """Raises Invalid for an unknown calendar, team or organization."""
    policy_id = uuid4()
    await _check_named(writer, spec)
    await writer.execute(insert(SlaPolicyRow).values(id=policy_id, version=1, **_columns(spec)))
    await _write_version(writer, policy_id, 1, spec, person_id)
    await outbox.put(writer, "policy", str(policy_id), {"version": 1})
    return await policy(writer, policy_id)


async def update_policy(
    writer: Writer,
    policy_id: UUID,
    spec: Policy,
    expected_version: int | None,
    person_id: UUID | None = None,
) -> PolicyRecord:
    """Makes a new version, unless nothing changes. Raises NotFound, StaleVersion, and Invalid as
    `create_policy` does."""
    current = await lock_policy(writer, policy_id)
    check_version(expected_version, current.version)
    if spec == current.rule():
        return current
    await _check_named(writer, spec)
    version = current.version + 1
    values = {**_columns(spec), "version": version, "updated_at": func.now()}
    await writer.execute(update(SlaPolicyRow).where(SlaPolicyRow.id == policy_id).values(values))
    await _write_version(writer, policy_id, version, spec, person_id)
    await outbox.put(writer, "policy", str(policy_id), {"version": version})
    return await policy(writer, policy_id)


async def archive_policy(writer: Writer, policy_id: UUID, expected_version: int | None) -> None:
    """Puts it out of force; open tickets get the next policy that matches. Raises NotFound, StaleVersion."""
    current = await lock_policy(writer, policy_id)
    check_version(expected_version, current.version)
    await writer.execute(
        update(SlaPolicyRow).where(SlaPolicyRow.id == policy_id).values(archived_at=func.now())
    )
    await outbox.put(writer, "policy", str(policy_id), {"archived": True})


async def lock_policy(writer: Writer, policy_id: UUID) -> PolicyRecord:
    """The current version, kept from changing until the transaction ends. Raises NotFound, also when
    archived."""
    locked = select(SlaPolicyRow.id).where(SlaPolicyRow.id == policy_id, SlaPolicyRow.archived_at.is_(None))
    if await writer.scalar(locked.with_for_update()) is None:
        raise not_found()
    return await policy(writer, policy_id)


async def ensure_default_policy(writer: Writer) -> bool:
    """Puts the default promises in force on a desk that never had them; whether it did. One that was
    changed or archived stays so."""
    values = {"id": DEFAULT_POLICY_ID, "version": 1, **_columns(DEFAULT_POLICY)}
    made = upsert(SlaPolicyRow).values(values).on_conflict_do_nothing().returning(SlaPolicyRow.id)
    if await writer.scalar(made) is None:
        return False
    await _write_version(writer, DEFAULT_POLICY_ID, 1, DEFAULT_POLICY, None)
    await outbox.put(writer, "policy", str(DEFAULT_POLICY_ID), {"version": 1})
    return True


async def _check_named(writer: Writer, spec: Policy) -> None:
    """The calendar stays in the lists until the transaction ends; what is matched by exists."""
    if isinstance(spec.calendar, UUID):
        try:
            await lock_calendar(writer, spec.calendar)
        except NotFound:
            raise Invalid("unknown_calendar", "There is no such calendar.", field="calendar") from None
    await _check_there(writer, "team", TeamRow.id, spec.match.team)
    await _check_there(writer, "organization", OrganizationRow.id, spec.match.organization)


async def _check_there(writer: Writer, kind: str, column: Any, ids: Iterable[UUID]) -> None:
    wanted = set(ids)
    missing = wanted - set(await writer.scalars(select(column).where(column.in_(wanted)))) if wanted else ()
    if missing:
        named = ", ".join(sorted(map(str, missing))[:5])
        raise Invalid(f"unknown_{kind}", f"There is no such {kind}: {named}.", field=f"match.{kind}")


async def _write_version(
    writer: Writer, policy_id: UUID, version: int, spec: Policy, person_id: UUID | None
) -> None:
    values = {"spec": spec.model_dump(mode="json"), "created_by": person_id}
    await writer.execute(insert(SlaPolicyVersionRow).values(policy_id=policy_id, version=version, **values))


def _columns(spec: Policy) -> dict[str, Any]:
    calendar_id = spec.calendar if isinstance(spec.calendar, UUID) else None
    return {"name": spec.name, "position": spec.position, "calendar_id": calendar_id}


def _policies(version: Any) -> Select[Any]:
    return select(
        SlaPolicyRow.id,
        SlaPolicyVersionRow.version,
        SlaPolicyVersionRow.spec,
        SlaPolicyRow.created_at,
        SlaPolicyVersionRow.created_at.label("updated_at"),
        SlaPolicyRow.archived_at,
    ).join(SlaPolicyVersionRow, _version(version))


def _record(row: Row[Any]) -> PolicyRecord:
    return PolicyRecord.model_validate({**row.spec, **row._mapping})


def _policy_versions(found: Iterable[Any]) -> list[PolicyVersion]:
    return [
        PolicyVersion(
            id=row.id,
            version=row.version,
            policy=_read_policy(row.policy),
            calendar_id=row.calendar_id,
            calendar_version=row.calendar_version or 0,
            calendar=ALWAYS if row.calendar is None else _read_calendar(row.calendar),
        )
        for row in found
    ]


# The same text is always the same value, and a ticket is created far more often than a policy is changed.
# Reading a policy takes about 50 µs, and a calendar works out its plan once; bounded, as desks have few.
@lru_cache(maxsize=256)
def _read_policy(text: str) -> Policy:
    return Policy.model_validate_json(text)


@lru_cache(maxsize=64)
def _read_calendar(text: str) -> Calendar:
    return Calendar.model_validate_json(text)
