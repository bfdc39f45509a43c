"""What was accepted happened, once, in its order, and nothing else did."""

from collections import Counter, defaultdict
from typing import Any, Final

from tests.chaos.checker.bulk import item_id
from tests.chaos.checker.case import SLACK, Case, Check, Request
from tests.chaos.evidence import Row
from tests.chaos.journal import ABANDONED, ACCEPTED, REFUSED

_WRITES: Final = frozenset({"reply", "answer", "note", "resolve"})
_MAY_CHANGE_NOTHING: Final = {"set_priority": "priority", "set_category": "category"}


def every_create_exists_once(case: Case) -> Check:
    check = Check("every accepted create exists once")
    by_subject: dict[str, list[str]] = defaultdict(list)
    for ticket, row in case.tickets.items():
        by_subject[row["subject"]].append(ticket)
    for request in case.of("create", outcome=None):
        there = by_subject.pop(request.facts["token"], [])
        if request.outcome == ACCEPTED:
            check.expect(there == [request.answer["id"]], f"{request.facts['token']}: tickets {there}")
        elif request.outcome == REFUSED:
            check.expect(not there, f"{request.facts['token']} was refused and is there")
        else:
            check.expect(len(there) <= 1, f"{request.facts['token']}: {len(there)} tickets")
    for request in case.of("split", outcome=None):
        by_subject.pop(request.facts["token"], None)  # how many there are is checked in `merge`
    check.findings += [f"{subject}: a ticket that nobody asked for" for subject in by_subject]
    return check


def every_transition_happened_once(case: Case) -> Check:
    """By the version that it made, the one comment that it wrote, and the time at which it happened."""
    check = Check("every accepted transition happened once")
    for request in case.actions():
        ticket = str(request.ticket)
        versions = case.seen(ticket)[request.id]
        comments = sum(row["body"] == request.facts["token"] for row in case.comments[ticket])
        name = f"{request.what} of {request.facts['token']}"
        if request.outcome == ACCEPTED:
            wrong = _accepted(case, request, ticket, versions, comments)
            check.expect(wrong is None, f"{name}: {wrong}")
        elif request.outcome == REFUSED:
            check.expect(not versions and not comments, f"{name} was refused and happened")
        else:
            check.expect(len(versions) <= 1 and comments <= 1, f"{name} happened {len(versions)} times")
    return check


def _accepted(case: Case, request: Request, ticket: str, versions: list[int], comments: int) -> str | None:
    """What is wrong with an accepted action."""
    events = [event for event in case.events[ticket] if event["version"] in versions]
    mine = [event for event in events if str(event["actor_id"]) == request.who]
    if not mine and request.what in _MAY_CHANGE_NOTHING:
        field = _MAY_CHANGE_NOTHING[request.what]
        wanted = request.facts["body"][field]
        there = value_at(case.events[ticket], field, request.answer["version"])
        return None if there == wanted else f"{field} was {there} and not {wanted}, and nothing changed"
    if len(versions) != 1:
        return f"made {len(versions)} versions"
    if request.what in _WRITES and comments != 1:
        return f"wrote {comments} comments"
    if not mine:
        return "left no event"
    assert request.answered_at is not None
    if not all(request.asked_at - SLACK <= event["at"] <= request.answered_at + SLACK for event in mine):
        return f"happened at {mine[0]['at']}, not between {request.asked_at} and {request.answered_at}"
    return None


def value_at(events: list[Row], field: str, version: int) -> Any:
    """A field as the history says it was after `version`."""
    value = None
    for event in events:
        if event["version"] > version:
            break
        if event["type"] == "opened":
            value = event["data"].get(field)
        elif isinstance(change := event["data"].get(field), list):
            value = change[1]
    return value


def transitions_happened_in_order(case: Case) -> Check:
    """One actor at a time works on a ticket, so answers come in the order of what happened."""
    check = Check("accepted transitions happened in order")
    by_ticket: dict[str, list[Request]] = defaultdict(list)
    for request in case.actions():
        if request.outcome == ACCEPTED:
            by_ticket[str(request.ticket)].append(request)
    for ticket, requests in by_ticket.items():
        seen = case.seen(ticket)
        requests.sort(key=lambda request: request.asked_at)
        versions = [seen[request.id][0] for request in requests if seen[request.id]]
        check.expect(versions == sorted(set(versions)), f"{ticket}: versions {versions}")
    return check


def nothing_happened_unasked(case: Case) -> Check:
    """Each version that has an actor was made by one request of that actor."""
    check = Check("nothing happened that nobody asked for")
    ids = {request.id for request in case.actions()}
    ids |= {item_id(case.bulks[bulk], item) for bulk, items in case.items.items() for item in items}
    for ticket in case.tickets:
        made = {versions[0] for request, versions in case.seen(ticket).items() if request in ids}
        acted = {event["version"] for event in case.events[ticket] if event["actor_id"] is not None}
        for version in sorted(acted - {1}):
            check.expect(version in made, f"{ticket}: version {version} was made by no request")
    return check


def every_answer_is_in_a_history(case: Case) -> Check:
    """Temporal's own record: an accepted action is a completed update, once."""
    check = Check("every accepted transition stands in a history")
    for request in case.actions():
        process = case.processes.get(f"ticket:{request.ticket}")
        times = Counter(process.updates if process else ())[request.id]
        name = f"{request.what} of {request.facts['token']}"
        if request.outcome == ACCEPTED:
            check.expect(times == 1, f"{name} stands in the history {times} times")
        else:
            check.expect(times <= 1, f"{name} stands in the history {times} times")
    return check


def every_request_was_answered(case: Case) -> Check:
    """A careful client gets through in the end, and is never told that something broke."""
    check = Check("every request got through in the end")
    for request in case.requests.values():
        check.expect(request.outcome != ABANDONED, f"{request.what} {request.key} never got through")
    check.findings += [f"{one['what']} {one['key']}: {one['status']} {one['text']}" for one in case.broken]
    return check
