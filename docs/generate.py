"""Writes the parts of the documentation that the code knows best: tables and pictures between two markers.

    <!-- generated: moves -->
    …
    <!-- end -->

`make docs` writes them anew; tests/architecture/test_docs.py fails when one of them is out of date. Everything
between the markers is replaced; everything else is written by hand.
"""

import asyncio
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import typer
from prometheus_client import Counter, Histogram

from api import metrics as api_metrics
from api.app import create_app
from api.desk import Desk
from api.metrics import Families
from cli.main import COMMANDS, build
from domain.account import Role, Scope
from domain.authorization import RULES, Rule
from domain.contest import moves as contest
from domain.contest.fields import Status as ContestStatus
from domain.feedback import moves as feedback
from domain.feedback.fields import Status as FeedbackStatus
from domain.notification.kind import DEFAULT_CHANNELS, URGENT, Channel, Kind
from domain.report.figures import BACKLOG, SLA, STATISTICS, SURVEYS, TICKETS, Figure
from domain.ticket.fields import Status
from domain.ticket.moves import MOVES, Action
from runtime.settings import Settings
from runtime.temporal import connect
from storage.database import Database
from storage.gauges import NONE
from workers import metrics as worker_metrics

ROOT: Final = Path(__file__).parents[1]
_PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# What happens by itself and is therefore in no table of moves (`domain/ticket/process.py`, `actions.route`).
_BY_THEMSELVES: Final = (
    ("[*]", Status.OPEN, "opened"),
    (Status.OPEN, Status.ASSIGNED, "routed"),
    (Status.IN_PROGRESS, Status.ASSIGNED, "routed"),
    (Status.ASSIGNED, Status.OPEN, "absence"),
    (Status.IN_PROGRESS, Status.OPEN, "absence"),
    (Status.RESOLVED, Status.CLOSED, "after 3 days"),
    (Status.CLOSED, "[*]", "after 14 days"),
)


_FEEDBACK_BY_ITSELF: Final = (
    ("[*]", FeedbackStatus.SUBMITTED, "submitted"),
    (FeedbackStatus.TRIAGED, FeedbackStatus.ASSESSED, "the last assessment"),
    (FeedbackStatus.PLANNED, FeedbackStatus.SHIPPED, "released"),
    (FeedbackStatus.IN_PROGRESS, FeedbackStatus.SHIPPED, "released"),
    (FeedbackStatus.SHIPPED, FeedbackStatus.IN_PROGRESS, "no"),
    (FeedbackStatus.VERIFIED, FeedbackStatus.IN_PROGRESS, "no"),
    (FeedbackStatus.VERIFIED, FeedbackStatus.CLOSED, "after 37 days"),
)

_CONTEST_BY_ITSELF: Final = (
    ("[*]", ContestStatus.DRAFT, "created"),
    (ContestStatus.SCHEDULED, ContestStatus.ACTIVE, "opens"),
    (ContestStatus.ACTIVE, ContestStatus.JUDGING, "closes"),
    (ContestStatus.JUDGING, ContestStatus.PROVISIONAL, "every entry is scored, or publish"),
    (ContestStatus.PROVISIONAL, ContestStatus.FINAL, "after 72 hours, and when no appeal is open"),
)


def life() -> str:
    """The states of a ticket and the actions between them. Actions that leave the state are not drawn."""
    return _drawn(MOVES, _BY_THEMSELVES)


def feedback_life() -> str:
    """The same of feedback."""
    return _drawn(feedback.MOVES, _FEEDBACK_BY_ITSELF)


def contest_life() -> str:
    """The same of contests, without the end that each of them can come to."""
    kept = {
        status: {action: to for action, to in moves.items() if action is not contest.Action.CANCEL}
        for status, moves in contest.MOVES.items()
    }
    return _drawn(kept, _CONTEST_BY_ITSELF)


def _drawn(table: Mapping[Any, Mapping[Any, Any]], by_themselves: Iterable[tuple[str, str, str]]) -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for status, moves in table.items():
        for action, to in moves.items():
            if to is not None and to is not status:
                arrows.setdefault((status, to), []).append(action)
    for source, target, cause in by_themselves:
        arrows.setdefault((source, target), []).append(f"({cause})")
    lines = [f"    {source} --> {target}: {', '.join(words)}" for (source, target), words in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def moves() -> str:
    """Actions down, states across: where an action leads; `·` it stays, empty it is refused."""
    return _table_of(Status, Action, MOVES)


def feedback_moves() -> str:
    """The same of feedback."""
    return _table_of(FeedbackStatus, feedback.Action, feedback.MOVES)


def contest_moves() -> str:
    """The same of contests."""
    return _table_of(ContestStatus, contest.Action, contest.MOVES)


def _table_of(
    statuses: Iterable[Any], actions: Iterable[Any], table_: Mapping[Any, Mapping[Any, Any]]
) -> str:
    states = [status for status in statuses if table_[status]]
    rows = []
    for action in actions:
        cells = (table_[status].get(action, "") for status in states)
        rows.append([f"`{action}`", *("·" if cell is None else cell for cell in cells)])
    return table(["action", *states], rows)


def rules() -> str:
    """Who may do what."""
    rows = [[f"`{name}`", _who(rule), _scope(rule)] for name, rule in RULES.items()]
    return table(["action", "who", "scope of a token"], rows)


def _who(rule: Rule) -> str:
    who = [_roles(rule.roles)] if rule.roles else []
    if rule.works:
        who = [f"{who[0]}, if they work on the ticket"]
    if rule.own:
        who.append(f"{_roles(rule.own)} for their own")
    return "; ".join(who)


def _roles(roles: frozenset[Role]) -> str:
    return "everyone" if roles == frozenset(Role) else ", ".join(role for role in Role if role in roles)


def _scope(rule: Rule) -> str:
    return "any" if rule.scope is None else f"`{Scope(rule.scope)}`"


def notices() -> str:
    """The kinds of notifications and where they go unless a person chose otherwise."""
    rows = [
        [
            f"`{kind}`",
            *("yes" if channel in DEFAULT_CHANNELS[kind] else "no" for channel in Channel),
            "yes" if kind in URGENT else "no",
        ]
        for kind in Kind
    ]
    return table(["kind", "in the app", "by mail", "passes quiet hours"], rows)


def routes() -> str:
    """Every route of the OpenAPI document."""
    rows = [
        [method.upper(), f"`{path}`", _sentence(operation)]
        for path, operations in openapi()["paths"].items()
        for method, operation in operations.items()
    ]
    return table(["method", "path", "what it does"], rows)


def _sentence(operation: dict[str, Any]) -> str:
    text = operation.get("description") or f"{operation['summary'].capitalize()}."
    return " ".join(text.split("\n\n")[0].split())


def openapi() -> dict[str, Any]:
    """The document of an API that is connected to nothing."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        database = Database("postgresql://nobody@localhost/nothing")
        temporal = asyncio.run(connect(settings, address="127.0.0.1:1", lazy=True))
        return create_app(Desk(settings=settings, database=database, temporal=temporal)).openapi()


def figures() -> str:
    """Everything of ours at /metrics, as it is called there."""
    rows = [
        [f"`{family.name}`", " ".join(f"`{name}`" for name in family._labelnames), family.documentation]
        for family in Families(replace(NONE, next_due_at=0)).collect()
    ]
    for metric in (*vars(api_metrics).values(), *vars(worker_metrics).values()):
        if isinstance(metric, Counter | Histogram):
            (family,) = metric.describe()
            suffix = "_total" if isinstance(metric, Counter) else ""
            labels = " ".join(f"`{name}`" for name in metric._labelnames)
            rows.append([f"`{family.name}{suffix}`", labels, family.documentation])
    return table(["Name", "Labels", "What it is"], sorted(rows))


def defined(figures: Iterable[Figure]) -> Callable[[], str]:
    """What is counted, with unit and source."""
    rows = [
        [f"`{one.name}`", one.unit, one.definition, ", ".join(f"`{source}`" for source in one.sources)]
        for one in figures
    ]
    return lambda: table(["figure", "unit", "definition", "made of"], rows)


def commands() -> str:
    """Every command with its options."""
    rows = [row for name in COMMANDS for row in _commands(name)]
    return table(["command", "what it does", "options"], rows)


def _commands(name: str) -> Iterator[list[str]]:
    group = typer.main.get_command(build(name))
    assert isinstance(group, typer.core.TyperGroup)
    yield from _described(f"duradesk {name}", group.commands[name])


def _described(path: str, command: Any) -> Iterator[list[str]]:
    """`command` is a command or a group of typer's own copy of click."""
    below: dict[str, Any] = getattr(command, "commands", {})
    for name, one in below.items():
        yield from _described(f"{path} {name}", one)
    if not below:
        arguments = [one.metavar or str(one.name).upper() for one in command.params if _is_argument(one)]
        options = [one.opts[0] for one in command.params if not _is_argument(one) and _is_shown(one)]
        what = (command.help or "").split("\n\n")[0]
        call = " ".join([path, *arguments])
        yield [f"`{call}`", " ".join(what.split()), " ".join(f"`{option}`" for option in options)]


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _is_shown(parameter: Any) -> bool:
    return not getattr(parameter, "hidden", False) and parameter.name != "help"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PARTS: Final[dict[str, Callable[[], str]]] = {
    "life": life,
    "moves": moves,
    "feedback_life": feedback_life,
    "feedback_moves": feedback_moves,
    "contest_life": contest_life,
    "contest_moves": contest_moves,
    "rules": rules,
    "notices": notices,
    "routes": routes,
    "commands": commands,
    "figures": figures,
    "statistics": defined(STATISTICS),
    "report_tickets": defined(TICKETS),
    "report_sla": defined(SLA),
    "report_backlog": defined(BACKLOG),
    "survey_results": defined(SURVEYS),
}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def written(text: str) -> str:
    """`text` with its generated parts as they should be; raises KeyError for a part that nobody generates."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[3]}", text)


def main() -> None:
    for page in pages():
        text = page.read_text()
        if (fresh := written(text)) != text:
            page.write_text(fresh)


if __name__ == "__main__":
    main()
