"""Achievements as administrators keep them: drafts that become active, and are retired in the end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, func, insert, select, text, update

from domain.achievement.criteria import actions, check_cycles, dependencies, parse, read
from domain.achievement.record import ACTIVE_MAX, Achievement, AwardState, State
from domain.authorization import not_found
from domain.errors import Conflict, Invalid
from domain.member.rules import Rules
from storage.achievement import backfill
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.achievement import AchievementRow, AchievementVersionRow, AwardRow, PrizeRow

NEWEST_FIRST: Final = Order((AchievementRow.created_at, AchievementRow.id), descending=True)

_WORDS: Final = frozenset({"name", "description"})
_MOVES: Final = {
    State.DRAFT: {State.ACTIVE, State.RETIRED},
    State.ACTIVE: {State.RETIRED},
    State.RETIRED: set[State](),
}


async def achievement(reader: Reader | Writer, achievement_id: UUID) -> Achievement:
    """Raises NotFound."""
    row = (await reader.execute(_all().where(AchievementRow.id == achievement_id))).one_or_none()
    if row is None:
        raise not_found()
    return Achievement.model_validate(row)


async def achievements(
    reader: Reader, states: Sequence[State], *, after: Sequence[Any] | None, size: int
) -> list[Achievement]:
    statement = _all().where(AchievementRow.state.in_(states))
    rows = await reader.execute(page(statement, NEWEST_FIRST, after, size))
    return [Achievement.model_validate(row) for row in rows]


async def create(writer: Writer, values: Mapping[str, Any], rules: Rules, by: UUID) -> Achievement:
    """A draft. Raises Invalid for criteria that cannot be, and Conflict `name_taken`."""
    made = uuid4()
    await _check_criteria(writer, made, values["criteria"], rules)
    await _check_reward(writer, values["reward"])
    async with refusals():
        kept = {**values, "actions": actions(read(values["criteria"])), "state": State.DRAFT}
        await writer.execute(insert(AchievementRow).values(id=made, **kept))
    return await _keep_version(writer, made, by)


async def change(
    writer: Writer,
    achievement_id: UUID,
    changes: Mapping[str, Any],
    rules: Rules,
    by: UUID,
    expected: int | None,
) -> Achievement:
    """Raises NotFound, StaleVersion, and Conflict for what its state does not allow. One that becomes active looks at
    everybody."""
    await _lock(writer)
    known = await achievement(writer, achievement_id)
    check_version(expected, known.version)
    _check_allowed(known, changes)
    await _check_reward(writer, changes.get("reward", {}))
    becomes = State(changes.get("state", known.state))
    criteria = changes.get("criteria", known.criteria)
    if "criteria" in changes or (becomes is State.ACTIVE and known.state is not State.ACTIVE):
        await _check_criteria(writer, achievement_id, criteria, rules)
    kept = {
        **changes,
        "actions": actions(read(criteria)),
        "version": known.version + 1,
        "updated_at": func.now(),
    }
    begins = becomes is State.ACTIVE and known.state is State.DRAFT
    if begins:
        await _check_room(writer)
        kept["activated_at"] = func.now()
    async with refusals():
        await writer.execute(update(AchievementRow).where(AchievementRow.id == achievement_id).values(kept))
    if begins:
        await backfill.begin(writer, achievement_id, dry_run=False)
    return await _keep_version(writer, achievement_id, by)


def _check_allowed(known: Achievement, changes: Mapping[str, Any]) -> None:
    wanted = State(changes.get("state", known.state))
    if wanted is not known.state and wanted not in _MOVES[known.state]:
        raise Conflict("illegal_state", f"From {known.state} it cannot become {wanted}.", field="state")
    if known.state is State.RETIRED:
        raise Conflict("achievement_retired", "A retired achievement stays as it is.")
    fixed = changes.keys() - _WORDS - {"state"}
    if known.state is State.ACTIVE and fixed:
        raise Conflict(
            "achievement_active",
            "What it asks for and gives is fixed since it is active: retire it and make another.",
            field=min(fixed),
        )


async def _check_criteria(writer: Writer, achievement_id: UUID, criteria: Any, rules: Rules) -> None:
    found = parse(criteria, rules)
    await _lock(writer)
    rows = await writer.execute(
        select(AchievementRow.id, AchievementRow.criteria).where(AchievementRow.state != State.RETIRED)
    )
    known = {row.id: dependencies(read(row.criteria)) for row in rows}
    if unknown := dependencies(found) - known.keys() - {achievement_id}:
        raise Invalid(
            "unknown_achievement", f"There is no achievement {min(unknown, key=str)}.", field="criteria"
        )
    check_cycles({**known, achievement_id: dependencies(found)}, achievement_id)


async def _check_reward(writer: Writer, reward: Mapping[str, Any]) -> None:
    """Prizes are never deleted, so one that is there stays."""
    if "prize" in reward and await writer.get(PrizeRow, UUID(reward["prize"])) is None:
        raise Invalid("unknown_prize", "There is no such prize.", field="reward.prize")


async def _check_room(writer: Writer) -> None:
    active = select(func.count()).where(AchievementRow.state == State.ACTIVE)
    if (await writer.scalar(active) or 0) >= ACTIVE_MAX:
        raise Conflict("too_many_active", f"At most {ACTIVE_MAX} achievements are active; retire one.")


async def _lock(writer: Writer) -> None:
    """No two changes at once, or each of them could close the other's circle. Awards are not held up."""
    await writer.execute(text("LOCK TABLE achievements IN SHARE ROW EXCLUSIVE MODE"))


async def _keep_version(writer: Writer, achievement_id: UUID, by: UUID) -> Achievement:
    now = await achievement(writer, achievement_id)
    contents = now.model_dump(mode="json", exclude={"id", "awarded", "created_at", "updated_at"})
    kept = {"achievement_id": achievement_id, "version": now.version, "contents": contents, "by": by}
    await writer.execute(insert(AchievementVersionRow).values(kept))
    return now


def _all() -> Select[Any]:
    awarded = (
        select(func.count())
        .where(AwardRow.achievement_id == AchievementRow.id, AwardRow.state == AwardState.HELD)
        .scalar_subquery()
    )
    return select(*AchievementRow.__table__.columns, awarded.label("awarded"))
