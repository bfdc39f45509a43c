"""The types of text: what they refuse, and that they keep everything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.text import Body, Email, Fields, Host, Line, Name, Text, TimeZone, Word

BODY = TypeAdapter[str](Body)
LINE = TypeAdapter[str](Line)
NAME = TypeAdapter[str](Name)
WORD = TypeAdapter[str](Word)
EMAIL = TypeAdapter[str](Email)
FIELDS = TypeAdapter[dict[str, object]](Fields)


def _code(adapter: TypeAdapter[str] | TypeAdapter[dict[str, object]], value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return str(caught.value.errors()[0]["type"])


@pytest.mark.parametrize("adapter", [BODY, LINE, NAME, WORD, EMAIL, TypeAdapter(Text)])
@pytest.mark.parametrize("value", ["a\x00b", "\ud83d", "a@b.example\udfff"])
def test_nul_and_half_a_surrogate_pair_are_refused(adapter: TypeAdapter[str], value: str) -> None:
    assert _code(adapter, value) == "invalid_character"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200))
def test_a_body_is_kept_as_it_came(value: str) -> None:
    if value.strip():
        assert BODY.validate_python(value) == value
    else:
        assert _code(BODY, value) == "blank"


@given(st.text(max_size=300))
def test_any_text_is_taken_or_refused_and_what_is_taken_can_be_stored(value: str) -> None:
    for adapter in (BODY, LINE, NAME, WORD, EMAIL):
        try:
            kept = adapter.validate_python(value)
        except ValidationError:
            continue
        assert kept.encode("utf-8")
        assert "\x00" not in kept
        assert adapter.validate_python(kept) == kept


def test_lengths_count_characters() -> None:
    assert len(BODY.validate_python("👩" * 100_000)) == 100_000
    assert _code(BODY, "x" * 100_001) == "string_too_long"
    assert LINE.validate_python(" " + "王" * 500 + " ") == "王" * 500
    assert _code(LINE, "x" * 501) == "string_too_long"
    assert _code(LINE, "   ") == "string_too_short"


def test_crlf_right_to_left_marks_and_emoji_stay() -> None:
    body = "a\r\nb\u202ec\u200f 👩‍👩‍👧 "
    assert BODY.validate_python(body) == body


@pytest.mark.parametrize("value", ["a\nb", "a\r\nBcc: x", "a\u2028b", "a\x0bb", "a\x85b"])
def test_a_line_is_one_line(value: str) -> None:
    assert _code(LINE, value) == "line_break"


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [
        ("Ada@Desk.Example", "Ada@desk.example"),
        (" a@b ", "a@b"),
        ("a+tag_1%x@mail.b-c.example", "a+tag_1%x@mail.b-c.example"),
        ("王小明@例子.中国", "王小明@例子.中国"),
    ],
)
def test_an_address_keeps_its_local_part_and_lowers_its_host(given_address: str, kept: str) -> None:
    assert EMAIL.validate_python(given_address) == kept


@pytest.mark.parametrize(
    "value",
    [
        "nobody", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "a\t@b", "<a@b>", "a@b,c@d", "a@b>",
        "a..b@c", ".a@b", "a.@b", "a@-b", "a@b..c", "a@b.", '"a"@b', "a@[127.0.0.1]",
        "\u202ea@b", "a\u200b@b", "x" * 65 + "@b",
    ],
)  # fmt: skip
def test_what_is_no_bare_address_is_refused(value: str) -> None:
    assert _code(EMAIL, value) == "invalid_email"


def test_a_word_has_no_spaces_and_no_capitals() -> None:
    assert WORD.validate_python(" Getting_Started ") == "getting_started"
    assert WORD.validate_python("存储") == "存储"
    assert _code(WORD, "two words") == "string_pattern_mismatch"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"a": "\\u0000"}', "invalid_character"),
        ('{"\\u0000": 1}', "invalid_character"),
        ('{"a": [{"b": "\\ud800"}]}', "invalid_character"),
        ('{"a": NaN}', "finite_number"),
        ('{"a": 1e999}', "finite_number"),
        ('{"a": 99999999999999999999}', "number_too_large"),
        ('{"a": ' + "[" * 50 + "]" * 50 + "}", "too_deep"),
        (json.dumps({"a": list(range(1000))}), "too_many_fields"),
    ],
)
def test_custom_fields_hold_only_what_can_be_stored(raw: str, code: str) -> None:
    assert _code(FIELDS, json.loads(raw)) == code


def test_custom_fields_are_kept() -> None:
    fields = {"系统": "Windows 👍", "n": 1.5, "on": True, "none": None, "list": [1, {"x": []}]}
    assert FIELDS.validate_python(fields) == fields


@pytest.mark.parametrize(
    "value", ["Mars/Olympus", "../etc/passwd", "", "Asia/", "Asia", "a\x00", "/etc/localtime"]
)
def test_a_time_zone_that_is_not_there_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TimeZone).validate_python(value)


def test_time_zones_and_hosts_are_known_by_name() -> None:
    assert TypeAdapter(TimeZone).validate_python("Asia/Shanghai") == "Asia/Shanghai"
    assert TypeAdapter(Host).validate_python("Mail.Desk.Example") == "mail.desk.example"
