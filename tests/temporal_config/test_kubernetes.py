"""The manifests: valid for Kubernetes, pinned, and in step with the code and with each other."""

import os
import re
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest

from runtime.profile import place_of
from runtime.settings import load_settings
from tests.temporal_config.files import DRAIN, FOLDER, VERSION, manifests, toml, unknown_settings
from workers.deployment import version_of

MANIFESTS: Final = manifests()
OPERATORS: Final = {"PodMonitor"}
"""Kinds that are not of Kubernetes itself."""


def _named(kind: str, name: str) -> Any:
    (one,) = (one for one in MANIFESTS if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return one


def _pods() -> dict[str, Any]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]
        for one in MANIFESTS
        if one["kind"] in ("Deployment", "Job")
    }


def _container(pod: Any) -> Any:
    (container,) = pod["spec"]["containers"]
    return container


@pytest.mark.parametrize("one", MANIFESTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_it_is_valid(one: Any) -> None:
    if one["kind"] in OPERATORS:
        ports = {entry["port"] for entry in one["spec"]["podMetricsEndpoints"]}
        named = {port["name"] for pod in _pods().values() for port in _container(pod).get("ports", ())}
        assert ports == named
    else:
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", sorted(_pods()))
def test_a_pod_is_pinned_and_may_do_nothing_that_it_need_not(name: str) -> None:
    pod = _pods()[name]
    container = _container(pod)
    assert container["image"] == f"registry.example.com/duradesk:{VERSION}"
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert not pod["spec"]["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", sorted(_pods()))
def test_the_settings_start_a_desk(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for known in list(os.environ):
        if known.startswith("DURADESK_"):
            monkeypatch.delenv(known)
    told = dict(_named("ConfigMap", "duradesk")["data"])
    told |= {entry["name"]: entry["value"] for entry in _container(_pods()[name]).get("env", ())}
    assert not unknown_settings(told)
    files = {
        "/etc/duradesk/secrets/database-url": "postgresql://desk:x@postgres:5432/desk",
        "/etc/duradesk/secrets/encryption-keys": "off",
        "/etc/duradesk/secrets/admin-password": "a password of the first",
        "/etc/duradesk/secrets/smtp-url": "smtp://mail.example.com:25",
        "/etc/duradesk/profiles/profiles.toml": _named("ConfigMap", "duradesk-profiles")["data"][
            "profiles.toml"
        ],
    }
    for place, text in files.items():
        (tmp_path / Path(place).name).write_text(text)
    for variable, value in told.items():
        monkeypatch.setenv(variable, str(tmp_path / Path(value).name) if value in files else value)
    settings = load_settings()
    assert not settings.embedded_database
    assert not settings.embedded_temporal
    assert settings.temporal_namespace == "duradesk"
    version = version_of(settings)
    assert version is not None
    assert version.build_id == VERSION, "all parts of one image are of one version"


def test_the_profile_is_the_one_that_is_told_of() -> None:
    text = _named("ConfigMap", "duradesk-profiles")["data"]["profiles.toml"]
    assert re.sub(r"\s+", "", text) in re.sub(r"\s+", "", (FOLDER / "profiles.toml").read_text())
    frontend = place_of(FOLDER / "profiles.toml", "production")["address"]
    assert frontend.startswith(toml("profiles.toml")["profile"]["production"]["tls"]["server_name"])


def test_parts_are_given_the_time_that_they_need_to_stop() -> None:
    for name in ("duradesk-worker-process", "duradesk-worker-delivery"):
        assert _pods()[name]["spec"]["terminationGracePeriodSeconds"] >= DRAIN + 10
    pod = _pods()["duradesk-api"]
    pause = _container(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["spec"]["terminationGracePeriodSeconds"] >= pause + DRAIN + 5


@pytest.mark.parametrize("name", sorted(set(_pods()) - {"duradesk-migrate", "duradesk-promote"}))
def test_a_part_that_serves_has_probes_a_budget_and_a_neighbour(name: str) -> None:
    container = _container(_pods()[name])
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] in ports
        assert asked["path"] in ("/healthz", "/readyz")
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", (
        "a dependency that is away kills nobody"
    )
    budget = _named("PodDisruptionBudget", name)["spec"]
    assert budget["selector"]["matchLabels"]["app"] == name
    assert _named("Deployment", name)["spec"]["replicas"] > budget["maxUnavailable"]


@pytest.mark.parametrize("name", ["duradesk-worker-process", "duradesk-worker-delivery"])
def test_all_workers_of_a_new_version_wait_beside_the_old_ones(name: str) -> None:
    """They are ready when they are current; if old ones went before, nobody would work meanwhile."""
    strategy = _named("Deployment", name)["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"}}
    assert _container(_pods()[name])["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert _container(_pods()["duradesk-promote"])["args"] == ["promote"]


def test_readiness_of_the_api_does_not_hang_on_a_shared_part() -> None:
    container = _container(_pods()["duradesk-api"])
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_names_refer_to_what_there_is() -> None:
    labels = {pod["metadata"]["labels"]["app"] for pod in _pods().values()}
    service = _named("Service", "duradesk-api")
    assert service["spec"]["selector"]["app"] in labels
    (rule,) = _named("Ingress", "duradesk")["spec"]["rules"]
    assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} == {"duradesk-api"}
    assert (
        _named("HorizontalPodAutoscaler", "duradesk-api")["spec"]["scaleTargetRef"]["name"] == "duradesk-api"
    )
