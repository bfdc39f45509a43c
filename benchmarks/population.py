"""A desk full of tickets: rows as its processes would have written them, without the processes.

Seeded: the same numbers give the same tickets. Reads are measured on it; nothing can be done to its tickets, as
no process knows them. Texts come from a pool whose words are indexed once, because segmenting and stemming a
million texts would take most of an hour and change nothing for whoever reads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.vocabulary import CATEGORIES, body, code, subject
from domain.field import comparables
from domain.sla.policy import DEFAULT_TARGETS, ClockName
from domain.ticket.fields import Priority
from storage.search import codes, words
from storage.tables.ticket import FREQUENT_WORDS

POOL: Final = 20_000
CHUNK: Final = 50_000
MONTHS: Final = 24
TEAMS: Final = 20
AGENTS: Final = 200
ORGANIZATIONS: Final = 500
ACTIVE_SHARE: Final = 0.02

_PRIORITIES: Final = tuple(Priority)
_ACTIVE: Final = ("open", "assigned", "in_progress", "waiting", "on_hold")
_KINDS: Final = ("usage", "fault", "complaint", "suggestion", "presales", "unexpected_result", None)
_CHANNELS: Final = ("web", "email", "api", "phone", "assistant")
_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%%' "
    "AND tablename IN ('tickets', 'ticket_search', 'ticket_comments', 'ticket_fields', 'ticket_tags', "
    "'report_milestones', 'report_promises')"
)
_STAGING = """
    CREATE UNLOGGED TABLE IF NOT EXISTS staged (
        ticket_id uuid, subject_words text, text_id int, comment_id int, note_id int, codes text[]
    );
    CREATE UNLOGGED TABLE IF NOT EXISTS pool (id int PRIMARY KEY, text tsvector, comment tsvector)
"""
_SEARCH = """
    INSERT INTO ticket_search (ticket_id, created_at, shared, entire)
    SELECT ticket_id, created_at, shared, CASE WHEN note.id IS NOT NULL THEN shared || note.comment END
    FROM staged
    JOIN tickets ON tickets.id = ticket_id
    JOIN pool AS about ON about.id = text_id
    LEFT JOIN pool AS answer ON answer.id = comment_id
    LEFT JOIN pool AS note ON note.id = note_id,
    LATERAL (SELECT setweight(to_tsvector('english', subject_words), 'A') || about.text
        || array_to_tsvector(staged.codes) || coalesce(answer.comment, '') AS shared) AS words
"""
_TAGS = "INSERT INTO ticket_tags (ticket_id, tag, team_id) SELECT id, tag, team_id FROM tickets, unnest(tags) AS tag"
_TICKET_COLUMNS: Final = (
    "id, version, fingerprint, subject, description, status, priority, rank, requested_priority, category, kind, "
    "channel, tier, requester_id, organization_id, team_id, assignee_id, waiting_reason, tags, created_at, "
    "updated_at, first_responded_at, resolved_at, closed_at, reopen_count, breached, custom_fields, response_working, "
    "resolution_working, first_contact, promises_kept, promises_broken"
)
_TARGETS: Final = {
    (clock, priority): target.total_seconds()
    for priority, targets in DEFAULT_TARGETS.items()
    for clock, target in targets.items()
}
_MILESTONES = """
    INSERT INTO report_milestones (
        ticket_id, number, type, at, created_at, opened_at, working, first_contact, priority, category, kind, channel,
        team_id, agent_id, organization_id
    )
    SELECT id, milestone.number, type, at, created_at, opened_at, working, contact, priority, category, kind, channel,
        team_id, assignee_id, organization_id
    FROM tickets, LATERAL (VALUES
        (0, 'first_response', first_responded_at, NULL, response_working, NULL),
        (1, 'resolution', resolved_at, created_at, resolution_working, first_contact)
    ) AS milestone (number, type, at, opened_at, working, contact)
    WHERE at IS NOT NULL
"""
_PROMISES = """
    INSERT INTO report_promises (
        ticket_id, clock, cycle, outcome, decided_at, ended_at, target, elapsed, policy_id, priority, category, kind,
        channel, team_id, agent_id, organization_id
    )
    SELECT id, clock, 1, CASE WHEN elapsed <= target THEN 'kept' ELSE 'broken' END,
        created_at + least(elapsed, target) * interval '1 second', at, target, elapsed,
        (SELECT min(CAST(id AS text)) FROM sla_policies)::uuid, priority, category, kind, channel, team_id, assignee_id,
        organization_id
    FROM tickets CROSS JOIN LATERAL (VALUES
        ('first_response', first_responded_at, response_working),
        ('resolution', resolved_at, resolution_working)
    ) AS promise (clock, at, elapsed)
    JOIN unnest(%s::text[], %s::text[], %s::float[]) AS target (of_clock, of_priority, target)
        ON of_clock = clock AND of_priority = priority
    WHERE at IS NOT NULL
"""
FIELDS: Final = (
    {"key": "plan", "label": "Plan", "type": "choice", "options": ["Free", "Silver", "Gold", "Trial"]},
    {"key": "seats", "label": "Seats", "type": "number"},
    {"key": "delivered", "label": "Delivered", "type": "date"},
    {"key": "order_no", "label": "Order", "type": "text"},
)
"""Custom fields that six of ten tickets have. Two in a hundred of these are on trial, each order is another."""


@dataclass
class People:
    """Who is there before the tickets are; `teams[i]` has the agents `agents[i::TEAMS]`."""

    teams: Sequence[UUID]
    agents: Sequence[UUID]
    requesters: list[UUID] = field(default_factory=list)
    organizations: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Text:
    """An entry of the pool."""

    subject: str
    body: str
    comment: str


def pool(seed: int) -> list[Text]:
    """The texts that tickets are made of, every second one in Chinese."""
    random = Random(seed)
    made = []
    for number in range(POOL):
        chinese = number % 2 == 1
        about = body(random, random.randrange(3, 8), chinese=chinese)
        made.append(Text(subject(random, chinese=chinese), about, body(random, 2, chinese=chinese)))
    return made


def populate(url: str, people: People, start: int, stop: int, *, of: int, seed: int = 7) -> None:
    """Adds the tickets `start` to `stop` of a history of `of` tickets in `MONTHS` months, and who asked them."""
    texts = pool(seed)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute(_STAGING)
        _fill_pool(connection, texts)
        _add_people(connection, people, max(200, of // 20), seed)
        for first in range(start, stop, CHUNK):
            _copy(connection, people, texts, (first, min(first + CHUNK, stop), of), seed)
        connection.execute(_SEARCH)
        connection.execute(_TAGS)
        connection.execute(_MILESTONES)
        columns = [(clock.value, priority.value, target) for (clock, priority), target in _TARGETS.items()]
        connection.execute(_PROMISES, [list(column) for column in zip(*columns, strict=True)])
        connection.execute("DROP TABLE staged, pool")
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute(FREQUENT_WORDS)
        connection.execute("VACUUM ANALYZE")


def _fill_pool(connection: psycopg.Connection[Any], texts: Sequence[Text]) -> None:
    connection.execute("CREATE TEMP TABLE raw (id int, text text, comment text, codes text[], more text[])")
    with connection.cursor().copy("COPY raw FROM STDIN") as copy:
        for number, one in enumerate(texts):
            copy.write_row((number, words(one.body), words(one.comment), codes(one.body), codes(one.comment)))
    connection.execute(
        "INSERT INTO pool SELECT id, setweight(to_tsvector('english', text), 'C') || array_to_tsvector(codes), "
        "setweight(to_tsvector('english', comment), 'D') || array_to_tsvector(more) FROM raw; DROP TABLE raw"
    )


def _add_people(connection: psycopg.Connection[Any], people: People, count: int, seed: int) -> None:
    random = Random(seed + 1)
    people.organizations = [_id(random) for _ in range(ORGANIZATIONS)]
    people.requesters = [_id(random) for _ in range(count)]
    connection.cursor().executemany(
        "INSERT INTO organizations (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [(one, f"Customer {number}") for number, one in enumerate(people.organizations)],
    )
    with connection.transaction():
        connection.execute("CREATE TEMP TABLE asking (LIKE people INCLUDING DEFAULTS) ON COMMIT DROP")
        with connection.cursor().copy(
            "COPY asking (id, email, name, roles, organization_id) FROM STDIN"
        ) as copy:
            for number, one in enumerate(people.requesters):
                row = (one, f"person{number}@customer.example", f"Person {number}", ["requester"])
                copy.write_row((*row, people.organizations[number % ORGANIZATIONS]))
        connection.execute("INSERT INTO people SELECT * FROM asking ON CONFLICT DO NOTHING")


def _copy(
    connection: psycopg.Connection[Any],
    people: People,
    texts: Sequence[Text],
    span: tuple[int, int, int],
    seed: int,
) -> None:
    start, stop, of = span
    now = datetime.now(UTC)
    staged, comments, fields = [], [], []
    with connection.cursor().copy(f"COPY tickets ({_TICKET_COLUMNS}) FROM STDIN") as copy:
        for number in range(start, stop):
            random = Random(seed * 1_000_003 + number)
            made = _ticket(random, people, texts, now, of - number, of)
            copy.write_row(made.row)
            staged.append(made.staged)
            comments += made.comments
            fields += made.fields
    with connection.cursor().copy(
        "COPY ticket_fields (ticket_id, created_at, key, position, text, number) FROM STDIN"
    ) as copy:
        for row in fields:
            copy.write_row(row)
    with connection.cursor().copy("COPY staged FROM STDIN") as copy:
        for row in staged:
            copy.write_row(row)
    with connection.cursor().copy(
        "COPY ticket_comments (id, ticket_id, author_id, visibility, body, at) FROM STDIN"
    ) as copy:
        for row in comments:
            copy.write_row(row)


@dataclass(frozen=True, slots=True)
class _Made:
    row: tuple[Any, ...]
    staged: tuple[Any, ...]
    comments: list[tuple[Any, ...]]
    fields: list[tuple[Any, ...]]


def _ticket(random: Random, people: People, texts: Sequence[Text], now: datetime, age: int, of: int) -> _Made:
    """The ticket that is the `age`-th from the end of the history."""
    length = timedelta(days=365 * MONTHS / 12)
    created = now - length * (age / of) - timedelta(microseconds=random.randrange(1_000_000))
    ticket_id, chosen = _id(random), random.randrange(POOL)
    # Most of what is still open is recent, and something is always very old.
    active = random.random() < ACTIVE_SHARE * 4 * math.exp(-4 * age / of) + ACTIVE_SHARE / 20
    status = random.choice(_ACTIVE) if active else "resolved" if age < of / 200 else "closed"
    team = random.randrange(TEAMS) if random.random() < 0.97 else None
    agent = (
        None
        if status == "open" or team is None
        else people.agents[team + TEAMS * random.randrange(AGENTS // TEAMS)]
    )
    asker = random.randrange(len(people.requesters))
    rank = random.choices((1, 2, 3, 4), (3, 17, 60, 20))[0]
    answered = created + timedelta(minutes=random.expovariate(1 / 90)) if status != "open" else None
    solved = created + timedelta(hours=random.expovariate(1 / 20)) if not active else None
    worked = {
        ClockName.FIRST_RESPONSE: _since(created, answered),
        ClockName.RESOLUTION: _since(created, solved),
    }
    priority = _PRIORITIES[rank - 1]
    kept = [time <= _TARGETS[clock, priority] for clock, time in worked.items() if time is not None]
    mark = code(random)
    line = f"{texts[chosen].subject} {mark}"
    row = (
        ticket_id, 3, "", line, texts[chosen].body, status, priority.value, rank, priority.value,
        random.choice(CATEGORIES), random.choices(_KINDS, (40, 30, 8, 6, 2, 10, 4))[0],
        random.choices(_CHANNELS, (40, 35, 20, 4, 1))[0], random.choices((1, 2, 3), (80, 18, 2))[0],
        people.requesters[asker], people.organizations[asker % ORGANIZATIONS],
        None if team is None else people.teams[team], agent, "all_full" if status == "open" else None,
        ["vip"] if random.random() < 0.05 else [], created, solved or answered or created, answered, solved,
        solved if status == "closed" else None, int(random.random() < 0.04), active and random.random() < 0.1,
        Jsonb(custom := _custom(random, of - age, created)), *worked.values(),
        None if solved is None else random.random() < 0.6, kept.count(True), kept.count(False),
    )  # fmt: skip
    answer = random.randrange(POOL) if answered else None
    note = random.randrange(POOL) if random.random() < 0.2 else None
    comments = [
        (_id(random), ticket_id, agent, visibility, texts[one].comment, created + timedelta(minutes=30))
        for one, visibility in ((answer, "public"), (note, "internal"))
        if one is not None
    ]
    fields = [
        (ticket_id, created, one.key, one.position, one.text, one.number) for one in comparables(custom)
    ]
    return _Made(row, (ticket_id, words(line), chosen, answer, note, codes(line)), comments, fields)


def _since(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds()


def _custom(random: Random, number: int, created: datetime) -> dict[str, Any]:
    """Values of `FIELDS`."""
    if random.random() > 0.6:
        return {}
    return {
        "plan": random.choices(("Free", "Silver", "Gold", "Trial"), (50, 30, 18, 2))[0],
        "seats": int(random.expovariate(1 / 40)) + 1,
        "delivered": (created - timedelta(days=random.randrange(400))).date().isoformat(),
        "order_no": f"SO-{number:07}",
    }


def _id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)
