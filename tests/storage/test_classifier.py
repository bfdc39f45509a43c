"""What the database keeps of the classifier: labels that people gave, versions, and which one is in use."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from domain.account import Role
from domain.classifier.classification import Classification, Guess
from domain.classifier.evaluation import Example, Label, Outcome, Report
from domain.classifier.labels import example_of, practice_of
from domain.classifier.training import KEPT, Conclusion, InForce, NewVersion
from domain.errors import Conflict
from storage import classifier
from storage.account import people, teams
from storage.database import Database
from storage.tables.classifier import ClassifierVersionRow
from storage.tables.ticket import TicketEventRow
from tests.labelled import LabelledDesk, example
from tests.rows import insert_ticket

REPORT = Report(in_use=0, held_out=10, in_use_right=5, candidate_right=9)


def new(run: str, **fields: Any) -> NewVersion:
    values = {"run": run, "labels": run, "tickets": 50, "after_choice": 0, "report": REPORT, "practice": {}}
    return NewVersion.model_validate({**values, "content": run.encode(), **fields})


async def added(database: Database, run: str) -> int:
    async with database.writing() as writer:
        return await classifier.add(writer, new(run))


async def concluded(database: Database, run: str, version: int | None, after: int) -> Outcome:
    end = Conclusion(run=run, outcome=Outcome.TAKEN, trained=version, version=version, after=after)
    async with database.writing() as writer:
        return (await classifier.conclude(writer, end)).outcome


async def in_force(database: Database) -> InForce:
    async with database.reading() as reader:
        return await classifier.in_force(reader)


async def model(database: Database, version: int) -> bytes | None:
    async with database.reading() as reader:
        return await classifier.model(reader, version)


async def learned(database: Database, size: int = 100) -> dict[UUID, Example]:
    async with database.reading() as reader:
        return {one.id: example_of(one) for one in await classifier.labelled(reader, None, size)}


@pytest.fixture
async def ada(database: Database) -> UUID:
    async with database.writing() as writer:
        values = {"email": "ada@desk.example", "name": "Ada", "roles": [Role.AGENT]}
        return (await people.create_person(writer, values)).id


async def test_a_run_makes_one_version_however_often_it_is_tried(database: Database) -> None:
    assert await added(database, "a") == await added(database, "a") == 1
    assert await model(database, 1) == b"a"
    async with database.reading() as reader:
        assert await classifier.of_run(reader, "a") == (1, REPORT, 0)
        assert await classifier.of_run(reader, "b") is None
        assert await classifier.last_labels(reader) == "a"


async def test_bytes_that_were_changed_are_not_handed_out(database: Database) -> None:
    version = await added(database, "a")
    async with database.writing() as writer:
        await writer.execute(update(ClassifierVersionRow).values(content=b"something else"))
    assert await model(database, version) is None


async def test_old_models_are_forgotten_but_not_those_in_use(database: Database) -> None:
    used = await added(database, "used")
    assert await concluded(database, "used", used, 0) is Outcome.TAKEN
    old = await added(database, "old")
    for number in range(KEPT):
        await added(database, f"run {number}")
    assert await model(database, used) == b"used"
    assert await model(database, old) is None
    async with database.reading() as reader:
        kept = {one.version: one.kept for one in await classifier.versions(reader, after=None, size=50)}
    assert kept.pop(old) is False
    assert all(kept.values())


async def test_a_version_is_put_to_use_once_and_only_under_the_choice_it_was_compared_under(
    database: Database,
) -> None:
    first, second = await added(database, "a"), await added(database, "b")
    assert await concluded(database, "a", first, 0) is Outcome.TAKEN
    assert await concluded(database, "a", first, 0) is Outcome.TAKEN
    assert await in_force(database) == InForce(number=1, version=first)
    assert await concluded(database, "b", second, 0) is Outcome.OVERTAKEN
    assert await in_force(database) == InForce(number=1, version=first)
    async with database.reading() as reader:
        last = await classifier.last_training(reader)
    assert last is not None
    assert (last.outcome, last.version) == (Outcome.OVERTAKEN, None)


async def test_rolling_back_by_hand_goes_to_the_one_before_and_holds(database: Database, ada: UUID) -> None:
    first, second = await added(database, "a"), await added(database, "b")
    await concluded(database, "a", first, 0)
    await concluded(database, "b", second, 1)
    async with database.writing() as writer:
        await classifier.choose(writer, None, ada)
    assert await in_force(database) == InForce(number=3, version=first, held=True)
    async with database.reading() as reader:
        choice = await classifier.last_choice(reader)
        assert await classifier.earlier(reader, await classifier.in_force(reader), 5) == [second]
    assert choice is not None
    assert choice.chosen_by is not None
    assert choice.chosen_by.name == "Ada"
    async with database.writing() as writer:
        await classifier.choose(writer, 0, ada)
    assert (await in_force(database)).version == 0


async def test_a_version_without_a_model_cannot_be_chosen(database: Database, ada: UUID) -> None:
    with pytest.raises(Conflict) as refused:
        async with database.writing() as writer:
            await classifier.choose(writer, 7, ada)
    assert refused.value.code == "version_gone"


async def test_resolved_tickets_are_learned_from_the_newest_first(database: Database) -> None:
    ids = await LabelledDesk(database).fill(5)
    assert list(await learned(database, 3)) == ids[:3]
    async with database.reading() as reader:
        last = (await classifier.labelled(reader, None, 3))[-1]
        rest = await classifier.labelled(reader, (last.created_at, last.id), 3)
    assert [one.id for one in rest] == ids[3:]


async def test_an_open_ticket_is_learned_from_when_somebody_put_it_right(
    database: Database, ada: UUID
) -> None:
    corrected = await insert_ticket(database, ada, category="disk", kind="fault")
    await insert_ticket(database, ada, category="disk")
    by_timer = await insert_ticket(database, ada, category="disk")
    merged = await insert_ticket(database, ada, category="disk", status="merged")
    for ticket_id, actor in ((corrected, ada), (merged, ada), (by_timer, None)):
        await changed(database, ticket_id, actor, "category", ["net", "disk"])
    assert set(await learned(database)) == {corrected}


async def changed(
    database: Database, ticket_id: UUID, actor: UUID | None, field: str, pair: list[str]
) -> None:
    """Writes the event of a change into a ticket's history."""
    values = {"ticket_id": ticket_id, "position": 0, "at": datetime.now(UTC), "actor_id": actor}
    async with database.writing() as writer:
        version = 2 + (await writer.scalar(select(func.count()).select_from(TicketEventRow)) or 0)
        event = {**values, "version": version, "type": f"{field}_changed", "data": {field: pair}}
        await writer.execute(insert(TicketEventRow).values(event))


def guessed(**fields: str) -> dict[str, Any]:
    guesses = {field: Guess(value=value, confidence=0.9, sure=True) for field, value in fields.items()}
    return Classification(version=1, **guesses).model_dump(mode="json")


async def test_what_was_guessed_and_stayed_is_no_human_s_word(database: Database, ada: UUID) -> None:
    desk = LabelledDesk(database)
    (stayed,) = await desk.resolve(
        [example(1)], classification=guessed(category="x", kind="fault"), category="x"
    )
    (put_right,) = await desk.resolve([example(2)], classification=guessed(category="x"), category="y")
    (given,) = await desk.resolve([example(3)], category="x")
    found = await learned(database)
    assert found[stayed].labels["category"] == Label(value="x", said=False, prompted=True)
    assert found[put_right].labels["category"] == Label(value="y", prompted=True)
    assert found[given].labels["category"] == Label(value="x")
    async with database.reading() as reader:
        practice = practice_of(await classifier.labelled(reader, None, 100))
    assert (practice["category"].taken, practice["category"].changed) == (2, 1)


async def test_a_priority_is_a_label_when_somebody_named_it(database: Database, ada: UUID) -> None:
    desk = LabelledDesk(database)
    (unnamed,) = await desk.resolve([example(1)], classification=guessed(priority="low"))
    (raised,) = await desk.resolve([example(2)], classification=guessed(priority="low"))
    (named,) = await desk.resolve([example(3)], requested_priority="critical")
    await changed(database, raised, None, "priority", ["normal", "critical"])
    await changed(database, raised, ada, "priority", ["critical", "high"])
    found = await learned(database)
    assert found[unnamed].labels["priority"] == Label(value="normal", said=False)
    assert found[raised].labels["priority"] == Label(value="high")
    assert found[named].labels["priority"] == Label(value="critical")


async def test_categories_are_those_of_the_teams(database: Database) -> None:
    async with database.writing() as writer:
        for name, categories in (("A", ["disk", "net"]), ("B", ["net"])):
            await teams.create_team(writer, {"name": name, "categories": categories}, [])
    async with database.reading() as reader:
        assert await classifier.categories(reader) == {"disk", "net"}
