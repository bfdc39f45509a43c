"""Made-up tickets with labels to train on: what they are about is in their words, in English and Chinese, and beside it
there is enough chatter that a model has to find it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert

from adapters.classifier import learn
from domain.classifier.classification import RULES, FieldName
from domain.classifier.evaluation import Example, Label, Outcome, Report
from domain.classifier.training import Conclusion, Done, NewVersion, Task
from storage import classifier
from storage.account import people
from storage.database import Database
from storage.tables.ticket import TicketRow

_ABOUT: Final = {
    "printing": ("printer", "toner", "paper jam", "duplex", "打印机", "硒鼓"),
    "travel": ("flight", "hotel", "visa", "booking", "机票", "酒店"),
    "payroll": ("salary", "payslip", "overtime", "tax card", "工资", "加班费"),
}
_KINDS: Final = {
    "fault": ("It crashed again", "an error appears", "突然报错了"),
    "getting_started": ("How do I begin with", "Where can I find", "请问怎么使用"),
    "suggestion": ("It would be nice to improve", "Please add more", "建议增加"),
}
_CHATTER: Final = (
    "hello",
    "thanks",
    "since Monday",
    "in our office",
    "my colleague said",
    "on the third floor",
    "您好",
    "谢谢",
    "我们公司",
    "今天上午",
)


def example(number: int, *, seed: int = 1, said: bool = True, prompted: bool = False) -> Example:
    """The same number and seed make the same ticket."""
    random = Random(f"{seed}:{number}")
    category, kind = random.choice(sorted(_ABOUT)), random.choice(sorted(_KINDS))
    words = [*random.sample(_ABOUT[category], 2), *random.sample(_CHATTER, 4)]
    random.shuffle(words)
    return Example(
        ticket_id=UUID(int=seed << 64 | number),
        subject=f"{random.choice(_KINDS[kind])} {random.choice(_ABOUT[category])}",
        description=" ".join(words),
        labels={
            "category": Label(value=category, said=said, prompted=prompted),
            "kind": Label(value=kind, said=said, prompted=prompted),
        },
    )


def examples(count: int, *, seed: int = 1, said: bool = True, prompted: bool = False) -> list[Example]:
    return [example(number, seed=seed, said=said, prompted=prompted) for number in range(count)]


def misled(one: Example, field: FieldName, value: str) -> Example:
    """The same ticket with another label."""
    return one.model_copy(update={"labels": {**one.labels, field: Label(value=value)}})


async def learned(task: Task) -> Done:
    """What the trainer makes of it, without a process of its own: `tests/adapters/test_classifier.py` is about that."""
    return await asyncio.to_thread(learn, task)


class LabelledDesk:
    """Puts made-up tickets into the database as resolved ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fill(self, count: int, *, seed: int = 1, **fields: Any) -> list[UUID]:
        return await self.resolve(examples(count, seed=seed), **fields)

    async def resolve(self, found: Sequence[Example], **fields: Any) -> list[UUID]:
        """`fields` are columns of tickets."""
        now = datetime.now(UTC)
        async with self._database.writing() as writer:
            requester_id = await people.ensure_person(writer, "lin.wei@customers.example", "Lin Wei")
            rows = [
                {
                    "id": one.ticket_id,
                    "version": 1,
                    "fingerprint": "",
                    "subject": one.subject,
                    "description": one.description,
                    "status": "resolved",
                    "priority": "normal",
                    "rank": 3,
                    "requested_priority": "normal",
                    "category": one.labels["category"].value,
                    "kind": one.labels["kind"].value,
                    "channel": "api",
                    "tier": 1,
                    "requester_id": requester_id,
                    "created_at": now - timedelta(minutes=place),
                    "updated_at": now,
                    **fields,
                }
                for place, one in enumerate(found)
            ]
            await writer.execute(insert(TicketRow), rows)
        return [one.ticket_id for one in found]


async def put_to_use(database: Database, content: bytes) -> int:
    """A version with this model, as if a training had made it and it were good."""
    run = str(uuid4())
    report = Report(in_use=RULES, held_out=1, in_use_right=0, candidate_right=1)
    async with database.writing() as writer:
        after = (await classifier.in_force(writer)).number
        new = NewVersion(
            run=run, labels=run, tickets=1, after_choice=after, report=report, practice={}, content=content
        )
        version = await classifier.add(writer, new)
        end = Conclusion(run=run, outcome=Outcome.TAKEN, trained=version, version=version, after=after)
        await classifier.conclude(writer, end)
    return version


async def a_model() -> bytes:
    """One that knows the made-up tickets."""
    done = await learned(Task(threshold=0.7, categories=[], in_use=RULES, examples=examples(120)))
    assert done.model is not None
    return done.model
