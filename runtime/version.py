"""The version of this program, as the package's metadata tells it (it is written once, in CHANGELOG.md)."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def desk_version() -> str:
    """`0.1.0`; `0+unknown` when the folders run without having been installed."""
    try:
        return version("duradesk")
    except PackageNotFoundError:
        return "0+unknown"
