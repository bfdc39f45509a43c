"""The language of criteria: terms about a member's facts and standing, joined by all and any.

    {"all": [{"metric": "count", "action": "accepted_answer", "operator": ">=", "threshold": 10},
             {"any": [{"metric": "streak", "action": "comment_added", "operator": ">=", "threshold": 7},
                      {"metric": "level", "operator": ">=", "threshold": "advanced"}]}]}

Every metric is a function of the facts that count, in whatever order they came: a `window` means any period of that
length, not the one before now. How they are found is the business of `storage/achievement/measure.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.duration import PositiveDuration
from domain.errors import Invalid
from domain.member.rules import RulesContents
from domain.text import Word

TERMS_MAX: Final = 20
DEPTH_MAX: Final = 4
THRESHOLD_MAX: Final = 10**12


class Metric(StrEnum):
    """`count`: facts. `sum`: their amounts. `distinct`: different subjects, people or days. `streak`: days without a
    gap. `points`, `level`: by what facts gave, without what achievements gave. `achievement`: how often another one was
    awarded and not taken back."""

    COUNT = "count"
    SUM = "sum"
    DISTINCT = "distinct"
    STREAK = "streak"
    POINTS = "points"
    LEVEL = "level"
    ACHIEVEMENT = "achievement"


OF_FACTS: Final = frozenset({Metric.COUNT, Metric.SUM, Metric.DISTINCT, Metric.STREAK})
WINDOWED: Final = frozenset({Metric.COUNT, Metric.SUM})
DISTINCT_OF: Final = ("subject", "by", "day")

Operator = Literal[">=", ">", "=", "<=", "<"]
_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {">=": ge, ">": gt, "=": eq, "<=": le, "<": lt}
RISING: Final = (">=", ">")


class Term(BaseModel):
    """`of` is what a `distinct` counts, or the id of the `achievement`; `threshold` is the name of a `level`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric
    action: Word | None = None
    of: Annotated[str, Field(max_length=64)] | None = None
    operator: Operator
    threshold: Annotated[int, Field(ge=0, le=THRESHOLD_MAX)] | Annotated[str, Field(max_length=64)]
    window: PositiveDuration | None = None

    @property
    def measure(self) -> "Measure":
        window = None if self.window is None else self.window.total_seconds()
        return Measure(self.metric, self.action, self.of, window)


class Group(BaseModel):
    model_config = ConfigDict(frozen=True)

    how: Literal["all", "any"]
    of: tuple["Term | Group", ...]


Criteria = Term | Group


@dataclass(frozen=True, slots=True)
class Measure:
    """What a term looks at. `window` is in seconds."""

    metric: Metric
    action: str | None = None
    of: str | None = None
    window: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What criteria look at, of one member: the points of facts, how often each other achievement counts as awarded,
    and what is `found` in facts."""

    points: int
    rules: RulesContents
    times: Callable[[UUID], int]
    found: Callable[[Measure], int]

    def value(self, asked: Measure) -> int:
        match asked.metric:
            case Metric.POINTS:
                return self.points
            case Metric.LEVEL:
                return self.rules.levels.index(self.rules.level(self.points))
            case Metric.ACHIEVEMENT:
                return self.times(UUID(asked.of))
        return self.found(asked)


def parse(value: Any, rules: RulesContents) -> Criteria:
    """Raises Invalid, with the place of what is wrong."""
    found = _read(value, "criteria", 1)
    terms = list(terms_of(found))
    if len(terms) > TERMS_MAX:
        raise Invalid("too_many_terms", f"Criteria have at most {TERMS_MAX} terms.", field="criteria")
    for place, term in _places(found, "criteria"):
        _check(term, place, rules)
    return found


def read(value: Any) -> Criteria:
    """Criteria that were checked when they were written."""
    return _read(value, "criteria", 1)


def written(criteria: Criteria) -> dict[str, Any]:
    if isinstance(criteria, Term):
        return criteria.model_dump(mode="json", exclude_none=True)
    return {criteria.how: [written(one) for one in criteria.of]}


def terms_of(criteria: Criteria) -> Iterator[Term]:
    for _, term in _places(criteria, ""):
        yield term


def dependencies(criteria: Criteria) -> frozenset[UUID]:
    """The achievements that these criteria ask for."""
    return frozenset(
        UUID(term.of)
        for term in terms_of(criteria)
        if term.metric is Metric.ACHIEVEMENT and term.of is not None
    )


def actions(criteria: Criteria) -> list[str]:
    """The actions whose facts may change whether they are met; `*` for whatever else may, and for what is met by
    having none."""
    return sorted({_touching(term) for term in terms_of(criteria)})


def is_rising(criteria: Criteria) -> bool:
    """Whether more facts can only help: what is met stays met until facts are taken back."""
    return all(term.operator in RISING for term in terms_of(criteria))


def _touching(term: Term) -> str:
    met_by_none = term.operator not in RISING or term.threshold == 0
    if term.metric not in OF_FACTS or term.action is None or met_by_none:
        return "*"
    return term.action


def is_met(criteria: Criteria, value_of: Callable[[Measure], int], rules: RulesContents) -> bool:
    if isinstance(criteria, Group):
        joined = all if criteria.how == "all" else any
        return joined(is_met(one, value_of, rules) for one in criteria.of)
    return _COMPARE[criteria.operator](value_of(criteria.measure), threshold_of(criteria, rules))


def threshold_of(term: Term, rules: RulesContents) -> int:
    """A level is compared by its place among the levels; one that is gone from the rules is out of reach."""
    if isinstance(term.threshold, int):
        return term.threshold
    names = [level.name for level in rules.levels]
    return names.index(term.threshold) if term.threshold in names else len(names)


def multiples(criteria: Criteria, value_of: Callable[[Measure], int]) -> int:
    """How many times a single term reaches its threshold, for what is awarded each time."""
    assert isinstance(criteria, Term)
    assert isinstance(criteria.threshold, int)
    return value_of(criteria.measure) // criteria.threshold


def can_repeat(criteria: Criteria) -> bool:
    """Whether each multiple of the threshold is an occasion of its own."""
    return (
        isinstance(criteria, Term)
        and criteria.metric in (Metric.COUNT, Metric.SUM, Metric.DISTINCT)
        and criteria.operator == ">="
        and criteria.window is None
        and isinstance(criteria.threshold, int)
        and criteria.threshold > 0
    )


def check_cycles(known: Mapping[UUID, frozenset[UUID]], changed: UUID) -> None:
    """Raises Invalid when an achievement would ask for itself, over whatever others. `known` are the dependencies of
    each, with those of the changed one."""
    seen: set[UUID] = set()
    ahead = list(known.get(changed, ()))
    while ahead:
        one = ahead.pop()
        if one == changed:
            raise Invalid(
                "cyclic_criteria", "It would ask for itself, directly or over others.", field="criteria"
            )
        if one not in seen:
            seen.add(one)
            ahead += known.get(one, ())


def in_order(known: Mapping[UUID, frozenset[UUID]]) -> list[UUID]:
    """Each behind those that it asks for."""
    found: dict[UUID, None] = {}

    def add(one: UUID) -> None:
        if one not in found and one in known:
            for other in sorted(known[one], key=str):
                add(other)
            found[one] = None

    for one in sorted(known, key=str):
        add(one)
    return list(found)


def _read(value: Any, place: str, depth: int) -> Criteria:
    if not isinstance(value, Mapping):
        raise Invalid("not_criteria", 'Write {"all": […]}, {"any": […]} or a term.', field=place)
    if depth > DEPTH_MAX:
        raise Invalid("too_deep", f"Criteria are at most {DEPTH_MAX} deep.", field=place)
    for how in ("all", "any"):
        if how in value:
            return _group(how, value, place, depth)
    try:
        return Term.model_validate(value)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in (place, *mistake["loc"][:1]))
        code = {"missing": "required", "enum": "unknown_metric"}.get(mistake["type"], str(mistake["type"]))
        raise Invalid(code, mistake["msg"], field=where) from None


def _group(how: Literal["all", "any"], value: Mapping[Any, Any], place: str, depth: int) -> Group:
    inner = value[how]
    if len(value) > 1:
        raise Invalid("one_of", f"Beside {how} nothing may stand.", field=place)
    if not isinstance(inner, list) or not inner:
        raise Invalid("empty_criteria", "Name at least one term.", field=f"{place}.{how}")
    if len(inner) > TERMS_MAX:
        raise Invalid("too_many_terms", f"Criteria have at most {TERMS_MAX} terms.", field=f"{place}.{how}")
    return Group(
        how=how, of=tuple(_read(one, f"{place}.{how}.{n}", depth + 1) for n, one in enumerate(inner))
    )


def _places(criteria: Criteria, place: str) -> Iterator[tuple[str, Term]]:
    if isinstance(criteria, Term):
        yield place, criteria
    else:
        for number, one in enumerate(criteria.of):
            yield from _places(one, f"{place}.{criteria.how}.{number}")


def _check(term: Term, place: str, rules: RulesContents) -> None:
    """What the shape alone does not say."""
    metric = term.metric
    if term.action is not None and (metric not in OF_FACTS or term.action not in rules.actions):
        known = ", ".join(rules.actions) if metric in OF_FACTS else "none for this metric"
        raise Invalid("unknown_action", f"Actions: {known}.", field=f"{place}.action")
    if term.window is not None and metric not in WINDOWED:
        raise Invalid("window_not_allowed", "Only counts and sums have a window.", field=f"{place}.window")
    if isinstance(term.threshold, str) != (metric is Metric.LEVEL):
        raise Invalid(
            "threshold",
            "A level is compared with its name, all else with a number.",
            field=f"{place}.threshold",
        )
    if metric is Metric.LEVEL and term.threshold not in [level.name for level in rules.levels]:
        raise Invalid("unknown_level", "There is no such level.", field=f"{place}.threshold")
    if metric is Metric.DISTINCT and term.of not in DISTINCT_OF:
        raise Invalid("distinct_of", f"Of what: {', '.join(DISTINCT_OF)}.", field=f"{place}.of")
    if metric is Metric.ACHIEVEMENT:
        _check_achievement(term, place)
    elif metric is not Metric.DISTINCT and term.of is not None:
        raise Invalid("unknown_field", "This metric is of nothing else.", field=f"{place}.of")


def _check_achievement(term: Term, place: str) -> None:
    try:
        UUID(term.of or "")
    except ValueError:
        raise Invalid("achievement_of", "Name the achievement by its id.", field=f"{place}.of") from None
    if term.operator not in RISING:
        raise Invalid("operator", "Held achievements are compared by >= or >.", field=f"{place}.operator")
