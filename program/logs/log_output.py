"""Writes log lines to stderr, ours and the libraries' alike, in a form of log_lines.py."""

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from program.logs import log_lines

_FIRST = ("timestamp", "level", "event")


def configure(form: str = "logfmt") -> None:
    """Send every log line to stderr, with its time, its level and the fields of its context.

    May be called again, with another form.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, log_lines.renderer(form)))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # These libraries log each request and connection; we log what it means.
    for chatty in ("kazoo", "httpx", "httpcore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _formatter(shared: Sequence[Processor], render: log_lines.Render) -> ProcessorFormatter:
    """Return the formatter of all lines; `shared` also handles those of libraries."""

    def line(_: object, __: str, fields: MutableMapping[str, Any]) -> str:
        first = {name: fields.pop(name) for name in _FIRST if name in fields}
        return render({**first, **fields})

    return ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            line,
        ],
    )
