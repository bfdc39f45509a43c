"""Policies: which promises a ticket gets, in which calendar, and what happens on the way to breaking them.

A policy is a value. A process keeps a `PolicyVersion`, the policy with its calendar as they were when they were
applied, so that a later change of either never rewrites what has happened.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.calendar import ALWAYS, Calendar
from domain.duration import PositiveDuration, format_duration, parse_duration
from domain.text import Name, Word
from domain.ticket.fields import Priority, Status

ZERO: Final = timedelta(0)
LAST_POSITION: Final = 1_000_000
LADDER_LIMIT: Final = 50
MATCH_LIMIT: Final = 1000
SHORTEST_PERIOD: Final = timedelta(seconds=1)
_PERCENT: Final = re.compile(r"([0-9]{1,5})%")
_WORDS: Final = {
    "notify": ("assignee", "lead", "manager", "team", "requester", "watchers"),
    "tier": ("1", "2", "3"),
    "priority": tuple(Priority),
}


class ClockName(StrEnum):
    """The promises of tickets, then those of feedback: of its stages, of its assessments, and how long it may be
    silent."""

    ASSIGNMENT = "assignment"
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    PERIODIC_UPDATE = "periodic_update"
    RESOLUTION = "resolution"
    TRIAGE = "triage"
    ASSESSMENT = "assessment"
    DECISION = "decision"
    BEGINNING = "beginning"
    DELIVERY = "delivery"
    VERIFICATION = "verification"
    NEED = "need"
    FEASIBILITY = "feasibility"
    IMPACT = "impact"
    RESOURCES = "resources"
    SILENCE = "silence"


About = Literal["ticket", "feedback"]
"""What a policy makes promises about."""

CLOCKS: Final[dict[About, tuple[ClockName, ...]]] = {
    "ticket": tuple(ClockName)[: list(ClockName).index(ClockName.TRIAGE)],
    "feedback": tuple(ClockName)[list(ClockName).index(ClockName.TRIAGE) :],
}


def _percent_or_duration(text: str) -> str:
    """`75%`, `-PT15M` before the due time, `+PT30M` after it."""
    if (found := _PERCENT.fullmatch(text)) is not None and 0 < int(found[1]) <= 10_000:
        return text
    if text[:1] in ("+", "-") and parse_duration(text[1:]) > ZERO:
        return text
    raise PydanticCustomError(
        "invalid_step",
        "A step is at a share of the target such as 75%, or at -PT15M or +PT30M of its due time.",
    )


def _period(text: str) -> str:
    if (found := _PERCENT.fullmatch(text)) is not None and 0 < int(found[1]) <= 10_000:
        return text
    if _PERCENT.fullmatch(text) is None and parse_duration(text) > ZERO:
        return text
    raise PydanticCustomError(
        "invalid_repeat", "A step repeats every share of the target or every duration above zero."
    )


def _effect(text: str) -> str:
    verb, separator, value = text.partition(":")
    if (
        verb == "tag"
        and separator
        and 0 < len(value) <= 64
        and not re.search(r"[\s,;\x00\ud800-\udfff]", value)
    ):
        return text
    if value in _WORDS.get(verb, ()):
        return text
    choice = ", ".join(f"{verb}:{'|'.join(values)}" for verb, values in _WORDS.items())
    raise PydanticCustomError("unknown_effect", "A step can do: {choice}, tag:<tag>.", {"choice": choice})


def _calendar(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise PydanticCustomError("unknown_calendar", "Name a calendar by its id, or 24x7.") from None


def _clock(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        choice = ", ".join(ClockName)
        raise PydanticCustomError(
            "unknown_clock", "A clock is one of {choice}; * is all.", {"choice": choice}
        ) from None


StepTime = Annotated[str, Field(max_length=40), AfterValidator(_percent_or_duration)]
Period = Annotated[str, Field(max_length=40), AfterValidator(_period)]
Effect = Annotated[str, Field(max_length=80), AfterValidator(_effect)]


class Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LadderStep(Rule):
    """One step: on which clock, when, and what it does; `time` says what a duration is counted in."""

    clock: Annotated[ClockName | Literal["*"], WrapValidator(_clock)] = "*"
    at: StepTime
    do: Annotated[tuple[Effect, ...], Field(min_length=1, max_length=20)]
    repeat: Period | None = None
    time: Literal["working", "clock"] = "working"

    def applies_to(self, clock: ClockName) -> bool:
        """`*` stands for every promise; silence is none, and has steps of its own or none."""
        return self.clock == clock or (self.clock == "*" and clock is not ClockName.SILENCE)

    def offset(self, target: timedelta) -> timedelta:
        """The time from the start of the clock to the step; negative when it lies before the start."""
        if self.at.endswith("%"):
            return target * int(self.at[:-1]) / 100
        length = parse_duration(self.at[1:])
        return target + length if self.at[0] == "+" else target - length

    def period(self, target: timedelta) -> timedelta:
        """The time between two occurrences; zero if the step does not repeat."""
        if self.repeat is None:
            return ZERO
        return (
            target * int(self.repeat[:-1]) / 100 if self.repeat.endswith("%") else parse_duration(self.repeat)
        )

    def label(self, occurrence: int) -> str:
        """`150%`, then `250%`: where the step stands. Mixed kinds are counted: `150% +2×PT10M`."""
        if occurrence == 0 or self.repeat is None:
            return self.at
        if self.at.endswith("%") and self.repeat.endswith("%"):
            return f"{int(self.at[:-1]) + occurrence * int(self.repeat[:-1])}%"
        if self.at.startswith("+") and not self.repeat.endswith("%"):
            return (
                f"+{format_duration(parse_duration(self.at[1:]) + occurrence * parse_duration(self.repeat))}"
            )
        return f"{self.at} +{occurrence}×{self.repeat}"


class Match(Rule):
    """Which tickets or feedback a policy is for; an empty list stands for all. `kind` is of feedback."""

    priority: Annotated[tuple[Priority, ...], Field(max_length=MATCH_LIMIT)] = ()
    category: Annotated[tuple[Word, ...], Field(max_length=MATCH_LIMIT)] = ()
    team: Annotated[tuple[UUID, ...], Field(max_length=MATCH_LIMIT)] = ()
    organization: Annotated[tuple[UUID, ...], Field(max_length=MATCH_LIMIT)] = ()
    kind: Annotated[tuple[Word, ...], Field(max_length=MATCH_LIMIT)] = ()


Position = Annotated[int, Field(ge=0, le=LAST_POSITION)]
CalendarReference = Annotated[Literal["24x7"] | UUID, WrapValidator(_calendar)]
Targets = Annotated[dict[Priority, dict[ClockName, PositiveDuration]], Field(min_length=1)]
PauseOn = Annotated[tuple[Literal[Status.WAITING, Status.ON_HOLD], ...], Field(max_length=2)]
Ladder = Annotated[tuple[LadderStep, ...], Field(max_length=LADDER_LIMIT)]

DEFAULT_TARGETS: Final[Targets] = {
    Priority.CRITICAL: {
        ClockName.FIRST_RESPONSE: timedelta(minutes=30),
        ClockName.RESOLUTION: timedelta(minutes=240),
    },
    Priority.HIGH: {
        ClockName.FIRST_RESPONSE: timedelta(minutes=120),
        ClockName.RESOLUTION: timedelta(minutes=1440),
    },
    Priority.NORMAL: {
        ClockName.FIRST_RESPONSE: timedelta(minutes=240),
        ClockName.RESOLUTION: timedelta(minutes=2880),
    },
    Priority.LOW: {
        ClockName.FIRST_RESPONSE: timedelta(minutes=480),
        ClockName.RESOLUTION: timedelta(minutes=4320),
    },
}

DEFAULT_LADDER: Final = (
    LadderStep(at="75%", do=("notify:assignee",)),
    LadderStep(at="100%", do=("notify:assignee", "notify:lead", "tier:2")),
    LadderStep(at="150%", do=("tier:3", "notify:manager"), repeat="100%"),
)


class Policy(Rule):
    """What `POST /sla-policies` takes. The lowest `position` that matches a ticket wins."""

    name: Name
    about: About = "ticket"
    position: Position = 100
    match: Match = Match()
    calendar: CalendarReference = "24x7"
    targets: Targets
    pause_on: PauseOn = (Status.WAITING,)
    on_priority_change: Literal["keep", "restart"] = "keep"
    on_reopen: Literal["new_cycle", "resume"] = "new_cycle"
    ladder: Ladder = DEFAULT_LADDER

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(not clocks for clocks in self.targets.values()):
            raise PydanticCustomError("empty_targets", "Each priority in targets needs at least one clock.")
        self._check_subject()
        targets = [(name, target) for clocks in self.targets.values() for name, target in clocks.items()]
        for step in self.ladder:
            periods = [step.period(target) for name, target in targets if step.applies_to(name)]
            if step.repeat is not None and min(periods, default=SHORTEST_PERIOD) < SHORTEST_PERIOD:
                raise PydanticCustomError(
                    "repeat_too_short",
                    "The step at {at} would repeat more often than once a second.",
                    {"at": step.at},
                )
        return self

    def _check_subject(self) -> None:
        """Tickets and feedback have clocks of their own; feedback has no tiers, and its priority is computed."""
        known = CLOCKS[self.about]
        named = {clock for clocks in self.targets.values() for clock in clocks}
        named |= {step.clock for step in self.ladder if isinstance(step.clock, ClockName)}
        if foreign := sorted(named.difference(known)):
            words = {"about": self.about, "clock": foreign[0], "choice": ", ".join(known)}
            raise PydanticCustomError(
                "clock_of_another", "{clock} is no clock of a {about}. Its clocks: {choice}.", words
            )
        if self.about == "ticket" and self.match.kind:
            raise PydanticCustomError("kind_of_feedback", "Only policies about feedback are matched by kind.")
        effects = (effect for step in self.ladder for effect in step.do)
        if self.about == "feedback" and any(one.startswith(("tier:", "priority:")) for one in effects):
            raise PydanticCustomError("effect_of_tickets", "A step about feedback can notify and tag.")

    def target(self, priority: Priority, clock: ClockName) -> timedelta | None:
        """What is promised, or None."""
        return self.targets.get(priority, {}).get(clock)


DEFAULT_POLICY: Final = Policy(name="Default promises", position=LAST_POSITION, targets=DEFAULT_TARGETS)


class PolicyVersion(BaseModel):
    """A policy and its calendar as they stood at one time; what a process works with."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    version: int
    policy: Policy
    calendar_id: UUID | None = None
    calendar_version: int = 0
    calendar: Calendar = ALWAYS


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What a policy is matched by."""

    priority: Priority
    category: str | None = None
    team_id: UUID | None = None
    organization_id: UUID | None = None
    about: About = "ticket"
    kind: str | None = None


def matches(policy: Policy, ticket: TicketFacts) -> bool:
    """Whether the policy is for this ticket. One without a target for its priority is not: no ticket loses
    its promises to a policy that promises it nothing."""
    match = policy.match
    return (
        ticket.about == policy.about
        and ticket.priority in policy.targets
        and _within(ticket.priority, match.priority)
        and _within(ticket.category, match.category)
        and _within(ticket.team_id, match.team)
        and _within(ticket.organization_id, match.organization)
        and _within(ticket.kind, match.kind)
    )


def _within(value: Any, allowed: tuple[Any, ...]) -> bool:
    return not allowed or value in allowed


def choose_policy(policies: Iterable[PolicyVersion], ticket: TicketFacts) -> PolicyVersion | None:
    """The first that matches, by position and then by id."""
    found = [one for one in policies if matches(one.policy, ticket)]
    return min(found, key=lambda one: (one.policy.position, one.id), default=None)
