"""What a real community did, replayed against a new desk: `python -m benchmarks.community FOLDER`, where FOLDER holds
`Posts.xml`, `Votes.xml`, `Comments.xml` and `Badges.xml` of a data dump of Stack Exchange (CC BY-SA, which are not part
of this project).

Facts are told in a random order, a fifth of them twice, and every balance is compared with a computation that knows the
table of points and nothing else of the desk. Whoever has left ten comments is compared with whom the site itself gave
its badge for that. `--lines` only writes the facts, as JSON lines with the numbers of the site for people.
"""

import json
import random
import sys
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5
from xml.etree import ElementTree

import psycopg
import uvloop

from benchmarks.desk import BenchDesk, in_parallel, running_desk
from benchmarks.facts import activate, add_people, counted
from benchmarks.figures import Table, percentile

CLIENTS: Final = 8
BATCH: Final = 100
TOLD_TWICE: Final = 0.2
CAP: Final = 200
POINTS: Final = {"post_created": 10, "post_liked": 5, "comment_added": 2, "accepted_answer": 15}
COMMENTATOR: Final = "Commentator"

_POSTS: Final = ("1", "2")
_ACCEPTED, _UPVOTE = "1", "2"
_PEOPLE: Final = UUID("8a3b1a53-3c0c-5f0e-9a44-5d1f0c7d8e21")

Fact = dict[str, Any]


def facts_of(folder: Path) -> Iterator[Fact]:
    """Questions and answers, votes for them, acceptances, comments; `member` and `by` are numbers of the site. Votes do
    not say whose they are."""
    posts = {row["Id"]: row for row in _rows(folder, "Posts") if row["PostTypeId"] in _POSTS}
    for post, row in posts.items():
        if owner := row.get("OwnerUserId"):
            yield _fact(f"post-{post}", "post_created", owner, row, post)
    for row in _rows(folder, "Votes"):
        voted = posts.get(row["PostId"], {})
        owner, kind = voted.get("OwnerUserId"), row["VoteTypeId"]
        if owner and kind == _UPVOTE:
            yield _fact(f"vote-{row['Id']}", "post_liked", owner, row, row["PostId"])
        elif owner and kind == _ACCEPTED:
            asker = posts.get(voted.get("ParentId", ""), {}).get("OwnerUserId")
            by = {"by": asker} if asker else {}
            yield {**_fact(f"vote-{row['Id']}", "accepted_answer", owner, row, row["PostId"]), **by}
    for row in _rows(folder, "Comments"):
        if owner := row.get("UserId"):
            yield _fact(f"comment-{row['Id']}", "comment_added", owner, row, row["PostId"])


def _rows(folder: Path, name: str) -> Iterator[Mapping[str, str]]:
    for _, element in ElementTree.iterparse(folder / f"{name}.xml"):
        if element.tag == "row":
            yield element.attrib


def _fact(fact_id: str, action: str, member: str, row: Mapping[str, str], post: str) -> Fact:
    at = row["CreationDate"] + "Z"
    return {"fact_id": fact_id, "member": member, "action": action, "at": at, "subject": f"post {post}"}


def expected(facts: Sequence[Fact]) -> Counter[str]:
    """The points of each member, from the table of points: up to 200 a day, accepted answers on top, none from
    oneself."""
    days: dict[tuple[str, str], int] = defaultdict(int)
    points = Counter[str]()
    for fact in facts:
        if fact.get("by") == fact["member"]:
            continue
        if fact["action"] == "accepted_answer":
            points[fact["member"]] += POINTS[fact["action"]]
        else:
            days[fact["member"], fact["at"][:10]] += POINTS[fact["action"]]
    for (member, _), gross in days.items():
        points[member] += min(CAP, gross)
    return points


@dataclass(frozen=True, slots=True)
class Replayed:
    facts: int
    told: int
    seconds: float
    requests: Sequence[float]
    balances: Mapping[str, int]
    holders: frozenset[str]


async def replay(facts: Sequence[Fact]) -> Replayed:
    people = {one: uuid5(_PEOPLE, one) for fact in facts for one in (fact["member"], fact.get("by")) if one}
    chance = random.Random(1)
    telling = [_named(fact, people) for fact in (*facts, *chance.sample(facts, int(len(facts) * TOLD_TWICE)))]
    chance.shuffle(telling)
    batches = [telling[first : first + BATCH] for first in range(0, len(telling), BATCH)]
    async with running_desk(agents=1) as desk, AsyncExitStack() as stack:
        add_people(desk, list(people.values()))
        connections = [
            await stack.enter_async_context(desk.connection(desk.admin_token)) for _ in range(CLIENTS)
        ]
        criteria = {"metric": "count", "action": "comment_added", "operator": ">=", "threshold": 10}
        commentator = await activate(connections[0], COMMENTATOR, criteria)

        def teller(connection: Any) -> Any:
            async def tell(number: int) -> None:
                (await connection.post("/api/v1/facts", {"facts": batches[number]})).expect(202)

            return tell

        began = time.perf_counter()
        block = await in_parallel([teller(one) for one in connections], len(batches))
        await counted(desk)
        seconds = time.perf_counter() - began
        return _found(desk, people, commentator, len(telling), seconds, block.each)


def _named(fact: Fact, people: Mapping[str, UUID]) -> Fact:
    return {**fact, **{name: str(people[fact[name]]) for name in ("member", "by") if name in fact}}


def _found(
    desk: BenchDesk,
    people: Mapping[str, UUID],
    commentator: str,
    told: int,
    seconds: float,
    requests: Sequence[float],
) -> Replayed:
    names = {identity: name for name, identity in people.items()}
    with psycopg.connect(desk.database_url()) as connection:
        balances = connection.execute("SELECT person_id, points FROM members").fetchall()
        statement = "SELECT member_id FROM awards WHERE achievement_id = %s AND state = 'held'"
        holders = connection.execute(statement, [commentator]).fetchall()
        kept = connection.execute("SELECT count(*) FROM member_facts").fetchone()
    assert kept is not None
    return Replayed(
        facts=kept[0],
        told=told,
        seconds=seconds,
        requests=requests,
        balances={names[identity]: points for identity, points in balances},
        holders=frozenset(names[identity] for (identity,) in holders),
    )


def main() -> int:
    parser = ArgumentParser(prog="python -m benchmarks.community", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", action="store_true", help="write the facts and start no desk")
    given = parser.parse_args()
    facts = list(facts_of(given.folder))
    if given.lines:
        sys.stdout.writelines(json.dumps(fact) + "\n" for fact in facts)
        return 0
    found, points = uvloop.run(replay(facts)), expected(facts)
    wrong = [
        one for one in points.keys() | found.balances.keys() if points[one] != found.balances.get(one, 0)
    ]
    commented = Counter(fact["member"] for fact in facts if fact["action"] == "comment_added")
    due = {member for member, count in commented.items() if count >= 10}
    badges = {row["UserId"] for row in _rows(given.folder, "Badges") if row["Name"] == COMMENTATOR}
    table = Table(
        ("what", "number"),
        [
            ("facts told", found.told),
            ("facts kept", found.facts),
            ("facts of the site", len(facts)),
            ("a second, counted", found.told / found.seconds),
            ("request p50, ms", percentile(found.requests, 0.5) * 1000),
            ("members", len(found.balances)),
            ("points", sum(found.balances.values())),
            ("balances that differ from the computation", len(wrong)),
            (f"awards of {COMMENTATOR}", len(found.holders)),
            ("awards that differ from the computation", len(found.holders ^ due)),
            (f"who has the site's own badge {COMMENTATOR}", len(badges)),
            ("holders without the site's own badge", len(found.holders - badges)),
        ],
    )
    print(table.markdown())
    return 1 if wrong or found.holders != due or found.facts != len(facts) else 0


if __name__ == "__main__":
    sys.exit(main())
