"""The words of an item, as the full text index of tickets has them: see `storage/search.py`."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, func, literal, literal_column
from sqlalchemy.dialects.postgresql import ARRAY

from storage import search

_ENGLISH: Final[ColumnElement[Any]] = literal_column("'english'")


def document(title: str, body: str) -> Any:
    """The search document, as an expression; words of the title weigh more."""
    codes = list(dict.fromkeys([*search.codes(title), *search.codes(body)]))[: search.CODES_LIMIT]
    heavy = func.setweight(func.to_tsvector(_ENGLISH, search.words(title)), literal_column("'A'"))
    light = func.setweight(func.to_tsvector(_ENGLISH, search.words(body)), literal_column("'C'"))
    return heavy.concat(light).concat(func.array_to_tsvector(literal(codes, ARRAY(Text))))
