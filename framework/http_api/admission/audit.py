"""The audit log: each write is a line of JSON and a log line. Memory holds the latest ones."""

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NamedTuple

import structlog
from structlog.contextvars import get_contextvars

from framework.access import Identity

FILE = "audit.jsonl"
LATEST = 1000
"""How many entries are kept in memory."""
FILE_SIZE, OLD_FILES = 10 * 1024 * 1024, 9
_LONGEST = 400
_TAIL_SIZE = LATEST * 1024

log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """A call that somebody made or tried to make.

    `at` is in seconds since the epoch. `who` and `scope` are those of the token, None without a
    valid one. `outcome` is an HTTP status, or a word. `request` is the id in the other log lines.
    """

    id: str
    at: float
    who: str | None
    scope: str | None
    action: str
    target: str
    outcome: int | str
    client: str
    request: str | None


class Audit:
    """The audit log, in `folder`. Thread safe; `note` returns once the entry is written.

    `now` gives seconds since the epoch, `new_id` a new text each time. If the file cannot be
    written, the log reports it, and the request goes on.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float],
        new_id: Callable[[], str],
        *,
        size: int = FILE_SIZE,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        self._now = now
        self._new_id = new_id
        self._lock = threading.Lock()
        self._latest = deque(_read_latest(path), maxlen=LATEST)
        self._file = _PrivateFile(path, maxBytes=size, backupCount=OLD_FILES, encoding="ascii")

    def note(  # noqa: PLR0917 - a line of five columns
        self, who: Identity | None, action: str, target: str, outcome: int | str, client: str
    ) -> None:
        """Note what somebody has done or tried; `who` is None without a valid token.

        `action` is that of the Operation, `target` what it was done to.
        """
        entry = Entry(
            id=self._new_id(),
            at=self._now(),
            who=who.name if who else None,
            scope=who.highest.value if who and who.highest else None,
            action=action[:_LONGEST],
            target=target[:_LONGEST],
            outcome=outcome,
            client=client[:_LONGEST],
            request=get_contextvars().get("request"),
        )
        with self._lock:
            self._latest.append(entry)
            self._file.handle(logging.makeLogRecord({"msg": json.dumps(entry._asdict())}))
        log.info(
            "audit",
            who=entry.who,
            action=entry.action,
            target=entry.target.encode("unicode_escape").decode(),
            outcome=entry.outcome,
            client=entry.client,
        )

    def latest(self) -> Sequence[Entry]:
        """Return the latest entries of this machine's audit log, the newest last."""
        with self._lock:
            return tuple(self._latest)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _PrivateFile(RotatingFileHandler):
    """A file that only its owner may read."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:
        """Log the line that could not be written."""
        log.exception("the audit log cannot be written", line=record.getMessage())


def _read_latest(path: Path) -> Sequence[Entry]:
    """Return the last entries of the file and of the one before."""
    before = path.with_name(f"{path.name}.1")
    return [entry for file in (before, path) for entry in _read_end(file)][-LATEST:]


def _read_end(path: Path) -> Iterator[Entry]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_SIZE))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            fields = json.loads(line)
            yield Entry(**{name: fields[name] for name in Entry._fields})
        except (ValueError, KeyError, TypeError):
            continue  # the first line may be cut, and a full disk may have cut another
