"""Versions of the points rules; the latest holds."""

from uuid import UUID

from sqlalchemy import insert, select

from domain.member.rules import DEFAULT, Rules, RulesContents
from storage.conflicts import check_version
from storage.database import Reader, Writer, table_of
from storage.pipeline import Statement
from storage.tables.member import MemberRulesRow

_RULES = table_of(MemberRulesRow)
LATEST = Statement(select(_RULES.c.version, _RULES.c.contents).order_by(_RULES.c.version.desc()).limit(1))


def rules_of(row: object) -> Rules:
    """From a row of LATEST; without one, what a desk begins with."""
    if row is None:
        return DEFAULT
    return Rules.model_validate({**row.contents, "version": row.version})  # type: ignore[attr-defined]  # a row


async def rules(reader: Reader | Writer) -> Rules:
    statement = select(MemberRulesRow.version, MemberRulesRow.contents)
    row = (await reader.execute(statement.order_by(MemberRulesRow.version.desc()).limit(1))).one_or_none()
    return rules_of(row)


async def change(writer: Writer, contents: RulesContents, by: UUID, expected: int | None) -> Rules:
    """A new version, which facts received from now on are worth. Raises StaleVersion."""
    await writer.execute(select(1).select_from(MemberRulesRow).with_for_update())
    known = await rules(writer)
    check_version(expected, known.version)
    made = Rules.model_validate({**contents.model_dump(), "version": known.version + 1})
    values = {"version": made.version, "contents": contents.model_dump(mode="json"), "created_by": by}
    await writer.execute(insert(MemberRulesRow).values(values))
    return made
