"""Where the words that were looked for stand in what was found: plain fragments with the places of the marks.

A place is counted in characters, and nothing is escaped or tagged here, so whoever shows a fragment decides how.
Only the tickets of one page are looked at, and of long texts the beginning.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import rjieba
from sqlalchemy import text

from domain.ticket.filter import Term
from domain.ticket.record import Highlight, Ticket
from storage.database import Reader, connection_of
from storage.search import HAN

FRAGMENT: Final = 240
"""Characters of a fragment, about; a subject is given whole."""

_BEFORE: Final = 60
_LOOKED_AT: Final = 20_000
_MARKS: Final = 20
_TOKEN: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_LIKE: Final = re.compile(r"([%_\\])")
_ESCAPED: Final = r"\\\1"
_STEMS: Final = text(
    "SELECT word, coalesce((ts_lexize('english_stem', word))[1], word) FROM unnest(CAST(:words AS text[])) AS word"
)
_COMMENTS: Final = text("""
    SELECT found.* FROM unnest(CAST(:tickets AS uuid[]), CAST(:internal AS bool[])) AS wanted (id, internal)
    CROSS JOIN LATERAL (
        SELECT recent.id, ticket_id, body FROM (
            SELECT id, ticket_id, at, left(body, :looked_at) AS body FROM ticket_comments
            WHERE ticket_id = wanted.id AND (wanted.internal OR visibility = 'public')
            ORDER BY at DESC LIMIT 200
        ) AS recent
        WHERE body ILIKE ANY (CAST(:patterns AS text[])) ORDER BY at DESC LIMIT 2
    ) AS found
""")


@dataclass(frozen=True, slots=True)
class _Needles:
    """What to mark: `whole` as it is, inside of any text; `stems` where a word has one of them."""

    whole: re.Pattern[str] | None
    stems: frozenset[str]
    stem_of: dict[str, str]


async def highlights(
    reader: Reader, found: Sequence[Ticket], terms: Iterable[Term], internal: Iterable[UUID]
) -> dict[UUID, tuple[Highlight, ...]]:
    """Fragments of each ticket, at most four; internal comments only of the tickets in `internal`."""
    wanted = [term for term in terms if not term.negated]
    whole = sorted({one for term in wanted for one in _verbatim(term)}, key=len, reverse=True)
    words = {token.lower() for term in wanted for token in _TOKEN.findall(HAN.sub(" ", term.text))}
    stems = await _stems(reader, words)
    comments = await _comments(reader, found, whole, stems.values(), frozenset(internal))
    texts = [text for one in found for text in (one.subject, one.description[:_LOOKED_AT])]
    starts = tuple({stem[:3] for stem in stems.values()})
    tokens = {
        token.lower()
        for text in [*texts, *(body for _, _, body in comments)]
        for token in _TOKEN.findall(text)
    }
    near = {token for token in tokens if token.startswith(starts)} if starts else set()
    pattern = re.compile("|".join(map(re.escape, whole)), re.IGNORECASE) if whole else None
    needles = _Needles(pattern, frozenset(stems.values()), await _stems(reader, near))
    return {
        one.id: tuple(_of_ticket(one, [row for row in comments if row[0] == one.id], needles))
        for one in found
    }


def _of_ticket(
    ticket: Ticket, comments: Sequence[tuple[UUID, UUID, str]], needles: _Needles
) -> Iterable[Highlight]:
    if marks := _marks(ticket.subject, needles):
        yield Highlight(field="subject", comment=None, text=ticket.subject, marks=tuple(marks))
    for comment, body in [(None, ticket.description), *((row[1], row[2]) for row in comments)]:
        looked = body[:_LOOKED_AT]
        if marks := _marks(looked, needles):
            fragment, kept = _fragment(looked, marks)
            field = "description" if comment is None else "comment"
            yield Highlight(field=field, comment=comment, text=fragment, marks=tuple(kept))


def _marks(text: str, needles: _Needles) -> list[tuple[int, int]]:
    """The places to mark, in order, none inside another."""
    found = [one.span() for one in needles.whole.finditer(text)] if needles.whole else []
    found += [
        one.span() for one in _TOKEN.finditer(text) if needles.stem_of.get(one[0].lower()) in needles.stems
    ]
    places: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if not places or start >= places[-1][1]:
            places.append((start, end))
    return places[:_MARKS]


def _fragment(text: str, marks: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """What stands around the first mark, and the marks in it."""
    start = max(0, marks[0][0] - _BEFORE)
    if start and (space := text.find(" ", start, marks[0][0])) > 0:
        start = space + 1
    end = start + FRAGMENT
    kept = [(first - start, last - start) for first, last in marks if last <= end]
    return text[start:end], kept


def _verbatim(term: Term) -> list[str]:
    """What is marked wherever it stands: Chinese words, and codes, which have no stem."""
    runs = HAN.findall(term.text)
    words = runs if term.phrase else [word for run in runs for word in (_long(run) or [run])]
    rest = HAN.sub(" ", term.text).strip()
    code = [rest.strip("()#.,;:!?'")] if not term.phrase and re.search(r"[\w][./:\\@#+_-][\w]", rest) else []
    return [one for one in [*words, *code] if one]


def _long(run: str) -> list[str]:
    return [word for word in rjieba.cut(run) if len(word) > 1]


async def _stems(reader: Reader, words: Iterable[str]) -> dict[str, str]:
    given = sorted(words)
    if not given:
        return {}
    connection = await connection_of(reader)
    return {row[0]: row[1] for row in await connection.execute(_STEMS, {"words": given})}


async def _comments(
    reader: Reader,
    found: Sequence[Ticket],
    whole: Sequence[str],
    stems: Iterable[str],
    internal: frozenset[UUID],
) -> list[tuple[UUID, UUID, str]]:
    """Up to two comments of each ticket that may hold something to mark: ticket, comment, text."""
    # A stem is not always how its words begin: happi, happy.
    needles = [*whole, *(stem[:-1] if len(stem) > 4 else stem for stem in stems)]
    patterns = [f"%{_LIKE.sub(_ESCAPED, one)}%" for one in needles]
    if not patterns or not found:
        return []
    given = {
        "tickets": [one.id for one in found],
        "internal": [one.id in internal for one in found],
        "patterns": patterns,
        "looked_at": _LOOKED_AT,
    }
    connection = await connection_of(reader)
    rows = (await connection.execute(_COMMENTS, given)).all()
    return [(row.ticket_id, row.id, row.body) for row in rows]
