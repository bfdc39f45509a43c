"""The documentation cannot lie: generated parts are fresh, links lead somewhere, names exist, nothing is missing."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.generate import PARTS, ROOT, pages, written
from domain.contest.fields import ContestRules
from domain.contest.fields import Status as ContestStatus
from domain.contest.moves import Action
from domain.feedback.fields import Kind as FeedbackKind
from domain.feedback.fields import Source
from domain.feedback.fields import Status as FeedbackStatus
from domain.feedback.record import Feedback
from domain.sla.ledger import Entry
from domain.sla.policy import CLOCKS
from domain.ticket.fields import Kind, Status
from domain.ticket.query import FIELDS
from domain.ticket.record import Ticket
from runtime.settings import PREFIX, Settings
from tests.architecture.test_house import FEATURES, LAYERS

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w+")
_SETTING = re.compile(rf"{PREFIX}([A-Z][A-Z_]*)")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.<>*-]+)+/?")
_SOURCES = ("*.py", "*.toml", "*.ini", "*.html", "*.txt", "*.yaml", "*.env")
_FOLDERS = (*LAYERS, "tests", "temporal-config", "benchmarks", "docs")
# What belongs to others: the SDK's own names, the files of SQLite, programs of PostgreSQL, tables of Temporal.
_FOREIGN = {"patched", "wal", "shm", "pg_dump", "pg_restore", "executions_visibility"}


def page_ids() -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages()]


@cache
def prose(page: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", (ROOT / page).read_text())


@cache
def known_words() -> frozenset[str]:
    """Every word of the code, the configuration and the Makefile, without this test and the documentation."""
    files = [path for folder in _FOLDERS for source in _SOURCES for path in (ROOT / folder).rglob(source)]
    files += [ROOT / "Makefile", ROOT / "pyproject.toml"]
    here = Path(__file__)
    words = {word for path in files if path != here for word in _WORD.findall(path.read_text())}
    return frozenset(words | {name.upper() for name in Settings.model_fields})


def names_in(text: str) -> Iterator[str]:
    """What stands between backticks as one name, without the words of a command line."""
    for code in _CODE.findall(text):
        if not re.search(r"[\s/{}?:]", code):
            yield from _WORD.findall(code)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", page_ids())
def test_generated_parts_are_up_to_date(page: str) -> None:
    text = (ROOT / page).read_text()
    assert text == written(text), f"{page} is out of date: run make docs"


def test_every_generated_part_stands_somewhere() -> None:
    texts = "".join(page.read_text() for page in pages())
    assert not [name for name in PARTS if f"<!-- generated: {name} -->" not in texts]


@pytest.mark.parametrize("page", page_ids())
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        headings = _HEADING.findall(target.read_text()) if fragment and target.is_file() else []
        if not target.exists() or (fragment and fragment not in map(anchor, headings)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", page_ids())
def test_paths_of_the_house_exist(page: str) -> None:
    found = {code for code in _CODE.findall(prose(page)) if _PATH.fullmatch(code)}
    ours = {code for code in found if code.partition("/")[0] in _FOLDERS and "<" not in code}
    assert not {code for code in ours if not (ROOT / code).exists() and not (ROOT / f"{code}.py").exists()}


@pytest.mark.parametrize("page", page_ids())
def test_names_exist_in_the_code(page: str) -> None:
    unknown = set(names_in(prose(page))) - known_words() - _FOREIGN
    assert not sorted(name for name in unknown if not name.startswith(PREFIX))


@pytest.mark.parametrize("page", page_ids())
def test_settings_that_are_named_exist(page: str) -> None:
    named = set(_SETTING.findall((ROOT / page).read_text()))
    known = {name.upper() for name in Settings.model_fields}
    assert not {name for name in named if name not in known and name.removesuffix("_FILE") not in known}


def test_every_feature_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    assert not [word for word in FEATURES if f"| {word} |" not in glossary]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("tickets.md", {*Ticket.model_fields, *Status, *Kind}),
        ("sla.md", {*CLOCKS["ticket"], *Entry}),
        (
            "feedback.md",
            {*CLOCKS["feedback"], *FeedbackStatus, *FeedbackKind, *Source, *Feedback.model_fields},
        ),
        ("contests.md", {*ContestStatus, *Action, *ContestRules.model_fields}),
        ("search.md", {*FIELDS, *Status}),
    ],
)
def test_closed_sets_are_told_in_full(page: str, words: set[str]) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert not [word for word in words if not re.search(rf"\b{word}\b", text)]


def test_every_decision_has_its_parts_and_is_listed() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    for page in (ROOT / "docs" / "adr").glob("0*.md"):
        text = page.read_text()
        assert re.search(r"^Status: \w+\nDate: \d{4}-\d\d-\d\d$", text, re.MULTILINE), page.name
        assert _HEADING.findall(text)[1:] == ["Context", "Decision", "Consequences"], page.name
        assert page.name in listed
