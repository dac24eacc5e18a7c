"""What the command of a job says about its progress: read again and again, told when it changes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from executor.errors import ExecutorError
from prevs.work import Progress

_PAUSE = 5.0
"""Seconds between two readings of the file. A shorter job tells its progress only at its end."""

_LONGEST_PAUSE = 60.0
"""The same for a command that has not written any for long, as most never do."""

_MOST_SHOWN = 120
"""Characters of the words that are told. They share one line with the state of the job."""

_LINE = re.compile(r"(?:(\d{1,3})(?:[.,]\d+)?\s*%?(?!\S))?\s*(.*)", re.ASCII)

logger = logging.getLogger(__name__)


def follow(
    read: Callable[[], bytes | None],
    report: Callable[[Progress], None],
    wait: Callable[[float], bool],
) -> None:
    """Report what the file of `read` says, each time it changes. Never raises.

    Blocks until `wait`, which waits so many seconds, returns True.
    """
    pause = _PAUSE
    reported: Progress | None = None
    while not wait(pause):
        try:
            data = read()
        except ExecutorError:
            data = None  # docker is away, and the container's exit() says it if it stays away
        except Exception:
            # The command goes on, whatever it says.
            logger.exception("the progress of the job cannot be read")
            data = None
        pause = min(2 * pause, _LONGEST_PAUSE) if data is None else _PAUSE
        said = parse(data or b"")
        if said is not None and said != reported:
            report(said)
            reported = said


def parse(data: bytes) -> Progress | None:
    """Return what the last line of a progress file says, None if that is empty.

    The line is a percentage and a few words, like `40 half way`; either may be missing.
    """
    lines = data.decode(errors="replace").split("\n")
    line = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
    if not line:
        return None
    found = _LINE.fullmatch("".join(char for char in line if char.isprintable()))
    percent, words = found.groups() if found else (None, "")
    return Progress(min(100, int(percent or 0)), words[:_MOST_SHOWN])
