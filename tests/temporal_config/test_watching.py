"""Alerts and dashboards ask for what there is: every query parses, and every metric and label in it stands in a
scrape of a running desk."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest

from storage.database import Database
from tests.temporal_config.files import FOLDER, dashboards, document
from tests.temporal_config.scrape import scrape

RULES: Final = [rule for group in document("prometheus/rules.yaml")["groups"] for rule in group["rules"]]
PANELS: Final = {
    f"{name}: {panel['title']}": panel
    for name, board in dashboards().items()
    for panel in board["panels"]
    if panel["type"] != "row"
}
_PROMETHEUS: Final = {"job", "instance", "le"}
"""Labels that are added by who asks, or that only the parts of a histogram have."""


def queries() -> dict[str, str]:
    found = {rule["alert"]: rule["expr"] for rule in RULES}
    for title, panel in PANELS.items():
        for target in panel["targets"]:
            found[f"{title} {target['refId']}"] = target["expr"].replace("$__rate_interval", "5m")
    return found


def _selectors(expression: Any) -> Iterator[Any]:
    """Every selector of a query, and every grouping as a pair of its labels and what it groups."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield expression.vector_selector
    for name in ("lhs", "rhs", "expr"):
        inner = getattr(expression, name, None)
        if inner is not None:
            yield from _selectors(inner)
    for argument in getattr(expression, "args", ()) or ():
        yield from _selectors(argument)


def _groupings(expression: Any) -> Iterator[tuple[list[str], Any]]:
    if isinstance(expression, promql_parser.AggregateExpr) and expression.modifier is not None:
        yield expression.modifier.labels, expression.expr
    for name in ("lhs", "rhs", "expr"):
        inner = getattr(expression, name, None)
        if inner is not None:
            yield from _groupings(inner)
    for argument in getattr(expression, "args", ()) or ():
        yield from _groupings(argument)


async def test_a_running_desk_shows_what_the_queries_ask_for(database: Database, tmp_path: Path) -> None:
    known = await scrape(database, tmp_path)
    asked: dict[str, set[str]] = {}
    for query in queries().values():
        tree = promql_parser.parse(query)
        for selector in _selectors(tree):
            asked.setdefault(selector.name, set()).update(
                matcher.name for matcher in selector.matchers.matchers
            )
        for labels, inner in _groupings(tree):
            for selector in _selectors(inner):
                asked.setdefault(selector.name, set()).update(labels)
    missing = set(asked) - set(known)
    assert not missing, "no such metric"
    wrong = {name: labels - known[name] - _PROMETHEUS for name, labels in asked.items()}
    assert not {name: labels for name, labels in wrong.items() if labels}, "no such label"


@pytest.mark.parametrize("name", sorted(queries()))
def test_every_query_parses(name: str) -> None:
    assert list(_selectors(promql_parser.parse(queries()[name])))


def test_a_wrong_query_would_be_noticed() -> None:
    with pytest.raises(ValueError, match="invalid promql"):
        promql_parser.parse("sum by (le) rate(x[5m])")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(rule: Any) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert set(rule["annotations"]) == {"summary", "action"}
    grouped = {label for labels, _ in _groupings(promql_parser.parse(rule["expr"])) for label in labels}
    told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert told <= grouped, "the query does not keep that label"


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_a_dashboard_can_be_shown(name: str) -> None:
    board = dashboards()[name]
    assert {"uid", "title", "schemaVersion", "panels", "templating"} <= set(board)
    (variable,) = board["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_dashboards_have_addresses_of_their_own() -> None:
    assert len({board["uid"] for board in dashboards().values()}) == len(dashboards())


@pytest.mark.parametrize(
    "wanted",
    [
        "next",
        "lateness",
        "overdue",
        "dead letters",
        "waiting",
        "pollers",
        "schedule to start",
        "non-determinism",
    ],
)
def test_what_matters_has_its_panel(wanted: str) -> None:
    assert [title for title in PANELS if wanted in title.lower()]


def test_prometheus_and_grafana_of_the_compose_file_find_each_other() -> None:
    services = document("compose/compose.yaml")["services"]
    prometheus = document("prometheus/prometheus.yaml")
    for job in prometheus["scrape_configs"]:
        for found in job.get("dns_sd_configs", ()):
            assert set(found["names"]) <= set(services)
        for static in job.get("static_configs", ()):
            assert {target.partition(":")[0] for target in static["targets"]} <= set(services)
    mounts = dict(mount.split(":")[:2] for mount in services["prometheus"]["volumes"])
    assert mounts["../prometheus"] == "/etc/prometheus"
    assert [Path(path).name for path in prometheus["rule_files"]] == ["rules.yaml"]
    (source,) = document("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = document("grafana/provisioning/dashboards/duradesk.yaml")["providers"]
    mounts = dict(mount.split(":")[:2] for mount in services["grafana"]["volumes"])
    assert mounts["../grafana/dashboards"] == provider["options"]["path"]
    assert (FOLDER / "grafana" / "dashboards").is_dir()
