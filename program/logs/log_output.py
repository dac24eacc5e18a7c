"""Writes log lines to stderr, ours and the libraries' alike, in a form of log_lines.py."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from program.logs import log_lines

_FIRST = ("timestamp", "level", "event")


def configure(form: str = "logfmt") -> None:
    """Send every log line to stderr, with its time, its level and the fields of its context.

    May be called again, with another form.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render = log_lines.renderer(form)

    def line(_: object, __: str, fields: MutableMapping[str, Any]) -> str:
        first = {name: fields.pop(name) for name in _FIRST if name in fields}
        return render({**first, **fields})

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                line,
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # These libraries log each request and connection; we log what it means.
    for chatty in ("kazoo", "httpx", "httpcore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
