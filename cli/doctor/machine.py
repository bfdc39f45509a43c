"""The doctor's questions to this machine and to what stands beside the desk: disk, API, mail server, attachments."""

import platform
import shutil
from datetime import UTC, datetime
from importlib.metadata import version

import httpx

from adapters.objects import open_objects
from adapters.smtp import sender_for
from cli.client import address_of
from cli.doctor import finding
from cli.doctor.finding import Finding, ok, problem, warning
from domain.notification.delivery import DeliveryFailed
from runtime.home import RESTORING, is_in_use
from runtime.settings import PREFIX, Settings
from runtime.version import desk_version


def versions() -> Finding:
    words = f"Duradesk {desk_version()}, Python {platform.python_version()}, Temporal SDK {version('temporalio')}."
    return ok("versions", words)


def embedded(settings: Settings) -> list[Finding]:
    """What is wrong with the desk of this data directory, if it has its own servers; empty when it runs."""
    if not (settings.embedded_database or settings.embedded_temporal):
        return []
    if (settings.home / RESTORING).exists():
        words = f"A restore into {settings.home} was broken off, or goes on now."
        return [problem("desk", words, "Run `duradesk restore` again if it does not.")]
    if not is_in_use(settings.home):
        words = f"No desk runs on {settings.home}."
        return [problem("desk", words, f"Start it by `duradesk up`, or set {PREFIX}HOME.")]
    return []


def disk(settings: Settings) -> Finding:
    place = settings.home if settings.home.exists() else settings.home.parent
    return finding.disk(shutil.disk_usage(place).free, str(place))


async def api(settings: Settings) -> Finding:
    address = address_of(settings)
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.get(f"{address}/readyz")
            down = [name for name, part in answer.json()["parts"].items() if not part["up"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        words = f"The API does not answer at {address} ({type(error).__name__})."
        return problem("api", words, f"Start it, or set {PREFIX}BASE_URL to where it is.")
    if down:
        return problem("api", f"The API answers at {address} and misses: {', '.join(down)}.", "See below.")
    return ok("api", f"The API answers at {address}.")


async def smtp(settings: Settings) -> Finding:
    sender = sender_for(settings.smtp_url)
    if not sender.configured:
        words = "No mail server is set: mails are kept and can be read."
        return warning("smtp", words, f"Set {PREFIX}SMTP_URL to send them.")
    try:
        await sender.greet(settings.mail_from.rpartition("@")[2])
    except DeliveryFailed as error:
        return problem("smtp", f"{error.detail} ({error.code})", f"Mend {PREFIX}SMTP_URL or the server.")
    return ok("smtp", "The mail server takes us.")


async def attachments(settings: Settings) -> Finding:
    objects = open_objects(settings.attachments_url)
    async for _ in objects.older_than(datetime.now(UTC), "doctor/"):
        break
    return ok("attachments", "The store of attachments answers.")
