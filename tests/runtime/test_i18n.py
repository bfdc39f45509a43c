"""Every message speaks every language: nothing is missing, nothing is left over, and all places agree."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from domain.text import LOCALES, Locale
from runtime.i18n import SOURCE, catalogue_path, translator

ROOT = Path(__file__).parents[2]
FOLDERS = ("adapters", "api", "runtime", "workers", "cli")
METHODS = [
    ("**.py", "python"),
    ("**.html", "jinja2.ext:babel_extract"),
    ("**.txt", "jinja2.ext:babel_extract"),
]
TRANSLATED = [locale for locale in LOCALES if locale != SOURCE]


def _marked() -> Iterator[str]:
    for folder in FOLDERS:
        found: Any = extract_from_dir(ROOT / folder, METHODS, keywords={"_": None})
        yield from (str(message) for _, _, message, _, _ in found)


def _catalogue(locale: Locale) -> Catalog:
    with catalogue_path(locale).open("rb") as file:
        return read_po(file, abort_invalid=True)


def _places(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_is_translated_and_no_translation_is_left_over(locale: Locale) -> None:
    marked = set(_marked())
    translated = {str(message.id) for message in _catalogue(locale) if message.id and message.string}
    assert len(marked) > 40
    assert marked == translated


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_translation_has_the_places_of_its_message(locale: Locale) -> None:
    for message in _catalogue(locale):
        if message.id:
            assert _places(str(message.id)) == _places(str(message.string)), message.id
            assert not message.fuzzy


def test_the_tree_holds_no_compiled_catalogue() -> None:
    assert not list(ROOT.glob("runtime/locale/**/*.mo"))


def test_places_are_filled_and_braces_in_the_values_stay() -> None:
    say = translator("zh-CN")
    assert say("{tag} Overdue: {subject}", tag="[#7]", subject="{tag} {0}") == "[#7] 已超时：{tag} {0}"
    assert translator("en")("Reason: {reason}", reason="x") == "Reason: x"


def test_an_instant_is_written_for_its_reader() -> None:
    at = datetime(2026, 11, 21, 6, 0, 5, tzinfo=UTC)
    assert "2:00:05" in translator("en").instant(at, "Asia/Shanghai")
    assert "14:00:05" in translator("zh-CN").instant(at, "Asia/Shanghai")
    assert translator("en").number(12345.5) == "12,345.5"
