"""Lines: numbered, bounded, and each one's mistake told apart."""

import asyncio
import os
from io import BytesIO
from typing import cast

import pytest

from cli.lines import LINE_LIMIT, BadLine, RawLine, feed, parse, read_lines


def _texts(data: bytes, limit: int = LINE_LIMIT) -> list[tuple[int, bytes | None]]:
    return [(line.number, line.text) for line in read_lines(BytesIO(data), limit)]


def test_lines_are_numbered_as_an_editor_does_and_blank_ones_left_out() -> None:
    assert _texts(b"a\n\n  \r\nb\r\nc") == [(1, b"a"), (4, b"b"), (5, b"c")]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert _texts(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n") == [(1, b"{}"), (2, b"\xef\xbb\xbf{}")]


def test_a_line_of_just_the_limit_is_kept_and_a_longer_one_only_counted() -> None:
    data = b"x" * 10 + b"\n" + b"y" * 11 + b"\n" + b"z\n"
    assert _texts(data, limit=10) == [(1, b"x" * 10), (2, None), (3, b"z")]
    assert sum(line.size for line in read_lines(BytesIO(data), 10)) == len(data)


class _Measured(BytesIO):
    """Remembers how much was asked for at once."""

    asked = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0
        self.asked = max(self.asked, size)
        return super().readline(size)


def test_a_line_without_an_end_is_never_held_in_memory() -> None:
    file = _Measured(b"x" * 3 * 2**20 + b"\n{}\n")
    assert [(line.number, line.text) for line in read_lines(file, limit=2**17)] == [(1, None), (2, b"{}")]
    assert file.asked == 2**17 + 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (b"{", "invalid_json", "character 2"),
        (b'{"a": NaN}', "invalid_json", "NaN"),
        (b'{"a": -Infinity}', "invalid_json", "Infinity"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json", "digits"),
        (b"[" * 100_000, "invalid_json", "nested too deeply"),
        (b'{"a": "\xff"}', "invalid_utf8", "Byte 8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_utf8", "UTF-8"),
        (b"[1]", "not_an_object", "not an object"),
        (b"null", "not_an_object", "not an object"),
        (b"\x00", "invalid_json", "character 1"),
        (None, "line_too_long", "7 bytes"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(text: bytes | None, code: str, words: str) -> None:
    with pytest.raises(BadLine) as raised:
        parse(RawLine(1, text, 7))
    assert raised.value.code == code
    assert words in raised.value.reason


def test_what_json_can_say_is_kept_exactly() -> None:
    text = '{"n": 12345678901234567890123, "t": "磁盘 \\ud83d\\ude00 \\u202e"}'.encode()
    assert parse(RawLine(1, text, len(text))) == {"n": 12345678901234567890123, "t": "磁盘 😀 \u202e"}


async def test_a_feed_hands_on_every_line_in_order() -> None:
    data = b"".join(b"%d\n" % number for number in range(1000))
    found = [line.number async for line in feed(BytesIO(data))]
    assert found == list(range(1, 1001))


async def test_a_feed_raises_what_went_wrong_while_reading() -> None:
    class Broken(BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        _ = [line async for line in feed(Broken())]


async def test_a_silent_pipe_does_not_hold_up_the_end() -> None:
    reading, writing = os.pipe()
    file = os.fdopen(reading, "rb")

    async def first() -> int:
        async for line in feed(cast(BytesIO, file)):
            return line.number
        return 0

    os.write(writing, b"{}\n")
    async with asyncio.timeout(5):
        assert await first() == 1
    os.close(writing)  # only now the thread's reading ends
    file.close()
