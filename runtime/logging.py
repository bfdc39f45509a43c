"""Log lines: one renderer for our own (structlog) and for the libraries' (stdlib logging), on standard error.

`DURADESK_LOG_FORMAT` chooses lines for people or JSON objects for programs. What looks like a secret is
masked here, whoever logs it, and errors are told as `runtime.redaction` allows; nothing else of the desk formats
or filters log lines.
"""

import logging
import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from runtime import tracing
from runtime.origin import record_of
from runtime.redaction import MASK, redactor, told_in_full
from runtime.settings import Settings

_SECRET_NAME = re.compile(r"password|secret|token|authorization|api_?key|cookie|credential", re.IGNORECASE)
_URL_SECRET = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
# They tell their life story at INFO.
_TELLS_PAYLOADS = "temporalio.worker"  # at DEBUG it tells whole payloads, with the texts of tickets
_TALKATIVE = ("uvicorn", "uvicorn.access", "uvicorn.error", "httpx", "httpcore", "alembic", "temporalio")


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Sends every log line of this process through one renderer. Repeating it replaces the former setting."""
    output = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_what_it_is_about,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(_traceback),
        mask_secrets,
    ]
    renderer = _redacted(_renderer(settings.log_format == "json", output), redactor(settings))
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=output),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))
    logging.getLogger(_TELLS_PAYLOADS).setLevel(max(level, logging.INFO))


def name_what_it_is_about(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The ids of Temporal's own lines under the names that ours have, and the trace."""
    for details in (event.pop("temporal_workflow", None), event.pop("temporal_activity", None)):
        if isinstance(details, dict):
            known = {"run_id": details.get("run_id") or details.get("workflow_run_id")}
            known |= {name: details[name] for name in ("activity_type", "attempt") if name in details}
            event = {**record_of(str(details.get("workflow_id", ""))), **known, **event}
    trace_id = tracing.trace_id()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Masks values whose name tells a secret, and passwords inside URLs and authorization headers."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and not name.endswith("_id") and not isinstance(value, bool | None):
        return MASK
    if isinstance(value, str):
        return _BEARER.sub(rf"\1 {MASK}", _URL_SECRET.sub(rf"\1:{MASK}@", value))
    if isinstance(value, dict):
        return {str(key): _masked(str(key), inner) for key, inner in value.items()}
    return value


def _traceback(exc_info: ExcInfo) -> str:
    return told_in_full(exc_info[1])


def _redacted(render: Processor, redact: Callable[[str], str]) -> Processor:
    def rendered(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return redact(str(render(logger, method, event)))

    return rendered


def _renderer(as_json: bool, output: TextIO) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(serializer=_dumps)
    return structlog.dev.ConsoleRenderer(
        colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def _dumps(value: Any, **options: Any) -> str:
    return orjson.dumps(value, default=options.get("default", str)).decode()
