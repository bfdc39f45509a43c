"""The classifier's rows: labelled tickets to learn from, trained versions, and which of them is in use.

A version and everything about it is kept in the database, the model too: it is small, every machine that needs it can
reach it, and a backup holds it. Bytes that do not have the recorded hash are not handed out.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, and_, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Ref
from domain.classifier.classification import RULES
from domain.classifier.evaluation import Outcome, Practice, Report
from domain.classifier.labels import Labelled
from domain.classifier.text import READ
from domain.classifier.training import (
    KEPT,
    ChoiceRecord,
    Conclusion,
    InForce,
    NewVersion,
    Result,
    TrainingRecord,
    VersionRecord,
)
from domain.errors import Conflict
from domain.ticket.fields import Status
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow, TeamRow
from storage.tables.classifier import ClassifierChoiceRow, ClassifierTrainingRow, ClassifierVersionRow
from storage.tables.ticket import TicketEventRow, TicketRow

NEWEST_FIRST: Final = Order((ClassifierVersionRow.version,), descending=True)
_NEWEST_TICKETS: Final = Order((TicketRow.created_at, TicketRow.id), descending=True)
BY_HAND: Final = "by_hand"
_CHANGES: Final = ("category_changed", "kind_changed", "priority_changed")
_LOCK: Final = text("SELECT pg_advisory_xact_lock(7215002)")


async def categories(reader: Reader) -> frozenset[str]:
    """Those that teams name."""
    return frozenset((await reader.scalars(select(func.unnest(TeamRow.categories)).distinct())).all())


def _by_people(types: Sequence[str]) -> Any:
    return and_(
        TicketEventRow.ticket_id == TicketRow.id,
        TicketEventRow.type.in_(types),
        TicketEventRow.actor_id.is_not(None),
    )


async def labelled(reader: Reader, after: Sequence[Any] | None, size: int) -> list[Labelled]:
    """Tickets that were resolved, or that somebody put right, the newest first."""
    priority = (
        select(TicketEventRow.data["priority"][1].astext)
        .where(_by_people(("priority_changed",)))
        .order_by(TicketEventRow.version.desc(), TicketEventRow.position.desc())
        .limit(1)
        .correlate(TicketRow)
        .scalar_subquery()
    )
    statement = select(
        TicketRow.id,
        TicketRow.created_at,
        TicketRow.subject,
        func.left(TicketRow.description, READ).label("description"),
        TicketRow.category,
        TicketRow.kind,
        TicketRow.requested_priority,
        TicketRow.classification,
        priority.label("priority"),
    ).where(
        or_(
            TicketRow.status.in_((Status.RESOLVED, Status.CLOSED)),
            and_(
                TicketRow.status != Status.MERGED,
                select(TicketEventRow.ticket_id).where(_by_people(_CHANGES)).correlate(TicketRow).exists(),
            ),
        )
    )
    rows = (await reader.execute(page(statement, _NEWEST_TICKETS, after, size - 1))).all()
    return [Labelled.model_validate(row) for row in rows]


async def in_force(reader: Reader | Writer) -> InForce:
    """The last choice; the rule base, if there never was one."""
    statement = select(ClassifierChoiceRow).order_by(ClassifierChoiceRow.number.desc()).limit(1)
    row = (await reader.scalars(statement)).one_or_none()
    if row is None:
        return InForce()
    return InForce(number=row.number, version=row.version, held=row.cause == BY_HAND)


async def model(reader: Reader, version: int) -> bytes | None:
    """The bytes of a version; None if they are not kept, or are not those that were written."""
    statement = select(ClassifierVersionRow.content, ClassifierVersionRow.sha256)
    row = (await reader.execute(statement.where(ClassifierVersionRow.version == version))).one_or_none()
    if row is None or row.content is None or sha256(row.content).hexdigest() != row.sha256:
        return None
    content: bytes = row.content
    return content


async def earlier(reader: Reader, than: InForce, count: int) -> list[int]:
    """The versions that were in use before, the last first."""
    statement = (
        select(ClassifierChoiceRow.version)
        .where(ClassifierChoiceRow.version.not_in((than.version, RULES)))
        .group_by(ClassifierChoiceRow.version)
        .order_by(func.max(ClassifierChoiceRow.number).desc())
        .limit(count)
    )
    return list((await reader.scalars(statement)).all())


async def of_run(reader: Reader, run: str) -> tuple[int, Report, int] | None:
    """The version that a run made, its report, and the choice that it was compared with."""
    statement = select(
        ClassifierVersionRow.version, ClassifierVersionRow.report, ClassifierVersionRow.after_choice
    )
    row = (await reader.execute(statement.where(ClassifierVersionRow.run == run))).one_or_none()
    return None if row is None else (row.version, Report.model_validate(row.report), row.after_choice)


async def last_labels(reader: Reader) -> str | None:
    """The hash of what the newest version was trained on."""
    newest = select(ClassifierVersionRow.labels).order_by(ClassifierVersionRow.version.desc()).limit(1)
    found: str | None = await reader.scalar(newest)
    return found


async def add(writer: Writer, new: NewVersion) -> int:
    """Keeps a version, once for its run, and forgets the models of old ones. Gives its number."""
    values = new.model_dump(mode="json", exclude={"content"}) | {
        "content": new.content,
        "size": len(new.content),
        "sha256": sha256(new.content).hexdigest(),
    }
    await writer.execute(upsert(ClassifierVersionRow).values(values).on_conflict_do_nothing())
    kept = select(ClassifierVersionRow.version).order_by(ClassifierVersionRow.version.desc()).limit(KEPT)
    chosen = select(ClassifierChoiceRow.version).order_by(ClassifierChoiceRow.number.desc()).limit(KEPT)
    await writer.execute(
        update(ClassifierVersionRow)
        .where(
            ClassifierVersionRow.content.is_not(None),
            ClassifierVersionRow.version.not_in(kept),
            ClassifierVersionRow.version.not_in(chosen),
        )
        .values(content=None)
    )
    number = await writer.scalar(
        select(ClassifierVersionRow.version).where(ClassifierVersionRow.run == new.run)
    )
    assert number is not None
    return int(number)


async def conclude(writer: Writer, end: Conclusion) -> Result:
    """Writes what became of a training and puts a version to use, once for its run. If the choice in force is no longer
    the one that the versions were compared under, nothing is put to use: `overtaken`."""
    await writer.execute(_LOCK)
    known = await writer.get(ClassifierTrainingRow, end.run)
    if known is not None:
        return Result(outcome=Outcome(known.outcome), trained=end.trained, version=known.version)
    outcome, version = end.outcome, end.version
    if version is not None and (await in_force(writer)).number != end.after:
        outcome, version = Outcome.OVERTAKEN, None
    if version is not None:
        await writer.execute(insert(ClassifierChoiceRow).values(version=version, cause=outcome))
    await writer.execute(insert(ClassifierTrainingRow).values(run=end.run, outcome=outcome, version=version))
    return Result(outcome=outcome, trained=end.trained, version=version)


async def choose(writer: Writer, version: int | None, person_id: Any) -> None:
    """By hand: a version, or, without one, the one in use before this. Raises Conflict when its model is gone."""
    await writer.execute(_LOCK)
    now = await in_force(writer)
    if version is None:
        version = await _before(writer, now)
    held = select(ClassifierVersionRow.version).where(
        ClassifierVersionRow.version == version, ClassifierVersionRow.content.is_not(None)
    )
    if version != RULES and await writer.scalar(held) is None:
        raise Conflict(
            "version_gone", f"There is no model of version {version} any more, or there never was."
        )
    values = {"version": version, "cause": BY_HAND, "chosen_by": person_id}
    await writer.execute(insert(ClassifierChoiceRow).values(values))


async def _before(writer: Writer, now: InForce) -> int:
    statement = (
        select(ClassifierChoiceRow.version)
        .where(ClassifierChoiceRow.version != now.version)
        .order_by(ClassifierChoiceRow.number.desc())
        .limit(1)
    )
    return await writer.scalar(statement) or RULES


async def last_choice(reader: Reader) -> ChoiceRecord | None:
    statement = (
        select(ClassifierChoiceRow, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == ClassifierChoiceRow.chosen_by)
        .order_by(ClassifierChoiceRow.number.desc())
        .limit(1)
    )
    row = (await reader.execute(statement)).one_or_none()
    if row is None:
        return None
    choice, name = row
    by = Ref.of(choice.chosen_by, name)
    return ChoiceRecord(version=choice.version, at=choice.at, cause=choice.cause, chosen_by=by)


async def last_training(reader: Reader) -> TrainingRecord | None:
    statement = select(ClassifierTrainingRow).order_by(ClassifierTrainingRow.at.desc()).limit(1)
    row = (await reader.scalars(statement)).one_or_none()
    return None if row is None else TrainingRecord.model_validate(row)


def _versions() -> Any:
    columns = [column for column in ClassifierVersionRow.__table__.columns if column.name != "content"]
    return select(*columns, ClassifierVersionRow.content.is_not(None).label("kept"))


def _version(row: Row[Any]) -> VersionRecord:
    report = Report.model_validate(row.report)
    return VersionRecord(
        version=row.version,
        trained_at=row.trained_at,
        tickets=row.tickets,
        held_out=report.held_out,
        right=report.candidate_right,
        compared_with=report.in_use,
        compared_right=report.in_use_right,
        size=row.size,
        kept=row.kept,
        fields=tuple(report.fields),
        practice={field: Practice.model_validate(one) for field, one in row.practice.items()},
    )


async def versions(reader: Reader, *, after: Sequence[Any] | None, size: int) -> list[VersionRecord]:
    rows = (await reader.execute(page(_versions(), NEWEST_FIRST, after, size))).all()
    return [_version(row) for row in rows]


async def version(reader: Reader, number: int) -> VersionRecord | None:
    row = (await reader.execute(_versions().where(ClassifierVersionRow.version == number))).one_or_none()
    return None if row is None else _version(row)
