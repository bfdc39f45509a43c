"""Every file of `temporal-config/` has somebody who judges it: a new one needs a line here and a test."""

import subprocess

import pytest

from tests.temporal_config.files import FOLDER, dashboards, documents, toml

JUDGED = {
    "embedded.toml": "test_temporal",
    "namespaces.toml": "test_temporal",
    "search-attributes.toml": "test_temporal",
    "profiles.toml": "tests/runtime/test_profile",
    "dynamicconfig/production.yaml": "test_temporal",
    "helm/temporal.yaml": "test_temporal",
    "Containerfile": "test_compose",
    "compose/compose.yaml": "test_compose",
    "compose/example.env": "test_compose",
    "compose/databases.sh": "test_compose",
    "compose/schema.sh": "test_compose",
    "compose/Caddyfile": "test_compose",
    "kubernetes/config.yaml": "test_kubernetes",
    "kubernetes/migrate.yaml": "test_kubernetes",
    "kubernetes/promote.yaml": "test_kubernetes",
    "kubernetes/api.yaml": "test_kubernetes",
    "kubernetes/worker-process.yaml": "test_kubernetes",
    "kubernetes/worker-delivery.yaml": "test_kubernetes",
    "kubernetes/monitoring.yaml": "test_kubernetes",
    "prometheus/prometheus.yaml": "test_watching",
    "prometheus/rules.yaml": "test_watching",
    "grafana/dashboards/duradesk.json": "test_watching",
    "grafana/dashboards/temporal.json": "test_watching",
    "grafana/provisioning/datasources/prometheus.yaml": "test_watching",
    "grafana/provisioning/dashboards/duradesk.yaml": "test_watching",
}


def test_every_file_is_judged_by_a_test() -> None:
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert found == set(JUDGED)


@pytest.mark.parametrize("name", sorted(JUDGED))
def test_it_can_be_read(name: str) -> None:
    if name.endswith(".yaml"):
        assert all(documents(name))
    elif name.endswith(".toml"):
        assert toml(name)
    elif name.endswith(".json"):
        assert dashboards()[name.rpartition("/")[2]]
    elif name.endswith(".sh"):
        subprocess.run(("sh", "-n", FOLDER / name), check=True)
    else:
        assert (FOLDER / name).read_text().strip()


@pytest.mark.parametrize("name", sorted(name for name in JUDGED if not name.endswith(".json")))
def test_it_says_what_it_is_for(name: str) -> None:
    lines = (FOLDER / name).read_text().splitlines()
    assert any(line.startswith("# ") for line in lines[:2]) or name.startswith("grafana/")
