"""The query language of tickets: what a person types, made into a Filter.

`status:open priority:critical,high assignee:none created:>2026-11-01 "disk full" -tag:late E1024`: conditions on
fields, words and "phrases", each of them excluded by a `-` in front; all must hold. There are no brackets and
no patterns, so nothing nests and nothing explodes. A mistake is an Invalid (`domain/ticket/mistake.py`). Names
of people and teams stay names here, and conditions on custom fields what was typed; storage looks them up.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from domain.survey.questions import SCALES
from domain.survey.questions import Kind as Survey
from domain.ticket import filter as wanted
from domain.ticket.fields import ACTIVE, Channel, Kind, Priority, Status
from domain.ticket.filter import Asking, Condition, Filter, Name, OneOf, Part, Term, Untyped, Value, Within
from domain.ticket.mistake import invalid, unknown_field, unknown_value
from domain.ticket.period import FORMS, NotAPeriod, period

LENGTH: Final = 2_000
TERMS: Final = 50
VALUES: Final = 50
"""Of one field, separated by commas."""

NONE: Final = "none"
ANY: Final = "any"
ME: Final = "me"
CUSTOM: Final = "field."
"""Before the key of a custom field."""

ACTIVE_WORD: Final = "active"
"""`status:active`: every state in which somebody still owes something."""

_QUOTES: Final = {'"': '"', "“": "”", "「": "」"}
_FIELD = re.compile(r"(field\.\w*|[a-z][a-z_]*)[:：](?![/\\])(?=\S)", re.ASCII | re.IGNORECASE)
_BARE_VALUE = re.compile(r'[^\s,，"“”「」]+')
_WORDLIKE = re.compile(r"[^\W_]")
_NUMBER = re.compile(r"(>=|<=|>|<)?(\d{1,18})", re.ASCII)
_RANGE = re.compile(r"(\d{0,18})\.\.(\d{0,18})", re.ASCII)


Read = Callable[[wanted.Field, list[Part], Asking], OneOf | Within]


def parse(text: str, asking: Asking) -> Filter:
    """The filter that `text` means; raises Invalid, which names the position of the mistake."""
    if len(text) > LENGTH:
        raise invalid("query_too_long", f"A query has at most {LENGTH:,} characters.", LENGTH)
    conditions: list[Condition] = []
    terms: list[Term] = []
    cursor = _Cursor(text)
    while cursor.skip_spaces():
        if len(conditions) + len(terms) == TERMS:
            raise invalid("query_too_many_terms", f"A query has at most {TERMS} terms.", cursor.position)
        negated = cursor.take_minus()
        if found := cursor.take_field():
            conditions.append(_condition(found, cursor.take_values(), negated, asking))
        elif term := cursor.take_term(negated):
            terms.append(term)
    if not conditions and not terms:
        raise invalid("query_empty", "There is no word, number or field to look for.", 0)
    return Filter(tuple(conditions), tuple(terms))


class _Cursor:
    """Reads a query from left to right, each character once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def skip_spaces(self) -> bool:
        """Goes to the next term; False at the end."""
        while self.position < len(self._text) and self._text[self.position].isspace():
            self.position += 1
        return self.position < len(self._text)

    def take_minus(self) -> bool:
        following = self._text[self.position + 1 : self.position + 2]
        negated = self._text[self.position] == "-" and bool(following) and not following.isspace()
        self.position += negated
        return negated

    def take_field(self) -> Part | None:
        """The field whose condition begins here; `10:30`, `https://` and `C:\\` begin none."""
        found = _FIELD.match(self._text, self.position)
        if found is None or (len(found[1]) == 1 and found[1].isupper()):
            return None
        part = Part(found[1].lower(), self.position)
        self.position = found.end()
        return part

    def take_values(self) -> list[Part]:
        parts = [self._take_value()]
        while self._text[self.position : self.position + 1] in (",", "，"):
            self.position += 1
            parts.append(self._take_value())
            if len(parts) > VALUES:
                raise invalid(
                    "query_too_many_values", f"A field takes at most {VALUES} values.", self.position
                )
        return parts

    def _take_value(self) -> Part:
        position = self.position
        if self._text[position : position + 1] in _QUOTES:
            return Part(self._take_quoted(), position, quoted=True)
        found = _BARE_VALUE.match(self._text, position)
        if found is None:
            raise invalid("value_missing", "A value is missing here.", position)
        self.position = found.end()
        return Part(found[0], position)

    def take_term(self, negated: bool) -> Term | None:
        """A word or a phrase; None for marks that hold nothing to look for, such as `&`."""
        if self._text[self.position] in _QUOTES:
            text = self._take_quoted()
            return Term(text, phrase=True, negated=negated) if _WORDLIKE.search(text) else None
        start = self.position
        while self.position < len(self._text) and not self._text[self.position].isspace():
            if self.position > start and self._text[self.position] in _QUOTES:
                break
            self.position += 1
        word = self._text[start : self.position]
        return Term(word, negated=negated) if _WORDLIKE.search(word) else None

    def _take_quoted(self) -> str:
        opening = self.position
        closing = self._text.find(_QUOTES[self._text[opening]], opening + 1)
        if closing < 0:
            raise invalid("quote_open", "The quotation that begins here does not end.", opening)
        self.position = closing + 1
        return self._text[opening + 1 : closing]


def _condition(field: Part, values: list[Part], negated: bool, asking: Asking) -> Condition:
    if field.text.startswith(CUSTOM):
        return Untyped(field, tuple(values), asking, negated)
    known = FIELDS.get(field.text)
    if known is None:
        raise unknown_field(field, list(FIELDS), ' To look for it as text, put it in "quotes".')
    name, read = known
    return replace(read(name, values, asking), negated=negated)


def _choice(choices: Mapping[str, tuple[Value | None, ...]]) -> Read:
    def read(field: wanted.Field, parts: list[Part], _: Asking) -> OneOf | Within:
        values: list[Value | None] = []
        for part in parts:
            found = choices.get(part.text.lower())
            if found is None:
                raise unknown_value(part, list(choices))
            values += found
        return OneOf(field, tuple(dict.fromkeys(values)))

    return read


def _words(field: wanted.Field, parts: list[Part], _: Asking) -> OneOf | Within:
    return OneOf(field, tuple(None if part.is_word(NONE) else part.text.lower() for part in parts))


def _texts(field: wanted.Field, parts: list[Part], _: Asking) -> OneOf | Within:
    return OneOf(field, tuple(None if part.is_word(NONE) else part.text for part in parts))


def _references(field: wanted.Field, parts: list[Part], asking: Asking) -> OneOf | Within:
    return OneOf(field, tuple(_reference(field, part, asking) for part in parts))


def _reference(field: wanted.Field, part: Part, asking: Asking) -> Value | None:
    if part.is_word(NONE) and field != "requester":
        return None
    if part.is_word(ME) and field in ("requester", "assignee"):
        return asking.person_id
    return _as_id(part.text) or Name(part.text)


def _ids(field: wanted.Field, parts: list[Part], _: Asking) -> OneOf | Within:
    values: list[Value | None] = []
    for part in parts:
        found = _as_id(part.text)
        if found is None:
            raise unknown_value(part, ["an id such as 0190b6c8-5a4e-7d2c-9a51-3f6d5f9c7a11"])
        values.append(found)
    return OneOf(field, tuple(values))


def _numbers(field: wanted.Field, parts: list[Part], _: Asking) -> OneOf | Within:
    if len(parts) == 1:
        return _number_range(field, parts[0])
    values: list[Value | None] = []
    for part in parts:
        if not (found := _NUMBER.fullmatch(part.text.removeprefix("#"))) or found[1]:
            raise unknown_value(part, ["12", "12,15"])
        values.append(int(found[2]))
    return OneOf(field, tuple(values))


def _number_range(field: wanted.Field, part: Part) -> OneOf | Within:
    if found := _RANGE.fullmatch(part.text):
        start = int(found[1]) if found[1] else None
        end = int(found[2]) + 1 if found[2] else None
        if start is not None and end is not None and end <= start:
            raise invalid("reversed_range", "The range ends before it begins.", part.position)
        if start is not None or end is not None:
            return Within(field, start, end)
    found = _NUMBER.fullmatch(part.text.removeprefix("#"))
    if found is None:
        raise unknown_value(part, ["12", "12,15", "10..20", ">10", "<=20"])
    sign, number = found[1], int(found[2])
    if sign is None:
        return OneOf(field, (number,))
    if sign.startswith(">"):
        return Within(field, number + (sign == ">"), None)
    return Within(field, None, number + (sign == "<="))


def _times(field: wanted.Field, parts: list[Part], asking: Asking) -> OneOf | Within:
    part = parts[0]
    if len(parts) > 1:
        raise invalid("one_value", "A time takes one value, which may be a range.", parts[1].position)
    text = part.text
    if part.is_word(NONE):
        return OneOf(field, (None,))
    if part.is_word(ANY):
        return Within(field)
    try:
        start, end = period(text, asking.now, asking.zone)
    except NotAPeriod as error:
        raise invalid("invalid_time", f"{error}.", part.position, allowed=list(FORMS)) from None
    return Within(field, start, end)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


_STATUS: Final[dict[str, tuple[Value | None, ...]]] = {
    **{str(one): (one,) for one in Status},
    ACTIVE_WORD: ACTIVE,
}
_SCORES: Final[dict[str, tuple[Value | None, ...]]] = {
    **{str(score): (score,) for score in SCALES[Survey.CSAT].scores},
    NONE: (None,),
}
_KIND: Final[dict[str, tuple[Value | None, ...]]] = {**{str(one): (one,) for one in Kind}, NONE: (None,)}

FIELDS: Final[Mapping[str, tuple[wanted.Field, Read]]] = {
    "id": ("id", _ids),
    "number": ("number", _numbers),
    "external_id": ("external_id", _texts),
    "status": ("status", _choice(_STATUS)),
    "priority": ("priority", _choice({str(one): (one,) for one in Priority})),
    "category": ("category", _words),
    "kind": ("kind", _choice(_KIND)),
    "channel": ("channel", _choice({str(one): (one,) for one in Channel})),
    "tier": ("tier", _choice({"1": (1,), "2": (2,), "3": (3,)})),
    "waiting_reason": ("waiting_reason", _words),
    "requester": ("requester", _references),
    "assignee": ("assignee", _references),
    "team": ("team", _references),
    "organization": ("organization", _references),
    "tag": ("tags", _words),
    "tags": ("tags", _words),
    "breached": ("breached", _choice({"true": (True,), "false": (False,)})),
    "reopen_count": ("reopen_count", _numbers),
    "satisfaction": ("satisfaction", _choice(_SCORES)),
    "created": ("created_at", _times),
    "updated": ("updated_at", _times),
    "first_responded": ("first_responded_at", _times),
    "resolved": ("resolved_at", _times),
    "closed": ("closed_at", _times),
    "next_step": ("next_step_at", _times),
}
"""The word in a query, the field of the ticket, and how its values are read."""
