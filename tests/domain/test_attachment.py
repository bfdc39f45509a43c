"""What a file may be called, what it is, and how it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attachment import (
    ATTACHMENTS_PER_TICKET,
    HEAD_BYTES,
    NAME_LENGTH,
    NAMELESS,
    OPAQUE,
    Intake,
    check_room,
    clean_name,
    media_type_of,
    presentation_of,
)
from domain.errors import Conflict, Invalid, TooLarge

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}


def kind(data: bytes, name: str = "file", declared: str = OPAQUE) -> str:
    intake = Intake(10**9)
    intake.take(data)
    return media_type_of(intake.finish(), name, declared)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\report.docx", "report.docx"),
        ("\\\\server\\share\\a.txt", "a.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("a\x00.png\x1b[31m", "a.png[31m"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("\u2066x\u2069\u200f\u200e\u061c.txt", "x.txt"),
        ("a\u200b\ufeffb.txt", "ab.txt"),
        ("a\u2028b\u2029c", "abc"),
        ("half\ud800.txt", "half.txt"),
        ("👩\u200d👩\u200d👧.png", "👩\u200d👩\u200d👧.png"),
        ("报告 2026.pdf", "报告 2026.pdf"),
        ("e\u0301.txt", "é.txt"),
        ("evil.exe . .", "evil.exe"),
        (".bashrc", ".bashrc"),
        ("  spaced  ", "spaced"),
        *[(empty, NAMELESS) for empty in ("", ".", "..", "/", "a/", "\x00", "\u202e", " . ")],
    ],
)
def test_a_name_is_the_visible_last_part_of_a_path(given_name: str, name: str) -> None:
    assert clean_name(given_name) == name


def test_a_name_that_is_too_long_keeps_its_suffix() -> None:
    assert clean_name("x" * 1000 + ".tar") == "x" * 251 + ".tar"
    assert clean_name("🙂" * 1000) == "🙂" * NAME_LENGTH
    assert clean_name("a." + "x" * 1000) == ("a." + "x" * 1000)[:NAME_LENGTH]


@given(st.text(st.characters(), max_size=600))
def test_a_clean_name_is_harmless_and_stays_as_it_is(raw: str) -> None:
    name = clean_name(raw)
    assert 0 < len(name) <= NAME_LENGTH
    assert not set(name) & set("/\\\r\n\x00")
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert clean_name(name) == name
    name.encode("utf-8")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (b"MZ\x90\x00\x03", "application/x-executable"),
        (b"\x7fELF\x02\x01", "application/x-executable"),
        (b"#!/bin/sh\nrm -rf /", "text/x-script"),
        (b"<?php system($_GET['x']);", "text/x-script"),
        (b"hello\tworld\r\n", "text/plain"),
        ("\ufeff你好，世界".encode(), "text/plain"),
        (b"if a < b and c > d:\n", "text/plain"),
        (b"<!DOCTYPE html><p>", "text/html"),
        (b"\xef\xbb\xbf  \n<p onclick=x>", "text/html"),
        (b"text first, then <ScRiPt>alert(1)</script>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml"),
        (b"<?xml version='1.0'?><svg onload='x'/>", "image/svg+xml"),
        ("你好".encode("gbk"), OPAQUE),
        ("hello".encode("utf-16"), OPAQUE),
        (b"\x00\x01\x02", OPAQUE),
        (b"a\x08b", OPAQUE),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, media_type: str) -> None:
    assert kind(data) == media_type
    assert kind(data, declared="image/webp") == media_type


@pytest.mark.parametrize(
    ("data", "declared", "media_type"),
    [
        (b"a,b\n1,2\n", "text/csv; charset=utf-8", "text/csv"),
        (b'{"a": 1}', "application/json", "application/json"),
        (b"PK\x03\x04", "application/epub+zip", "application/epub+zip"),
        (b"PK\x03\x04", "application/java-archive", "application/zip"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic", "image/heic"),
        (b"<script>", "image/png", "text/html"),
        (b"plain", "text/html", "text/plain"),
        (b"plain", "text/csv\r\nX: y", "text/plain"),
        (b"\x00binary", "text/plain", OPAQUE),
    ],
)
def test_what_was_declared_only_adds_to_what_the_bytes_say(
    data: bytes, declared: str, media_type: str
) -> None:
    assert kind(data, declared=declared) == media_type


@pytest.mark.parametrize("name", ["a.js", "a.HTML", "a.svg", "run.bat", "x.ps1", "a.txt.vbs", "a.desktop"])
def test_text_that_runs_by_its_name_is_not_plain(name: str) -> None:
    assert kind(b"alert(1)", name, "text/plain") == "text/x-script"


def test_a_nul_byte_far_behind_the_head_makes_a_file_opaque() -> None:
    assert kind(b"a" * HEAD_BYTES + b"\x00") == OPAQUE


def test_a_character_cut_by_the_end_of_the_head_is_no_mistake() -> None:
    assert kind(b"a" * (HEAD_BYTES - 1) + "é".encode()) == "text/plain"
    assert kind(b"a" + "é".encode()[:1]) == OPAQUE


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "text/x-script", "application/zip", ""])
def test_what_a_browser_might_run_is_bytes_to_be_saved(media_type: str) -> None:
    shown = presentation_of(media_type)
    assert (shown.media_type, shown.inline) == (OPAQUE, False)


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=40))
def test_only_harmless_types_are_ever_served(data: bytes, name: str, declared: str) -> None:
    shown = presentation_of(kind(data or b"x", name, declared))
    assert shown.media_type in SHOWN | {OPAQUE}
    assert shown.inline is (shown.media_type in SHOWN - {"application/pdf"})


def test_the_chunk_that_goes_over_the_limit_is_refused() -> None:
    intake = Intake(10)
    intake.take(b"x" * 10)
    with pytest.raises(TooLarge):
        intake.take(b"x")


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(Invalid, match="empty"):
        Intake(10).finish()


@given(st.lists(st.binary(max_size=3000), max_size=8).filter(any))
def test_chunks_make_no_difference(chunks: list[bytes]) -> None:
    pieces, whole = Intake(10**6), Intake(10**6)
    for chunk in chunks:
        pieces.take(chunk)
    whole.take(b"".join(chunks))
    assert pieces.finish() == whole.finish()


def test_a_ticket_is_full_some_day() -> None:
    check_room(ATTACHMENTS_PER_TICKET - 1)
    with pytest.raises(Conflict):
        check_room(ATTACHMENTS_PER_TICKET)
