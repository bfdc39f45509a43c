"""The table of a run: what was done, what was broken and for how long, how late promises were, what was proven."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]  # ships no types

from benchmarks.figures import Table, percentile
from tests.chaos.checker.case import Case
from tests.chaos.checker.clocks import STEPS
from tests.chaos.checker.promises import unexplained
from tests.chaos.run import Outcome


def markdown(outcome: Outcome) -> str:
    case = Case(outcome.evidence)
    plan = outcome.plan
    parts = [
        f"`SEED={plan.seed} python -m tests.chaos --tickets {plan.tickets} --faults {plan.faults} "
        f"--length {plan.length:.0f}` at {commit()}: {len(case.tickets)} tickets, {len(case.windows)} faults, "
        f"{outcome.seconds:.0f} s in all. {psutil.cpu_count()} cores, load average {os.getloadavg()[2]:.1f}.",
        _work(case).markdown(),
        _faults(case).markdown(),
        _lateness(case).markdown(),
        _checks(outcome).markdown(),
    ]
    findings = [f"- {check.name}: {line}" for check in outcome.checks for line in check.findings[:20]]
    if findings:
        parts.append("\n".join(["Findings:", "", *findings]))
    parts.append("**Passed.**" if outcome.passed else "**Failed.**")
    return "\n\n".join(parts)


def commit() -> str:
    head = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), capture_output=True, text=True, check=False
    )
    return f"commit {head.stdout.strip()}" if head.stdout else "no commit"


_OF_THEIR_OWN = (
    *("create", "policy", "absence", "merge", "unmerge", "split", "bulk", "cancel", "fact", "claim"),
    *("rate", "campaign", "submit", "vote", "withdraw", "contest create"),
)


def _work(case: Case) -> Table:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for request in case.requests.values():
        its_own = request.what in _OF_THEIR_OWN or "contest" in request.facts
        kind = request.what if its_own else "transition"
        counts[kind][0] += 1
        counts[kind][1] += request.outcome == "accepted"
        counts[kind][2] += request.outcome == "refused"
    return Table(("requests", "asked", "accepted", "refused"), [(name, *row) for name, row in counts.items()])


def _faults(case: Case) -> Table:
    lengths: dict[str, list[float]] = defaultdict(list)
    for window in case.windows:
        lengths[window.name].append((window.recovered - window.struck).total_seconds())
    rows = [(name, len(all_), percentile(all_, 0.5), max(all_)) for name, all_ in sorted(lengths.items())]
    return Table(("fault", "times", "outage p50, s", "outage max, s"), rows)


def _lateness(case: Case) -> Table:
    """Steps by whether something was broken between due and fired."""
    calm, struck, after = list[float](), list[float](), list[float]()
    for ticket in case.tickets:
        for row in case.ledger[ticket]:
            if row["kind"] in STEPS:
                late = (row["fired_at"] - row["due_at"]).total_seconds()
                rest = unexplained(row["due_at"], row["fired_at"], case.outages).total_seconds()
                if abs(late - rest) < 1e-6:
                    calm.append(late)
                else:
                    struck.append(late)
                    after.append(rest)
    rows = [
        _row("steps due and fired while nothing was broken", calm),
        _row("steps that an outage touched", struck),
        _row("the same, without the outage itself", after),
    ]
    return Table(("lateness", "count", "p50, ms", "p99, ms", "max, ms"), rows)


def _row(name: str, seconds: Sequence[float]) -> tuple[object, ...]:
    return (name, len(seconds), *(percentile(seconds, share) * 1000 for share in (0.5, 0.99, 1)))


def _checks(outcome: Outcome) -> Table:
    rows: list[tuple[object, ...]] = []
    for check in outcome.checks:
        notes = ", ".join(f"{value:.0f} {name}" for name, value in check.notes.items())
        rows.append((check.name, check.examined, len(check.findings), notes))
    return Table(("proven", "examined", "findings", ""), rows)
