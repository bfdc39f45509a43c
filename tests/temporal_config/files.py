"""The files of `temporal-config/`, read as those read them who use them."""

import json
import re
import tomllib
from typing import Any, Final

import yaml

from runtime.settings import PREFIX, SECRETS, Settings
from tests.architecture.test_house import ROOT

FOLDER: Final = ROOT / "temporal-config"
VERSION: Final = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]  # type: ignore[index]
IMAGE: Final = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?")
"""An image with the number of a version, so that what was tried is what runs."""

DRAIN: Final[int] = Settings.model_fields["drain"].default.seconds
"""How long a part takes to stop, at most."""

TEMPORAL_IMAGES: Final = {"temporalio/server", "temporalio/admin-tools", "temporalio/ui"}


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: the second would silently win."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    assert len(keys) == len(set(keys)), f"twice in {node.start_mark}: {keys}"
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def documents(name: str) -> list[Any]:
    """The YAML documents of `temporal-config/<name>`."""
    return list(yaml.load_all((FOLDER / name).read_text(), _Loader))


def document(name: str) -> Any:
    (only,) = documents(name)
    return only


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text())


def dashboards() -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in (FOLDER / "grafana" / "dashboards").iterdir()}


def manifests() -> list[Any]:
    return [
        one
        for path in sorted((FOLDER / "kubernetes").iterdir())
        for one in documents(f"kubernetes/{path.name}")
    ]


def unknown_settings(names: Any) -> set[str]:
    """Those of our names that are no settings."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    return {name for name in names if name.startswith(PREFIX)} - known
