"""Made-up tickets with labels to train on: what they are about is in their words, in English and Chinese, and beside it
there is enough chatter that a model has to find it."""

from random import Random
from typing import Final
from uuid import UUID

from domain.classifier.classification import FieldName
from domain.classifier.evaluation import Example, Label

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
