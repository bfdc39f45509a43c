"""Finds and reads the files of `temporal-config/`: in a checkout beside the folders, in a wheel in `runtime`.

What the values mean is said in the files themselves; who uses them is `runtime.embedded.temporal` and
`runtime.temporal`.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = "temporal-config"


@cache
def config_folder() -> Path:
    """The folder of configuration files; raises FileNotFoundError for a broken installation."""
    here = Path(__file__).resolve().parent
    for folder in (here / _FOLDER, here.parent / _FOLDER):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{_FOLDER}/ is missing: this installation of Duradesk is incomplete")


def read_config(name: str) -> dict[str, Any]:
    """The contents of `temporal-config/<name>.toml`."""
    with (config_folder() / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def search_attributes() -> dict[str, str]:
    """Name to type (`Keyword`, `Bool`) of every search attribute that our workflows set."""
    return dict(read_config("search-attributes")["search_attributes"])


def retention_days() -> int:
    """How long a namespace keeps processes that have ended."""
    return int(read_config("namespaces")["namespace"]["retention_days"])
