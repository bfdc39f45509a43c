"""The intake of facts, for programs that watch what people do. What comes of a fact shows a moment later."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import Form, Instant, absent, as_request
from domain.authorization import check
from domain.errors import Invalid
from domain.member.fact import AMOUNT_MAX, BATCH_MAX, NewFact, received
from domain.text import Name, Word
from storage.member import facts as intake
from storage.member.rules import rules

router = APIRouter()

LINES: Final = "application/jsonl"
LINES_MAX: Final = 10_000
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {LINES: {"schema": {"type": "string", "format": "binary"}}},
    }
}


class FactForm(Form):
    """`at` is when it happened, now if left out; `by` is the person who caused it, `subject` the thing that it is
    about, `amount` what a sum adds up. With `reverses` it takes another fact of the same member back."""

    fact_id: Name
    action: Word
    at: Instant = Field(default_factory=absent)
    amount: Annotated[int, Field(ge=0, le=AMOUNT_MAX)] = Field(default_factory=absent)
    by: UUID = Field(default_factory=absent)
    subject: Name = Field(default_factory=absent)
    reverses: Name = Field(default_factory=absent)


class MemberFactForm(FactForm):
    member: UUID


class FactsForm(Form):
    """All of them are taken, or none."""

    facts: Annotated[list[MemberFactForm], Field(min_length=1, max_length=BATCH_MAX)]


class Taken(BaseModel):
    """How many facts are new, and how many were known by their ids."""

    new: int
    known: int


@router.post("/members/{member_id}/facts", status_code=202, responses=problems(403, 404, 409))
async def add_fact(member_id: UUID, form: FactForm, caller: Caller, desk: CurrentDesk) -> Taken:
    """One thing that somebody contributed. The same `fact_id` again changes nothing; with another body it is
    refused."""
    check(caller, "fact.write")
    return await _take(desk, [(member_id, form, "")])


@router.post("/facts", status_code=202, responses=problems(403, 404, 409))
async def add_facts(form: FactsForm, caller: Caller, desk: CurrentDesk) -> Taken:
    """Up to 1,000 facts of any members, in one transaction."""
    check(caller, "fact.write")
    return await _take(
        desk, [(fact.member, fact, f"facts.{place}.") for place, fact in enumerate(form.facts)]
    )


@router.post(
    "/facts/import", status_code=202, openapi_extra=_BODY, responses=problems(403, 404, 409, 413, 415)
)
async def import_facts(caller: Caller, desk: CurrentDesk, request: Request) -> Taken:
    """A fact a line, each with its `member`, as JSON lines: up to 10,000, in one transaction. What is wrong is told
    with the number of its line."""
    check(caller, "fact.write")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != LINES:
        raise HTTPException(415, f"Send the lines as {LINES}.")
    return await _take(desk, list(_lines(await request.body())))


def _lines(body: bytes) -> Iterator[tuple[UUID, FactForm, str]]:
    """The facts with their places; lines without anything on them are left out."""
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    if len(lines) > LINES_MAX:
        raise Invalid("too_many_lines", f"At most {LINES_MAX} lines at once.", field="lines")
    for number, line in lines:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise Invalid(
                "invalid_json", f"Line {number} is not JSON in UTF-8.", field=f"lines.{number}"
            ) from None
        with as_request("lines", str(number)):
            fact = MemberFactForm.model_validate(value)
        yield fact.member, fact, f"lines.{number}."


async def _take(desk: Desk, forms: Sequence[tuple[UUID, FactForm, str]]) -> Taken:
    now = datetime.now(UTC)
    async with desk.database.writing() as writer:
        worth = await rules(writer)
        kept = await intake.receive(
            writer, [received(member, _fact(form), worth, now, place) for member, form, place in forms]
        )
    return Taken(new=kept.new, known=kept.known)


def _fact(form: FactForm) -> NewFact:
    return NewFact.model_validate(form.model_dump(include=set(form.model_fields_set) - {"member"}))
