"""Versions of the points rules; the latest holds."""

from typing import Final
from uuid import UUID

from sqlalchemy import insert, select, text

from domain.member.rules import DEFAULT, Rules, RulesContents
from storage.conflicts import check_version
from storage.database import Reader, Writer, table_of
from storage.pipeline import Statement
from storage.tables.member import MemberRulesRow

_RULES: Final = table_of(MemberRulesRow)
_LATEST: Final = select(_RULES.c.version, _RULES.c.contents).order_by(_RULES.c.version.desc()).limit(1)
LATEST: Final = Statement(_LATEST)


def rules_of(row: object) -> Rules:
    """From a row of LATEST; without one, what a desk begins with."""
    if row is None:
        return DEFAULT
    return Rules.model_validate({**row.contents, "version": row.version})  # type: ignore[attr-defined]  # a row


async def rules(reader: Reader | Writer) -> Rules:
    return rules_of((await reader.execute(_LATEST)).one_or_none())


async def change(writer: Writer, contents: RulesContents, by: UUID, expected: int | None) -> Rules:
    """A new version, which facts received from now on are worth. Raises StaleVersion."""
    await writer.execute(text("LOCK TABLE member_rules IN SHARE ROW EXCLUSIVE MODE"))
    known = await rules(writer)
    check_version(expected, known.version)
    made = Rules.model_validate({**contents.model_dump(), "version": known.version + 1})
    values = {"version": made.version, "contents": contents.model_dump(mode="json"), "created_by": by}
    await writer.execute(insert(MemberRulesRow).values(values))
    return made
