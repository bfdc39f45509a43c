"""Custom fields: their definitions. A key and a type never change, because tickets hold values of them."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field as Limits
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, whole
from domain.authorization import check
from domain.errors import Invalid
from domain.field import CHOOSING, KEY, OPTIONS_LIMIT, Field, FieldType
from domain.text import Name, Word
from storage import field as fields

router = APIRouter(prefix="/fields", tags=["fields"])

Key = Annotated[str, Limits(pattern=rf"^{KEY}$")]
Options = Annotated[list[Name], Limits(max_length=OPTIONS_LIMIT)]
Categories = Annotated[list[Word], Limits(max_length=100)]


class NewField(Form):
    """`options` are for the types `choice` and `choices` only."""

    key: Key
    label: Name
    type: FieldType
    options: Options = []
    categories: Categories = []
    required: bool = False

    @model_validator(mode="after")
    def _options(self) -> Self:
        if (self.type in CHOOSING) != bool(self.options):
            raise PydanticCustomError(
                "options", "Fields to choose from have options, other fields have none."
            )
        return self


class FieldChanges(Form):
    """Only the fields that are sent change."""

    label: Name = Limits(default_factory=absent)
    options: Options = Limits(default_factory=absent)
    categories: Categories = Limits(default_factory=absent)
    required: bool = Limits(default_factory=absent)
    active: bool = Limits(default_factory=absent)


@router.get("")
async def list_fields(caller: Caller, desk: CurrentDesk) -> Page[Field]:
    """All custom fields, by key."""
    check(caller, "field.read")
    async with desk.database.reading() as reader:
        return whole(await fields.fields(reader))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_field(form: NewField, caller: Caller, desk: CurrentDesk, response: Response) -> Field:
    check(caller, "field.write")
    async with desk.database.writing() as writer:
        made = await fields.create(writer, form.model_dump())
    response.headers["Location"] = f"/api/v1/fields/{made.id}"
    return made


@router.get("/{field_id}", responses=problems(404))
async def read_field(field_id: UUID, caller: Caller, desk: CurrentDesk) -> Field:
    check(caller, "field.read")
    async with desk.database.reading() as reader:
        return await fields.field(reader, field_id)


@router.patch("/{field_id}", responses=problems(403, 404, 412))
async def change_field(
    field_id: UUID, form: FieldChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Field:
    """A field that is no longer `active` is asked for nowhere; its values stay."""
    check(caller, "field.write")
    changes = form.model_dump(include=set(form.model_fields_set))
    async with desk.database.writing() as writer:
        known = await fields.field(writer, field_id)
        if "options" in changes and (known.type in CHOOSING) != bool(changes["options"]):
            raise Invalid(
                "options", "Fields to choose from have options, other fields have none.", field="options"
            )
        return await fields.change(writer, field_id, changes, if_match)
