"""Words of the full text index, the same for what is stored and for what is asked.

English is stemmed by PostgreSQL. Chinese has no spaces and its words no fixed borders, so a run of n characters
is stored as its n-1 pairs and its last character: every word of two characters is found wherever it stands,
longer ones by their pairs, single ones by the beginning of a pair. What looks like a code (`v2.3.1`, ids,
paths, addresses) is stored whole beside its words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import rjieba
from sqlalchemy import text

from domain.ticket.filter import Term
from storage.database import Reader, Writer, connection_of

INDEXED_LIMIT: Final = 50_000
"""Characters of a text that are indexed."""

DOCUMENT_LIMIT: Final = 900_000
"""Bytes of a ticket's document, beyond which later comments are not indexed; PostgreSQL holds one megabyte."""

CODES_LIMIT: Final = 2_000
_CODE_LENGTH: Final = 100
_HAN_RANGES: Final = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN: Final = re.compile(rf"[{_HAN_RANGES}]+")
_PIECE: Final = re.compile(rf"[{_HAN_RANGES}]+|[^{_HAN_RANGES}]+")
_RUN: Final = re.compile(r"[A-Za-z0-9][\w./:\\@#+~-]*", re.ASCII)
_PARTS: Final = re.compile(r"[/:\\@#]+")
_MARKS: Final = re.compile(r"[./:\\@#+~_-]")
_DIGIT: Final = re.compile(r"\d", re.ASCII)

_STEM: Final = text("""
    SELECT CASE WHEN phrase THEN phraseto_tsquery('english', one) ELSE plainto_tsquery('english', one) END::text
    FROM unnest(CAST(:texts AS text[]), CAST(:phrases AS bool[])) WITH ORDINALITY AS given (one, phrase, place)
    ORDER BY place
""")


def words(content: str) -> str:
    """`content` with its Chinese runs split into pairs; the rest is left to PostgreSQL's parser."""
    return HAN.sub(lambda run: f" {_pairs(run[0], closed=True)} ", content[:INDEXED_LIMIT])


def codes(content: str) -> list[str]:
    """What in `content` is found whole, in lower case, and the parts of paths and addresses."""
    found: dict[str, None] = {}
    for run in _RUN.findall(content[:INDEXED_LIMIT]):
        whole = _trimmed(run)
        if _MARKS.search(whole):
            found[whole] = None
            found.update(dict.fromkeys(_trimmed(part) for part in _PARTS.split(whole)))
            if len(found) > CODES_LIMIT:
                break
    found.pop("", None)
    return list(found)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, as a tsquery: `all` of it, and `wanted`, the part without exclusions.

    Whatever matches `all` matches `wanted`, and only `wanted` can be found in an index; it may be empty.
    `telling` is `wanted` with one pair for each Chinese word: PostgreSQL's statistics take the pairs of a word for
    independent, and would think a frequent word of three characters rare. `nothing`: all of it are words that
    English does not count as words, so no document holds them.
    """

    all: str
    wanted: str
    telling: str
    nothing: bool = False


async def asked(reader: Reader | Writer, terms: Sequence[Term]) -> Asked | None:
    """What `terms` look for; None for no terms. One query, if there is any English in it."""
    if not terms:
        return None
    split = [_phrase(term.text) if term.phrase else _word(term.text) for term in terms]
    english = await _english(reader, [piece for groups in split for group in groups for piece in group])
    given = list(zip(terms, split, strict=True))
    wanted = _conjunction((groups for term, groups in given if not term.negated), english)
    excluded = [_conjunction([groups], english) for term, groups in given if term.negated]
    everything = " & ".join([*filter(None, [wanted]), *(f"!({one})" for one in excluded if one)])
    telling = ([group for group in groups if group[0].telling] for term, groups in given if not term.negated)
    nothing = not everything or (not wanted and not all(term.negated for term in terms))
    return Asked(everything, wanted, _conjunction(telling, english), nothing)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something to look for: `tsquery` as it is, or English words for PostgreSQL to stem."""

    text: str
    kind: Literal["tsquery", "words", "phrase"]
    telling: bool = True


_Groups = list[list[_Piece]]
"""All of the groups, of each at least one piece."""


def _conjunction(terms: Iterable[_Groups], english: dict[_Piece, str]) -> str:
    """All groups of all terms, without the words that are none."""
    either = (
        " | ".join(filter(None, (_tsquery(one, english) for one in group)))
        for groups in terms
        for group in groups
    )
    return " & ".join(f"({group})" for group in either if group)


def _tsquery(piece: _Piece, english: dict[_Piece, str]) -> str:
    return piece.text if piece.kind == "tsquery" else english[piece]


async def _english(reader: Reader | Writer, pieces: Sequence[_Piece]) -> dict[_Piece, str]:
    own = [piece for piece in dict.fromkeys(pieces) if piece.kind != "tsquery"]
    if not own:
        return {}
    connection = await connection_of(reader)
    given = {"texts": [piece.text for piece in own], "phrases": [piece.kind == "phrase" for piece in own]}
    rows = (await connection.execute(_STEM, given)).scalars()
    return dict(zip(own, rows, strict=True))


def _phrase(text: str) -> _Groups:
    """The words in this order; a Chinese run at the end may go on in the document."""
    if code := _whole_code(text):
        return [[_lexeme(code)]]
    split = HAN.sub(lambda run: f" {_pairs(run[0], closed=run.end() < len(text.rstrip()))} ", text)
    return [[_Piece(split, "phrase")]]


def _word(text: str) -> _Groups:
    """One word as it was typed, which may hold Chinese and other words together."""
    groups: _Groups = []
    for piece in _PIECE.findall(text):
        if HAN.match(piece):
            groups += [[pair] for pair in _chinese(piece)]
        else:
            groups.append(_plain(piece))
    return groups


def _chinese(run: str) -> list[_Piece]:
    """The pairs of all words of the run, of which the last tells most; words of one character count only if there
    are no others."""
    known = [word for word in rjieba.cut(run) if len(word) > 1]
    if not known:
        return [_Piece(f"'{run}':*", "tsquery")]  # a pair begins with it, or a run ends
    pairs: dict[str, bool] = {}
    for word in known:
        for at in range(len(word) - 1):
            pair = word[at : at + 2]
            pairs[pair] = pairs.get(pair, False) or at == len(word) - 2
    return [_Piece(f"'{pair}'", "tsquery", telling) for pair, telling in pairs.items()]


def _plain(text: str) -> list[_Piece]:
    """A code with digits is found whole or not at all; `well-known` also by its words."""
    code = _whole_code(text)
    if not code:
        return [_Piece(text, "words")]
    return [_lexeme(code)] if _DIGIT.search(code) else [_lexeme(code), _Piece(text, "words")]


def _whole_code(text: str) -> str:
    """`text` as the code that it is, or nothing."""
    bare = text.strip().lstrip("([{<'/#.~\\").rstrip("'>}]),;.!?")
    code = _trimmed(bare) if _RUN.fullmatch(bare) else ""
    return code if _MARKS.search(code) else ""


def _lexeme(code: str) -> _Piece:
    quoted = code.replace("\\", "\\\\").replace("'", "''")
    return _Piece(f"'{quoted}'", "tsquery")


def _pairs(run: str, *, closed: bool) -> str:
    """`闭` of `关闭` is needed to find the run by its last character, not to look for the run."""
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return " ".join([*pairs, run[-1]] if closed or not pairs else pairs)


def _trimmed(run: str) -> str:
    return run.strip("./:\\@#+~_-").lower()[:_CODE_LENGTH]
