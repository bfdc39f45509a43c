"""What a process shows at /metrics: its own figures and those of Temporal's SDK, as one page of Prometheus' text.

The SDK counts in Rust and serves its figures on a port of 127.0.0.1 that it alone knows; they are fetched when
somebody asks. Every sample tells its `part` (`api`, `worker`), so pages of several processes may be put
together. What is counted is said where it happens.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client import disable_created_metrics, generate_latest
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from runtime.supervisor import free_port

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LOCAL: Final = "127.0.0.1"
_TRIES: Final = 5
_PATIENCE: Final = 2.0

Page = Callable[[], Awaitable[str]]
"""Gives figures as Prometheus' text."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped


def metered_runtime() -> tuple[Runtime, Page]:
    """A runtime for Temporal clients that counts, and the page of what it counted. One for a process."""
    for last in (*[False] * (_TRIES - 1), True):
        address = f"{_LOCAL}:{free_port()}"
        config = PrometheusConfig(
            bind_address=address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
        )
        try:
            return Runtime(telemetry=TelemetryConfig(metrics=config)), page_at(f"http://{address}/metrics")
        except ValueError:  # somebody took the port in between
            if last:
                raise
    raise AssertionError


def page_at(url: str) -> Page:
    """The page of somebody else; empty while they do not answer."""

    def fetch() -> str:
        try:
            with urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310  the operator's or our own address
                text: str = answer.read().decode()
                return text
        except (URLError, OSError):
            return ""

    async def page() -> str:
        return await asyncio.to_thread(fetch)

    return page


async def whole_page(part: str, *pages: Page, others: Iterable[Page] = ()) -> str:
    """The figures of this process (`part`), with `pages` of its own and `others` that tell their part."""
    own = [generate_latest().decode(), *await asyncio.gather(*(page() for page in pages))]
    of_others = await asyncio.gather(*(page() for page in others))
    return together(*("\n".join(_labelled(text, part)) for text in own), *of_others)


def together(*pages: str) -> str:
    """One page of several: each family of samples once, with its samples of all pages."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for page in pages:
        name = ""
        for line in page.splitlines():
            if line.startswith("# "):
                name = line.split(" ", 3)[2]
                if not samples.get(name) and line not in heads.setdefault(name, []):
                    heads[name].append(line)
                samples.setdefault(name, [])
            elif line:
                samples[name].append(line)
    return "".join(f"{line}\n" for name in heads for line in (*heads[name], *samples[name]))


def _labelled(page: str, part: str) -> Iterator[str]:
    for line in page.splitlines():
        if line.startswith("#"):
            yield line
            continue
        name, brace, rest = line.partition("{")
        if brace:
            yield f'{name}{{part="{part}",{rest}'
        else:
            name, _, value = line.partition(" ")
            yield f'{name}{{part="{part}"}} {value}'
