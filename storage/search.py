"""Words of the full text index, English and Chinese, the same for what is stored and for what is asked.

PostgreSQL stems English and splits at spaces; it cannot split Chinese, so runs of Chinese characters are
segmented here first, into every word that a reader may look for (a long word and the words inside it).
"""

import re
from typing import Final, Literal

import rjieba
from sqlalchemy import ColumnElement, func, literal_column

INDEXED_LIMIT: Final = 120_000
"""Characters of a text that are indexed; a tsvector holds at most one megabyte."""

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def words(text: str) -> str:
    """`text` with Chinese runs split into words; other text is left to PostgreSQL's parser."""
    return _HAN.sub(lambda run: f" {' '.join(rjieba.cut_for_search(run[0]))} ", text[:INDEXED_LIMIT])


def query_words(text: str) -> str:
    return _HAN.sub(lambda run: f" {' '.join(rjieba.cut(run[0]))} ", text[:1000])


def vector(words_of: ColumnElement[str], weight: Literal["A", "B", "C", "D"]) -> ColumnElement[str]:
    """The weighted vector of segmented words; A weighs most, D least."""
    return func.setweight(func.to_tsvector("english", words_of), literal_column(f"'{weight}'"))


def query(text: str) -> ColumnElement[str]:
    """What a person typed: words are all wanted, "phrases" and -exclusions are understood, nothing is an error."""
    return func.websearch_to_tsquery("english", query_words(text))
