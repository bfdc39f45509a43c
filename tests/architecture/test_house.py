"""The house keeps its order: names, sizes, and no collision with anybody else's packages."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LAYERS: Final = (
    "domain",
    "workflows",
    "activities",
    "storage",
    "adapters",
    "runtime",
    "api",
    "workers",
    "cli",
)

FEATURES: Final = {
    "account",
    "achievement",
    "assignment",
    "attachment",
    "bulk",
    "calendar",
    "classifier",
    "contest",
    "feedback",
    "field",
    "housekeeping",
    "macro",
    "member",
    "notification",
    "reconciliation",
    "report",
    "sla",
    "survey",
    "ticket",
    "view",
}
"""One word per feature, the same in every layer."""

SHARED: Final = {
    "domain": {
        "authorization",
        "draft",
        "duration",
        "errors",
        "hours",
        "ids",
        "link",
        "process",
        "queues",
        "repetition",
        "sheet",
        "text",
    },
    "workflows": {"durable", "process"},
    "activities": {"committing", "failure", "reconsider"},
    "storage": {
        "checkup",
        "conflicts",
        "database",
        "dump",
        "gauges",
        "link",
        "migrate",
        "migrations",
        "outbox",
        "page",
        "pipeline",
        "search",
        "sharing",
        "tables",
    },
    "adapters": {"holidays", "ics", "mail", "objects", "page", "smtp", "templates"},
    "runtime": {
        "address",
        "archive",
        "codec",
        "config",
        "embedded",
        "home",
        "i18n",
        "interceptor",
        "keys",
        "locale",
        "logging",
        "metrics",
        "origin",
        "passwords",
        "profile",
        "private",
        "redaction",
        "settings",
        "supervisor",
        "temporal",
        "tracing",
        "version",
    },
    "api": {
        "app",
        "codec",
        "dependencies",
        "desk",
        "errors",
        "forms",
        "guesser",
        "health",
        "leaving",
        "link",
        "metrics",
        "middleware",
        "page",
        "reference",
        "sheet",
        "stream",
        "temporal",
        "throttle",
    },
    "workers": {
        "deployment",
        "handlers",
        "health",
        "main",
        "metrics",
        "registry",
        "relay",
        "runner",
        "schedules",
    },
}
"""The short list of each layer beside the features. `cli` is named after commands."""

FILE_LIMIT: Final = 400
FUNCTION_LIMIT: Final = 60
BARE_NAMES: Final = {"utils", "helpers", "common", "manager", "misc"}


def modules(layer: str) -> list[Path]:
    """Without what benchmarks leave in their hidden folder."""
    found = (path for path in (ROOT / layer).rglob("*.py") if "versions" not in path.parts)
    return [path for path in found if ".run" not in path.parts]


def everything() -> list[Path]:
    folders = (*LAYERS, "tests", "benchmarks")
    return [path for folder in folders for path in modules(folder)]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "cli"])
def test_every_module_of_a_layer_is_a_feature_or_on_its_short_list(layer: str) -> None:
    found = {path.stem for path in (ROOT / layer).iterdir() if path.suffix == ".py" or path.is_dir()}
    unknown = found - {"__init__", "__pycache__"} - FEATURES - SHARED[layer]
    assert not unknown, f"{layer}: {sorted(unknown)} is neither a feature nor on the layer's short list"


def test_the_short_lists_name_only_what_is_there() -> None:
    for layer, names in SHARED.items():
        there = {path.stem for path in (ROOT / layer).iterdir()}
        assert names <= there, f"{layer}: {sorted(names - there)} is gone; strike it off"


def test_nothing_is_called_by_a_word_that_says_nothing() -> None:
    assert not [str(path) for path in everything() if path.stem in BARE_NAMES]


def test_a_row_is_called_so() -> None:
    classes = {
        node.name
        for path in (ROOT / "storage" / "tables").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    assert len(classes) > 20
    assert not {name for name in classes if not name.endswith("Row")}


def test_no_file_is_a_tower() -> None:
    towers = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in everything()}
    assert not {path: lines for path, lines in towers.items() if lines > FILE_LIMIT}


def test_no_function_is_too_long_to_read_at_once() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{name} has {lines} lines"
        for path in everything()
        for name, lines in functions(path)
        if lines > FUNCTION_LIMIT
    ]
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for layer in LAYERS
        for path in modules(layer)
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert not silent


def test_our_packages_collide_with_nobody() -> None:
    assert not set(LAYERS) & set(sys.stdlib_module_names)
    for distribution in distributions():
        if distribution.metadata["Name"] != "duradesk":
            top = {file.parts[0] for file in distribution.files or () if file.suffix == ".py"}
            assert not top & set(LAYERS), distribution.metadata["Name"]
