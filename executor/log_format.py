"""The executor's own log lines, in the sandbox's stderr. Its stdout has the attempt's log."""

import logging
from collections.abc import Mapping
from datetime import datetime, timezone

from program.logs import log_lines


class LogFormat(logging.Formatter):
    """Lines in a form of program.logs.log_lines, each with the `fields`, which may be replaced."""

    def __init__(self, fields: Mapping[str, str], form: str) -> None:
        super().__init__()
        self.fields = fields
        self._render = log_lines.renderer(form)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        fields: dict[str, object] = {
            "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **self.fields,
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return self._render(fields)
