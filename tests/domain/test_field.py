"""What fits a custom field."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.field import Field, FieldType, check_complete, check_values

T0 = datetime(2026, 11, 21, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def field(type_: FieldType, **values: Any) -> Field:
    options = ("prod", "test") if type_ in (FieldType.CHOICE, FieldType.CHOICES) else ()
    given = {"categories": (), "required": False, "active": True, "options": options, **values}
    return Field(
        id=uuid4(),
        key="env",
        label="Environment",
        type=type_,
        version=1,
        created_at=T0,
        updated_at=T0,
        **given,
    )


@pytest.mark.parametrize(
    ("type_", "fits", "not_"),
    [
        (FieldType.TEXT, ["", "正式"], [1, True, ["x"], "x" * 2001]),
        (FieldType.NUMBER, [0, -1.5], [True, "1", [1]]),
        (FieldType.BOOLEAN, [True, False], [0, "true"]),
        (FieldType.DATE, ["2026-11-21"], ["2026-11-32", "20261121", "2026-11-21T00:00", 20261121]),
        (FieldType.CHOICE, ["prod"], ["Prod", ["prod"], "", {}]),
        (FieldType.CHOICES, [[], ["prod", "test"]], ["prod", ["other"], [["prod"]]]),
    ],
)
def test_a_value_fits_its_type(type_: FieldType, fits: list[Any], not_: list[Any]) -> None:
    for value in (*fits, None):
        check_values([field(type_)], None, {"env": value})
    for value in not_:
        with pytest.raises(Invalid) as refused:
            check_values([field(type_)], None, {"env": value})
        assert (refused.value.code, refused.value.field) == ("wrong_type", "custom_fields.env")


@given(st.sampled_from(FieldType), JSON)
def test_no_value_is_worse_than_refused(type_: FieldType, value: Any) -> None:
    with suppress(Invalid):
        check_values([field(type_)], None, {"env": value})


def test_a_field_is_for_its_categories_while_it_is_in_use() -> None:
    of_storage = field(FieldType.DATE, categories=("storage",), required=True)
    check_values([of_storage], "storage", {"env": date(2026, 1, 1).isoformat(), "other": object})
    with pytest.raises(Invalid, match="storage"):
        check_values([of_storage], "network", {"env": "2026-01-01"})
    check_complete([of_storage], "network", {})
    for empty in ({}, {"env": None}, {"env": ""}):
        with pytest.raises(Invalid) as refused:
            check_complete([of_storage], "storage", empty)
        assert refused.value.code == "required"
    retired = of_storage.model_copy(update={"active": False})
    check_complete([retired], "storage", {})
    check_values([retired], "storage", {"env": 5})
