"""URLs and hosts of settings: what is taken from them, and what is refused without a word of the password."""

from datetime import timedelta

import pytest

from runtime.address import check_host_and_port, parse_smtp_url, parse_url


def test_a_mail_server_is_read_with_its_options() -> None:
    server = parse_smtp_url("smtp://desk:p%40ss@mail.example:2525?starttls=never&verify=no&timeout=5")
    assert (server.host, server.port, server.username, server.password) == (
        "mail.example",
        2525,
        "desk",
        "p@ss",
    )
    assert (server.starttls, server.verify, server.timeout) == ("never", False, timedelta(seconds=5))


def test_the_port_and_the_encryption_of_mail_follow_from_the_scheme() -> None:
    plain, insisting, encrypted = (
        parse_smtp_url(f"{scheme}://mail.example") for scheme in ("smtp", "smtp+starttls", "smtps")
    )
    assert [(one.port, one.tls, one.starttls) for one in (plain, insisting, encrypted)] == [
        (25, False, "auto"),
        (587, False, "always"),
        (465, True, "auto"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp://",
        "smtp:mail.example",
        "smtp://user:secret@mail.example/path",
        "smtp://user:secret@mail.example?color=red",
        "smtp://user:secret@mail.example?timeout=0",
        "smtp://user:secret@mail.example?timeout=soon",
        "smtp://user:secret@mail.example?starttls=maybe",
        "smtp://user:secret@mail.example?verify=",
        "smtp://user:secret@mail.example:99999",
        "smtp://user:secret@mail.example:smtp",
        "smtp://user:secret@[mail.example",
        "smtp://user:sec/secret@mail.example",
        "smtp://user:sec?secret@mail.example",
        "smtp://user:sec#secret@mail.example",
        "smtp://user:secret@mail\u2100.example",
        "smtp://user:secret@mail .example",
        "smtp://user:secret@mail.example\n",
    ],
)
def test_a_wrong_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as wrong:
        parse_smtp_url(url)
    assert "secret" not in str(wrong.value)


def test_only_some_urls_may_go_without_a_host() -> None:
    assert parse_url("postgresql://desk@/desk?host=/run", "postgresql", with_host=False).path == "/desk"
    with pytest.raises(ValueError, match="must name a host, such as https://"):
        parse_url("https://:8000/", "http", "https")


@pytest.mark.parametrize("address", ["temporal.example:7233", "127.0.0.1:1", "[::1]:65535"])
def test_a_host_and_its_port_are_taken(address: str) -> None:
    check_host_and_port(address)


@pytest.mark.parametrize(
    "address",
    [
        "host",
        "host:",
        ":7233",
        "host:0",
        "host:65536",
        "host:port",
        "::1:7233",
        "[::1:7233",
        "h h:1",
        "host:1/x",
        "me@host:1",
        "host:1\n",
        "host:１",
    ],
)
def test_what_is_no_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must be host:port"):
        check_host_and_port(address)
