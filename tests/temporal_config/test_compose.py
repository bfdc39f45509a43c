"""The compose file and what it mounts: valid, pinned, complete, and its settings start a desk."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from runtime.embedded.postgres import EmbeddedPostgres, _binaries
from runtime.settings import load_settings
from tests.temporal_config.files import DRAIN, FOLDER, IMAGE, ROOT, VERSION, document, unknown_settings

COMPOSE: Final = document("compose/compose.yaml")
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = ("migrate", "api", "worker-process", "worker-delivery")
HERE: Final = FOLDER / "compose"
_VARIABLE: Final = re.compile(r"\$\{(\w+)([:?-][^}]*)?\}")


def _seconds(length: str) -> int:
    return int(length.removesuffix("s"))


def _mounts(service: str) -> dict[str, Path]:
    """Path inside to file here, for what is no volume."""
    found = {}
    for mount in SERVICES[service].get("volumes", ()):
        source, target = mount.split(":")[:2]
        if source.startswith("."):
            found[target] = (HERE / source).resolve()
    return found


def test_it_fits_the_compose_specification() -> None:
    done = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(HERE / "compose.yaml")]
    )
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_images_are_pinned(service: str) -> None:
    image = SERVICES[service]["image"]
    if service in OURS:
        assert image == f"${{DURADESK_IMAGE:-duradesk:{VERSION}}}"
    else:
        assert IMAGE.fullmatch(image)


def test_every_variable_is_in_the_example_and_nothing_else_is() -> None:
    used = {name for name, _ in _VARIABLE.findall((HERE / "compose.yaml").read_text())}
    lines = (HERE / "example.env").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert used == set(example)
    assert not [name for name, value in example.items() if "PASSWORD" in name and value]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_what_it_mounts_and_waits_for_is_there(service: str) -> None:
    told = SERVICES[service]
    assert all(path.exists() for path in _mounts(service).values())
    volumes = {mount.split(":")[0] for mount in told.get("volumes", ()) if not mount.startswith(".")}
    assert volumes <= set(COMPOSE["volumes"])
    assert set(told.get("secrets", ())) <= set(COMPOSE["secrets"])
    assert set(told.get("networks", ())) <= set(COMPOSE["networks"])
    for name, condition in told.get("depends_on", {}).items():
        if condition["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[name]


def test_only_the_proxy_is_reachable() -> None:
    assert [name for name, told in SERVICES.items() if "ports" in told] == ["proxy"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name in OURS if "outside" in SERVICES[name]["networks"]} == {
        "worker-process",
        "worker-delivery",
    }


@pytest.mark.parametrize("service", OURS)
def test_the_settings_start_a_desk(service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("DURADESK_"):
            monkeypatch.delenv(name)
    secrets = {
        "/run/secrets/database_url": "postgresql://desk:x@postgres:5432/desk",
        "/run/secrets/encryption_keys": "off",
        "/run/secrets/admin_password": "a password of the first",
        "/run/secrets/smtp_url": "smtp://mail.example.com:25",
    }
    mounts = {target: str(path) for target, path in _mounts(service).items()}
    for place, text in secrets.items():
        (tmp_path / Path(place).name).write_text(text)
        mounts[place] = str(tmp_path / Path(place).name)
    values = {"DESK_HOST": "desk.example.com", "ADMIN_EMAIL": "a@example.com", "MAIL_FROM": "d@example.com"}
    told = SERVICES[service]["environment"]
    assert not unknown_settings(told)
    for name, value in told.items():
        said = _VARIABLE.sub(lambda found: values.get(found[1], ""), value)
        monkeypatch.setenv(name, mounts.get(said, said))
    settings = load_settings()
    assert not settings.embedded_database
    assert not settings.embedded_temporal
    assert settings.temporal_address == "temporal:7233"
    assert settings.temporal_namespace == "duradesk"
    assert settings.smtp_url
    port = _port(SERVICES[service].get("healthcheck"))
    assert port in (None, settings.port, int(settings.metrics_address.rpartition(":")[2] or 0))


def _port(healthcheck: Any) -> int | None:
    found = re.search(r":(\d+)/healthz", str(healthcheck))
    return int(found[1]) if found else None


def test_parts_are_given_the_time_that_they_need_to_stop() -> None:
    for part in ("api", "worker-process", "worker-delivery"):
        assert DRAIN + 10 <= _seconds(SERVICES[part]["stop_grace_period"]) <= 30


def test_every_queue_has_its_workers() -> None:
    commands = {tuple(SERVICES[name]["command"]) for name in OURS}
    assert commands == {
        ("migrate",),
        ("api",),
        ("worker", "--queue", "process"),
        ("worker", "--queue", "delivery"),
    }


def test_the_proxy_leads_to_what_there_is_and_hides_figures() -> None:
    text = (HERE / "Caddyfile").read_text()
    assert text.count("{") == text.count("}")
    for name, port in re.findall(r"reverse_proxy ([\w-]+):(\d+)", text):
        assert port == {"api": "8000", "temporal-ui": "8080"}[name]
        assert name in SERVICES
    assert "@inside path /metrics /readyz" in text
    assert set(re.findall(r"\{\$(\w+)\}", text)) == set(SERVICES["proxy"]["environment"])


def test_the_image_is_made_of_pinned_parts_and_runs_as_nobody_special() -> None:
    lines = (FOLDER / "Containerfile").read_text().splitlines()
    assert all(IMAGE.fullmatch(line.split()[1]) for line in lines if line.startswith("FROM"))
    assert "USER 10001" in lines
    (copied,) = (line.split()[1:-1] for line in lines if line.startswith("COPY requirements"))
    assert all((ROOT / name).exists() for name in copied)
    assert "--require-hashes" in "".join(lines)
    assert f"--tag duradesk:{VERSION}" in "".join(lines)


def test_a_desk_that_moves_finds_the_postgres_that_it_comes_from() -> None:
    """An older server does not read the dump of a newer one. Images of 18 keep their data beside `data`."""
    said = subprocess.run((_binaries() / "postgres", "--version"), check=True, capture_output=True, text=True)
    ours = re.search(r"(\d+)\.", said.stdout)
    told = SERVICES["postgres"]
    assert ours is not None
    assert told["image"].startswith(f"postgres:{ours[1]}.")
    assert "postgres-data:/var/lib/postgresql" in told["volumes"]


@pytest.fixture
async def psql(postgres_server: EmbeddedPostgres) -> dict[str, str]:
    """The environment in which psql finds a real server."""
    return {
        **os.environ,
        "PATH": f"{_binaries()}:{os.environ['PATH']}",
        "PGHOST": parse_qs(urlsplit(postgres_server.url("postgres")).query)["host"][0],
        "PGDATABASE": "postgres",
        "PGUSER": "postgres",
    }


def test_the_databases_are_made_as_the_schema_and_the_desk_expect_them(psql: dict[str, str]) -> None:
    """The script that the image of PostgreSQL runs, on a real server."""
    passwords = {"TEMPORAL_PASSWORD": "it's", "DESK_PASSWORD": "a password"}
    subprocess.run(("sh", HERE / "databases.sh"), env=psql | passwords, check=True, capture_output=True)
    query = "SELECT datname || ' ' || datdba::regrole FROM pg_database"
    owners = subprocess.run(
        ("psql", "-At", "-c", query), env=psql, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert {"desk desk", "temporal temporal", "temporal_visibility temporal"} <= set(owners)
    server, schema = SERVICES["temporal"]["environment"], (HERE / "schema.sh").read_text()
    assert f"{server['DBNAME']}:temporal {server['VISIBILITY_DBNAME']}:visibility" in schema
    assert server["POSTGRES_USER"] == "temporal"
