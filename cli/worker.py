"""`duradesk worker`: the workers of one queue, or of all, as a process. What they run is `workers.main`."""

from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from cli.options import Gated, begin, settle, until_told
from domain.queues import DELIVERY, PROCESS
from runtime.tracing import start_tracing
from workers.main import run_workers


class Queue(StrEnum):
    PROCESS = "process"
    DELIVERY = "delivery"
    ALL = "all"


_TASK_QUEUES = {Queue.PROCESS: (PROCESS,), Queue.DELIVERY: (DELIVERY,), Queue.ALL: (PROCESS, DELIVERY)}


def register(app: typer.Typer) -> None:
    app.command("worker")(worker)


def worker(
    queue: Annotated[Queue, typer.Option(help="Which work to do.")] = Queue.ALL, gated: Gated = False
) -> None:
    """Run the durable processes and deliveries."""
    settings = begin(gated)
    settle()
    stop_tracing = start_tracing(settings, "worker")
    try:
        uvloop.run(until_told(run_workers(settings, _TASK_QUEUES[queue])))
    finally:
        stop_tracing()
