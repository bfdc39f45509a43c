"""The figures of reports in plain Python, from what `recount` counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from statistics import fmean
from typing import Any, Final

from domain.report.asked import PARTS, Asked, Bucket, Span
from domain.report.figures import GROUPS
from domain.ticket.fields import ACTIVE
from storage.report.lines import Report
from tests.storage.recount import Counted, Milestone, Promise, Was

Figures = dict[str, Any]
UNRATED: Final = {"rated": 0, "satisfied": 0}
"""Of tickets whose requesters answered no survey; what they answer is counted in `test_survey.py`."""

Said = tuple[Any, ...]
"""The values of the groups of a row: names of parts, ids, words."""


def said(report: Report) -> dict[Said, Figures]:
    return {tuple(_plain(value) for value in line.groups.values()): line.figures for line in report.lines}


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, Bucket) else getattr(value, "id", value)


def times(seconds: Iterable[float]) -> Figures:
    ordered = sorted(seconds)
    if not ordered:
        return {"mean": None, "p50": None, "p90": None}
    return {"mean": fmean(ordered), "p50": _percentile(ordered, 0.5), "p90": _percentile(ordered, 0.9)}


def _percentile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _now(ticket: Any) -> Was:
    return Was(
        ticket.priority,
        ticket.category,
        ticket.kind,
        ticket.channel,
        ticket.team_id,
        ticket.assignee_id,
        ticket.organization_id,
    )


def _value(one: Any, was: Was, name: str) -> Any:
    match name:
        case "team" | "agent" | "organization":
            return getattr(was, f"{name}_id")
        case "clock":
            return one.clock
        case _:
            return getattr(was, name)


def _holds(one: Any, was: Was, asked: Asked) -> bool:
    return all(_value(one, was, name) in values for name, values in asked.only.items())


def _said(asked: Asked, one: Any, was: Was, at: datetime) -> Said:
    return tuple(
        next(part.name for part in asked.buckets if part.start <= at < part.end)
        if name in PARTS
        else _value(one, was, name)
        for name in asked.groups
    )


class Reference:
    """What the reports should say; `now` is when they are asked for."""

    def __init__(self, counted: Counted, now: datetime) -> None:
        self.counted = counted
        self.now = now

    def tickets(self, asked: Asked) -> tuple[dict[Said, Figures], Figures]:
        facts = [
            *((one, _now(one), one.created_at) for one in self.counted.tickets),
            *((one, one.was, one.at) for one in self.counted.milestones),
            *((one, one.was, one.decided_at) for one in self.counted.promises),
        ]
        groups = self._grouped(asked, facts)
        keys = set(groups) | {
            self._with_part(asked, one, was, part)
            for part in self._parts(asked)
            for one, was in self._open(asked, min(part.end, self.now))
            if part.start < self.now
        }
        rows = {
            key: {**_happened(groups.get(key, [])), "backlog": self._left(asked, key)}
            for key in self._dense(asked, keys)
        }
        everything = [fact for group in groups.values() for fact in group]
        left = None
        if asked.span.start < self.now:
            left = len(list(self._open(asked, min(asked.span.end, self.now))))
        return rows, {**_happened(everything), "backlog": left}

    def sla(self, asked: Asked) -> tuple[dict[Said, Figures], Figures]:
        groups = self._grouped(asked, [(one, one.was, one.decided_at) for one in self.counted.promises])
        rows = {key: _kept(groups.get(key, [])) for key in self._dense(asked, set(groups))}
        return rows, _kept([fact for group in groups.values() for fact in group])

    def backlog(self, asked: Asked, at: datetime) -> tuple[dict[Said, Figures], Figures]:
        groups: dict[Said, list[Any]] = {} if asked.groups else {(): []}
        for one, was in self._open(asked, at):
            groups.setdefault(tuple(_value(one, was, name) for name in asked.groups), []).append(one)
        rows = {key: _aged(group, at) for key, group in groups.items()}
        return rows, _aged([one for group in groups.values() for one in group], at)

    def statistics(self) -> Figures:
        """Of all tickets."""
        tickets = self.counted.tickets
        done = [one for one in tickets if one.first_contact is not None]
        contact = sum(one.first_contact for one in done)
        reopened = sum(one.reopen_count > 0 for one in tickets)
        ever = sum(one.resolved_at is not None or one.reopen_count > 0 for one in tickets)
        broken = [one.outcome == "broken" for one in self.counted.promises]
        open_ones = [one for one in tickets if one.status in ACTIVE]
        return {
            "total_tickets": len(tickets),
            **{name: _counts(getattr(one, name.removeprefix("by_")) for one in tickets) for name in GROUPS},
            "assigned_tickets": sum(one.assignee_id is not None for one in tickets),
            "waiting_for_agent": sum(one.waiting_reason is not None for one in tickets),
            "first_response_time": _until(tickets, "first_responded_at"),
            "first_response_working_time": _present(one.response_working for one in tickets),
            "resolution_time": _until(tickets, "resolved_at"),
            "resolution_working_time": _present(one.resolution_working for one in tickets),
            "first_contact": contact,
            "first_contact_rate": rate(contact, len(done)),
            "reopened_tickets": reopened,
            "reopen_rate": rate(reopened, ever),
            "promises_kept": len(broken) - sum(broken),
            "promises_broken": sum(broken),
            "sla_met_rate": rate(len(broken) - sum(broken), len(broken)),
            **UNRATED,
            "satisfaction_rate": None,
            "satisfaction": None,
            "backlog": len(open_ones),
            "backlog_age": times((self.now - one.created_at).total_seconds() for one in open_ones),
        }

    def _grouped(self, asked: Asked, facts: Iterable[tuple[Any, Was, datetime]]) -> dict[Said, list[Any]]:
        groups: dict[Said, list[Any]] = {} if asked.groups else {(): []}
        for one, was, at in facts:
            if asked.span.start <= at < asked.span.end and _holds(one, was, asked):
                groups.setdefault(_said(asked, one, was, at), []).append(one)
        return groups

    def _open(self, asked: Asked, at: datetime) -> Iterable[tuple[Any, Was]]:
        """What was open at an instant: a stretch of a ticket, or the ticket itself."""
        for one in self.counted.milestones:
            if one.opened_at is not None and one.opened_at < at <= one.at and _holds(one, one.was, asked):
                yield one, one.was
        for ticket in self.counted.tickets:
            own = [one.reopened_at for one in self.counted.milestones if one.ticket_id == ticket.id]
            opened_at = max((one for one in own if one is not None), default=ticket.created_at)
            if ticket.status in ACTIVE and opened_at < at and _holds(ticket, _now(ticket), asked):
                yield ticket, _now(ticket)

    def _parts(self, asked: Asked) -> Sequence[Bucket | Span]:
        return asked.buckets if any(name in PARTS for name in asked.groups) else [asked.span]

    def _with_part(self, asked: Asked, one: Any, was: Was, part: Any) -> Said:
        return tuple(part.name if name in PARTS else _value(one, was, name) for name in asked.groups)

    def _left(self, asked: Asked, key: Said) -> int | None:
        part: Any = asked.span
        for name, value in zip(asked.groups, key, strict=True):
            if name in PARTS:
                part = next(one for one in asked.buckets if one.name == value)
        if part.start >= self.now:
            return None
        found = self._open(asked, min(part.end, self.now))
        return sum(self._with_part(asked, one, was, part) == key for one, was in found)

    def _dense(self, asked: Asked, keys: set[Said]) -> set[Said]:
        """With every part of the period for whatever was found in one of them."""
        for place, name in enumerate(asked.groups):
            if name in PARTS:
                others = {(key[:place], key[place + 1 :]) for key in keys}
                if len(asked.groups) == 1:
                    others = {((), ())}
                return {(*before, part.name, *after) for before, after in others for part in asked.buckets}
        return keys


def _of(facts: Sequence[Any], chosen: Callable[[Milestone], bool]) -> list[Milestone]:
    return [one for one in facts if isinstance(one, Milestone) and chosen(one)]


def _happened(facts: Sequence[Any]) -> Figures:
    answers = _of(facts, lambda one: one.type == "first_response")
    done = _of(facts, lambda one: one.type == "resolution")
    contact = sum(bool(one.first_contact) and one.reopened_at is None for one in done)
    again = sum(one.reopened_at is not None for one in done)
    return {
        "created": sum(not isinstance(one, Milestone | Promise) for one in facts),
        "responded": len(answers),
        "first_response_time": times((one.at - one.created_at).total_seconds() for one in answers),
        "first_response_working_time": times(one.working for one in answers),
        "resolved": len(done),
        "resolution_time": times((one.at - one.created_at).total_seconds() for one in done),
        "resolution_working_time": times(one.working for one in done),
        "first_contact": contact,
        "first_contact_rate": rate(contact, len(done)),
        "reopened": again,
        "reopen_rate": rate(again, len(done)),
        **_outcomes(facts),
        **UNRATED,
        "satisfaction_rate": None,
        "satisfaction_rate_interval": None,
        "satisfaction": None,
    }


def _outcomes(facts: Sequence[Any]) -> Figures:
    outcomes = [one.outcome for one in facts if isinstance(one, Promise)]
    kept, broken = outcomes.count("kept"), outcomes.count("broken")
    return {"promises_kept": kept, "promises_broken": broken, "sla_met_rate": rate(kept, len(outcomes))}


def _kept(facts: Sequence[Promise]) -> Figures:
    ended = [(one, one.elapsed) for one in facts if one.elapsed is not None]
    late = [max(elapsed - one.target, 0) for one, elapsed in ended if one.outcome == "broken"]
    return {
        **_outcomes(facts),
        "elapsed_time": times(elapsed for _, elapsed in ended),
        "overrun_time": times(late),
    }


def _aged(facts: Sequence[Any], at: datetime) -> Figures:
    ages = [(at - one.created_at).total_seconds() for one in facts]
    return {"backlog": len(ages), "backlog_age": times(ages), "oldest_age": max(ages, default=None)}


def _counts(values: Iterable[Any]) -> dict[str, int]:
    return dict(Counter("none" if value is None else str(value) for value in values))


def _until(tickets: Iterable[Any], name: str) -> Figures:
    ends = [(one.created_at, getattr(one, name)) for one in tickets]
    return times((end - start).total_seconds() for start, end in ends if end is not None)


def _present(seconds: Iterable[float | None]) -> Figures:
    return times(one for one in seconds if one is not None)
