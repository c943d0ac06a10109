"""Telemetry: structured logs, one JSON object a line, and Prometheus figures of all processes."""

import logging
import logging.handlers
import os
import sys

import structlog
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from structlog.typing import EventDict, Processor

from zhiyin.cloud.settings import Settings

METRICS = "PROMETHEUS_MULTIPROC_DIR"


def log_to_file(settings: Settings, process: str) -> None:
    """Send structured logs of this process to `log/<process>.log`, renewed at `log.mib`."""
    file = settings.folder / "log" / f"{process}.log"
    handler: logging.Handler
    try:
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=settings.log.mib * 1024 * 1024, backupCount=3, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler(sys.stderr)

    def named(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    each: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        named,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    # What libraries log through the standard library takes the same form.
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=each)
    )
    logging.raiseExceptions = False  # a full disk must not end the process through its log
    level = getattr(logging, settings.log.level.upper(), logging.INFO)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for loud in ("aiosqlite", "asyncio", "httpx", "alembic"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*each, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def metrics_page() -> bytes:
    """Return the figures of every process of this brain in Prometheus' text form."""
    if METRICS in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest()
