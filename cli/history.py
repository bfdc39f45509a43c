"""The history of a ticket in words: what an event changed, with the names that people know."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cli.output import NOTHING, line, local_time

_NAMES: Final = {
    "assignee_id": "assignee",
    "assignee_tier": "tier of the assignee",
    "comment_id": "message",
    "reopen_count": "times reopened",
    "watcher_id": "watcher",
}
# Lists that are no change from one value to another.
_SETS: Final = frozenset({"added", "removed", "fields"})
_EXCERPT: Final = 40


def known_names(
    ticket: Mapping[str, Any], comments: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """What stands behind the ids in a ticket's events: people and teams by name, messages by their first words."""
    people = [ticket[name] for name in ("requester", "assignee", "team", "organization")]
    people += [*ticket["collaborators"], *(event["actor"] for event in events)]
    names = {one["id"]: one["name"] for one in people if one is not None}
    for comment in comments:
        words = line(comment["body"])
        names[comment["id"]] = words if len(words) <= _EXCERPT else f"{words[:_EXCERPT]}…"
        if comment["author"] is not None:
            names[comment["author"]["id"]] = comment["author"]["name"]
    return names


def told(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """`status: open → assigned; assignee: Mei`: what an event says, field by field."""
    return "; ".join(f"{name_of(field)}: {_value(field, value, names)}" for field, value in data.items())


def name_of(field: str) -> str:
    """A field as people call it; one that is not known here loses its underscores, and that it is an id or a time."""
    return _NAMES.get(field, field.removesuffix("_id").removesuffix("_at").replace("_", " "))


def _value(field: str, value: Any, names: Mapping[str, str]) -> str:
    if field in _SETS and isinstance(value, Sequence):
        return ", ".join(name_of(one) if field == "fields" else one for one in value) or NOTHING
    if isinstance(value, list) and len(value) == 2:
        before, after = (_value(field, one, names) for one in value)
        return after if before == NOTHING else f"{before} → {after}"
    if field.endswith("_at") and isinstance(value, str):
        return local_time(value)
    return line(names.get(value, value) if isinstance(value, str) else value)
