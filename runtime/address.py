"""How settings name other machines: URLs, `host:port`, and the mail server. Pure; nobody is asked whether it is there.

What is refused is told without the value, for a password stands in some of these.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

StartTls = Literal["auto", "always", "never"]

SMTP_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
SMTP_TIMEOUT: Final = timedelta(seconds=30)
_SMTP_TIMEOUT_MAX: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`starttls`: `auto` encrypts when the server offers it, `always` insists, `never` does not ask."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    starttls: StartTls = "auto"
    verify: bool = True
    timeout: timedelta = SMTP_TIMEOUT


def parse_url(url: str, *schemes: str, with_host: bool = True) -> SplitResult:
    """Raises ValueError, also for a port that is none; `with_host` says whether there must be a host."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError
    except ValueError:
        raise ValueError(
            "must be a URL whose port is a number; in names and passwords, :/?#[]@ are written as %3A and so on"
        ) from None
    if parts.scheme not in schemes or "://" not in url:
        raise ValueError("must start with " + " or ".join(f"{scheme}://" for scheme in schemes))
    if not url.isprintable() or any(character.isspace() for character in parts.netloc):
        raise ValueError("must have no spaces and line breaks")
    if with_host and not parts.hostname:
        raise ValueError(f"must name a host, such as {parts.scheme}://host.example.com")
    return parts


def check_host_and_port(address: str) -> None:
    """Raises ValueError unless it is `host:port`, or `[host]:port` with an address of IPv6."""
    try:
        parts = urlsplit(f"//{address}")
        right = parts.netloc == address and bool(parts.hostname and parts.port) and "@" not in address
    except ValueError:
        right = False
    if not right or not address.isprintable() or " " in address:
        raise ValueError("must be host:port, such as temporal.example.com:7233")


def parse_smtp_url(url: str) -> SmtpServer:
    """`smtp://`, `smtp+starttls://` or `smtps://`, then `user:password@host:port`, then options:
    `?starttls=auto|always|never`, `verify=no` (any certificate will do), `timeout=<seconds>`. Raises ValueError.
    """
    parts = parse_url(url, *SMTP_PORTS)
    if parts.path not in ("", "/"):
        raise ValueError("must look like smtp://user:password@host:port")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = options.pop("starttls", "always" if parts.scheme == "smtp+starttls" else "auto")
    verify = options.pop("verify", "yes")
    seconds = options.pop("timeout", str(SMTP_TIMEOUT.seconds))
    if options:
        raise ValueError("has an option other than starttls, verify and timeout")
    if starttls not in get_args(StartTls):
        raise ValueError("starttls must be auto, always or never")
    if verify not in ("yes", "no"):
        raise ValueError("verify must be yes or no")
    if not seconds.isdecimal() or not 0 < int(seconds) <= _SMTP_TIMEOUT_MAX.total_seconds():
        raise ValueError(f"timeout must be 1 to {_SMTP_TIMEOUT_MAX.seconds} seconds")
    assert parts.hostname
    return SmtpServer(
        host=parts.hostname,
        port=parts.port or SMTP_PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=cast(StartTls, starttls),
        verify=verify == "yes",
        timeout=timedelta(seconds=int(seconds)),
    )
