"""What Temporal is set up with: keys that the server knows, each with its reason, the same in every place."""

import mmap
from pathlib import Path
from typing import Any

import pytest

from runtime.embedded.temporal import _binary
from runtime.temporal import RETENTION
from tests.temporal_config.files import FOLDER, IMAGE, document, toml
from workflows import ticket

PRODUCTION = "dynamicconfig/production.yaml"


def _values(helm_or_file: Any) -> dict[str, Any]:
    return {key: [entry["value"] for entry in entries] for key, entries in helm_or_file.items()}


@pytest.fixture(scope="module")
def server() -> Any:
    """The bytes of the server that is embedded: every name that it knows stands in them."""
    with Path(_binary()).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as bytes_:
        yield bytes_


@pytest.mark.parametrize("key", [*toml("embedded.toml")["dynamic_config"], *document(PRODUCTION)])
def test_the_server_knows_every_key(server: Any, key: str) -> None:
    assert server.find(key.encode()) > 0
    assert server.find(f"{key}z".encode()) < 0, "the check would find anything"


@pytest.mark.parametrize("name", [PRODUCTION, "embedded.toml"])
def test_every_key_has_its_reason(name: str) -> None:
    """A comment stands above each key, or above the pair that it belongs to."""
    lines = (FOLDER / name).read_text().splitlines()
    silent = []
    for number, line in enumerate(lines):
        is_key = line[:1].isalpha() or line[:1] == '"'
        above = lines[number - 1] if number else ""
        if is_key and not (above.startswith("#") or above.strip().startswith("- value") or "=" in above):
            silent.append(line)
    assert not silent


def test_values_are_of_the_form_that_the_server_reads() -> None:
    for key, entries in document(PRODUCTION).items():
        assert isinstance(entries, list), key
        assert all(set(entry) <= {"value", "constraints"} and "value" in entry for entry in entries), key


def test_the_chart_has_the_same_dynamic_configuration() -> None:
    helm = document("helm/temporal.yaml")["server"]["dynamicConfig"]
    assert _values(helm) == _values(document(PRODUCTION))


def test_compose_and_chart_run_the_same_versions() -> None:
    helm, services = document("helm/temporal.yaml"), document("compose/compose.yaml")["services"]
    for part, service in (("server", "temporal"), ("admintools", "temporal-schema"), ("web", "temporal-ui")):
        pinned = helm[part]["image"]
        image = f"{pinned['repository']}:{pinned['tag']}"
        assert IMAGE.fullmatch(image)
        assert services[service]["image"] == image
    assert services["temporal-namespace"]["image"] == services["temporal-schema"]["image"]
    assert (
        services["temporal"]["image"].partition(":")[2]
        == services["temporal-schema"]["image"].partition(":")[2]
    )


def test_a_namespace_is_kept_as_long_everywhere() -> None:
    hours = f"{RETENTION.days * 24}h"
    (namespace,) = document("helm/temporal.yaml")["server"]["config"]["namespaces"]["namespace"]
    (command,) = document("compose/compose.yaml")["services"]["temporal-namespace"]["command"]
    assert namespace == {"name": "duradesk", "retention": hours}
    assert f"--namespace duradesk --retention {hours}" in command


def test_the_shards_are_the_same_everywhere() -> None:
    persistence = document("helm/temporal.yaml")["server"]["config"]["persistence"]
    server = document("compose/compose.yaml")["services"]["temporal"]
    assert server["environment"]["NUM_HISTORY_SHARDS"] == str(persistence["numHistoryShards"])


def test_search_attributes_are_those_that_the_workflows_set() -> None:
    names = toml("search-attributes.toml")["search_attributes"]
    assert set(names) == {key.name for key in (ticket.PHASE, ticket.PRIORITY, ticket.BREACHED)}
    assert list(names.values()).count("Keyword") <= 10, "SQL visibility has room for ten"
