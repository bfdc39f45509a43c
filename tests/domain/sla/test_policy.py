"""Policies: which one a ticket gets, where the steps of a ladder stand, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.calendar import Calendar
from domain.sla.clock import Clock, next_steps, take_due
from domain.sla.policy import (
    CLOCKS,
    DEFAULT_LADDER,
    DEFAULT_POLICY,
    ClockName,
    LadderStep,
    Policy,
    PolicyVersion,
    TicketFacts,
    choose_policy,
    matches,
)
from domain.ticket.fields import Priority

TEAM, OTHER = UUID(int=1), UUID(int=2)
HOUR = timedelta(hours=1)


def make_policy(**fields: Any) -> Policy:
    targets = {"high": {"first_response": "PT30M", "resolution": "PT4H"}}
    return Policy.model_validate({"name": "Gold", "targets": targets, **fields})


def make_step(**fields: Any) -> LadderStep:
    return LadderStep.model_validate({"at": "75%", "do": ["notify:assignee"], **fields})


def versions(*policies: Policy) -> list[PolicyVersion]:
    return [PolicyVersion(id=UUID(int=10 + n), version=1, policy=one) for n, one in enumerate(policies)]


# Matching


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"priority": ["high", "low"]}, True),
        ({"priority": ["low"]}, False),
        ({"category": ["Storage"]}, True),
        ({"category": ["network"]}, False),
        ({"team": [str(TEAM)]}, True),
        ({"team": [str(OTHER)]}, False),
        ({"organization": [str(OTHER)]}, False),
        ({"priority": ["high"], "category": ["storage"], "team": [str(TEAM), str(OTHER)]}, True),
        ({"priority": ["high"], "category": ["network"]}, False),
    ],
)
def test_a_policy_is_for_the_tickets_that_fit_all_its_lists(match: Any, expected: bool) -> None:
    ticket = TicketFacts(Priority.HIGH, category="storage", team_id=TEAM)
    assert matches(make_policy(match=match), ticket) is expected


def test_a_policy_that_promises_a_priority_nothing_is_not_for_it() -> None:
    assert not matches(make_policy(), TicketFacts(Priority.LOW))


def test_the_lowest_position_wins_and_others_wait_for_what_it_leaves() -> None:
    first = make_policy(name="first", position=1, match={"category": ["storage"]})
    second = make_policy(name="second", position=2)
    known = versions(DEFAULT_POLICY, second, first)
    for ticket, name in (
        (TicketFacts(Priority.HIGH, category="storage"), "first"),
        (TicketFacts(Priority.HIGH), "second"),
        (TicketFacts(Priority.LOW), "Default promises"),
    ):
        chosen = choose_policy(known, ticket)
        assert chosen is not None
        assert chosen.policy.name == name
    assert choose_policy(versions(second), TicketFacts(Priority.LOW)) is None


# Tickets and feedback


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"targets": {"high": {"triage": "PT1H"}}}, "clock_of_another"),
        ({"ladder": [{"clock": "silence", "at": "75%", "do": ["notify:lead"]}]}, "clock_of_another"),
        ({"about": "feedback"}, "clock_of_another"),
        ({"match": {"kind": ["complaint"]}}, "kind_of_feedback"),
        (
            {
                "about": "feedback",
                "targets": {"high": {"triage": "PT1H"}},
                "ladder": [{"at": "75%", "do": ["tier:2"]}],
            },
            "effect_of_tickets",
        ),
    ],
)
def test_what_a_policy_promises_belongs_to_what_it_is_about(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        make_policy(**fields)
    assert [one["type"] for one in refused.value.errors()] == [code]


def test_a_policy_about_feedback_is_not_for_tickets_and_is_matched_by_kind() -> None:
    complaints = make_policy(
        about="feedback",
        match={"kind": ["complaint"]},
        targets={"high": {"triage": "PT1H"}},
        ladder=[{"at": "100%", "do": ["notify:lead"]}],
    )
    assert not matches(complaints, TicketFacts(Priority.HIGH))
    assert matches(complaints, TicketFacts(Priority.HIGH, about="feedback", kind="complaint"))
    assert not matches(complaints, TicketFacts(Priority.HIGH, about="feedback", kind="praise"))


def test_silence_is_no_promise_that_a_star_stands_for() -> None:
    assert not make_step(clock="*").applies_to(ClockName.SILENCE)
    assert make_step(clock="silence").applies_to(ClockName.SILENCE)


# The seed's numbers


def test_the_default_promises_are_those_of_the_seed() -> None:
    minutes = {
        priority: [
            DEFAULT_POLICY.targets[priority][clock] // timedelta(minutes=1)
            for clock in (ClockName.FIRST_RESPONSE, ClockName.RESOLUTION)
        ]
        for priority in Priority
    }
    assert minutes == {
        "critical": [30, 240],
        "high": [120, 1440],
        "normal": [240, 2880],
        "low": [480, 4320],
    }
    assert (DEFAULT_POLICY.calendar, list(DEFAULT_POLICY.pause_on)) == ("24x7", ["waiting"])


def test_the_default_ladder_warns_breaks_and_climbs() -> None:
    found = [(step.at, step.do, step.repeat) for step in DEFAULT_LADDER]
    assert found == [
        ("75%", ("notify:assignee",), None),
        ("100%", ("notify:assignee", "notify:lead", "tier:2"), None),
        ("150%", ("tier:3", "notify:manager"), "100%"),
    ]


# Steps


@pytest.mark.parametrize(
    ("at", "offset"),
    [
        ("75%", 3 * HOUR),
        ("150%", 6 * HOUR),
        ("100%", 4 * HOUR),
        ("-PT15M", 4 * HOUR - timedelta(minutes=15)),
        ("+PT30M", 4 * HOUR + timedelta(minutes=30)),
        ("-P1D", -20 * HOUR),
    ],
)
def test_a_step_stands_at_a_share_of_the_target_or_around_its_end(at: str, offset: timedelta) -> None:
    assert make_step(at=at).offset(4 * HOUR) == offset


def test_a_share_is_exact_to_the_microsecond() -> None:
    assert make_step(at="33%").offset(timedelta(seconds=5)) == timedelta(seconds=1.65)


@pytest.mark.parametrize(
    ("step", "labels"),
    [
        ({"at": "150%", "repeat": "100%"}, ["150%", "250%", "350%"]),
        ({"at": "+PT30M", "repeat": "PT10M"}, ["+PT30M", "+PT40M", "+PT50M"]),
        ({"at": "75%"}, ["75%", "75%", "75%"]),
        ({"at": "100%", "repeat": "PT1H"}, ["100%", "100% +1×PT1H", "100% +2×PT1H"]),
    ],
)
def test_a_repeat_is_named_by_where_it_stands(step: Any, labels: list[str]) -> None:
    assert [make_step(**step).label(occurrence) for occurrence in range(3)] == labels


def test_a_step_is_for_its_clock_or_for_all() -> None:
    assert make_step(clock="*").applies_to(ClockName.ASSIGNMENT)
    assert make_step(clock="resolution").applies_to(ClockName.RESOLUTION)
    assert not make_step(clock="resolution").applies_to(ClockName.FIRST_RESPONSE)


@pytest.mark.parametrize(
    "effect",
    ["notify:watchers", "tier:1", "tier:3", "priority:critical", "tag:late", "tag:超时", "tag:a:b"],
)
def test_what_a_step_can_do(effect: str) -> None:
    assert make_step(do=[effect]).do == (effect,)


@pytest.mark.parametrize(
    "effect",
    ["", "notify", "notify:", "notify:boss", "tier:0", "tier:4", "tier:two", "priority:urgent", "tag:",
     "tag:two words", "tag:" + "x" * 65, "tag:\x00", "tag:\ud800", "webhook:x", "Notify:lead"],
)  # fmt: skip
def test_what_a_step_cannot_do(effect: str) -> None:
    with pytest.raises(ValidationError):
        make_step(do=[effect])


@pytest.mark.parametrize("at", ["75", "75.5.%", "%", "0%", "-5%", "100000%", "PT5M", "+PT0S", "+", "", "٧٥%"])
def test_a_step_without_a_place_is_refused(at: str) -> None:
    with pytest.raises(ValidationError):
        make_step(at=at)


def test_a_repeat_comes_at_most_once_a_second() -> None:
    with pytest.raises(ValidationError, match="more often than once a second"):
        make_policy(
            ladder=[{"at": "150%", "do": ["tier:3"], "repeat": "1%"}], targets={"low": {"resolution": "PT5S"}}
        )
    quick = {"targets": {"low": {"resolution": "PT1S"}}}
    assert make_policy(**quick).ladder[-1].repeat == "100%"


# As text


def test_a_policy_is_written_as_it_is_read() -> None:
    policy = make_policy(
        match={"team": [str(TEAM)]},
        ladder=[{"clock": "*", "at": "-PT15M", "do": ["tag:late"], "repeat": "PT10M", "time": "clock"}],
    )
    written = policy.model_dump(mode="json")
    assert written["targets"] == {"high": {"first_response": "PT30M", "resolution": "PT4H"}}
    assert Policy.model_validate(written) == policy
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


@given(
    st.dictionaries(
        st.sampled_from(Priority),
        st.dictionaries(
            st.sampled_from(CLOCKS["ticket"]),
            st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3653)),
            min_size=1,
        ),
        min_size=1,
    )
)
def test_every_target_survives_the_way_through_text(targets: Any) -> None:
    version = PolicyVersion(id=TEAM, version=3, policy=Policy(name="Any", targets=targets))
    assert PolicyVersion.model_validate_json(version.model_dump_json()) == version


# A calendar that runs out


def test_a_promise_that_the_calendar_has_no_time_for_is_never_due() -> None:
    once = {"special_days": {"2026-11-20": [["09:00", "10:00"]]}}
    version = PolicyVersion(id=TEAM, version=1, policy=make_policy(), calendar=Calendar.model_validate(once))
    start = datetime(2026, 11, 20, 9, tzinfo=UTC)
    clock = Clock(name=ClockName.RESOLUTION, cycle=1, target=4 * HOUR, started_at=start, running_since=start)
    assert clock.due_at(version) is None
    assert next_steps(clock, version) == []
    assert take_due(clock, version, start + timedelta(days=900)) == (clock, [])
    assert clock.elapsed(version, start + timedelta(days=900)) == HOUR
