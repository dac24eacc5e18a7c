"""Waits for tests: each ends on success, when success becomes impossible, or after a time limit.

A failed wait reports what it waited for, and what was there instead.
"""

import inspect
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from prevs.records import PreviewRecord
from prevs.states import State

T = TypeVar("T")

_PAUSES = (0.005, 0.1)
"""Seconds between two looks, at first and at most: a long wait must not keep the machine busy."""
_SHOWN = 3000
"""How many characters of the wrong state are shown, from its end."""


def wait_until(
    look: Callable[[], T | None],
    what: str = "",
    *,
    over: Callable[[], str | None] = lambda: None,
    instead: Callable[[], object] | None = None,
    seconds: float = 60.0,
) -> T:
    """Return what `look` finds, once it finds something.

    Fails as soon as `over` returns why it never will; else after `seconds`, showing what `instead`
    returns. Without `what`, the failure shows the source of `look`.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        why = over()  # before the look, which may still find the result at the very end
        if found := look():
            return found
        if why:
            pytest.fail(f"{what or _source(look)}: never, {why[-_SHOWN:]}")
        if waited >= seconds:
            seen = str(instead() if instead else found)[-_SHOWN:]
            pytest.fail(f"{what or _source(look)}: not within {seconds:g} s, but {seen}")
        time.sleep(min(max(_PAUSES[0], waited / 20), _PAUSES[1]))


def wait_for(
    read: Callable[[], T],
    is_wanted: Callable[[T], object],
    what: str,
    *,
    over: Callable[[T], str | None] = lambda _: None,
    seconds: float = 60.0,
) -> T:
    """Return what `read` returns once it `is_wanted`; fail if `over` returns why it never will."""
    last: list[T] = []

    def look() -> list[T]:
        last[:] = [read()]
        return last if is_wanted(last[0]) else []

    def why() -> str | None:
        return over(last[0]) if last else None

    return wait_until(look, what, over=why, instead=lambda: last[0], seconds=seconds)[0]


def wait_for_state(
    read: Callable[[], Mapping[str, Any]], *states: str, but: str = "", seconds: float = 120.0
) -> Mapping[str, Any]:
    """Return a preview, as the API shows it, once it is in one of `states`.

    Fails at once if the preview has failed, unless that is one of `states`. An attempt with the
    task `but` does not count.
    """

    def is_wanted(preview: Mapping[str, Any]) -> bool:
        return preview.get("state") in states and not is_old(preview)

    def over(preview: Mapping[str, Any]) -> str | None:
        return None if "failed" in states or is_old(preview) else describe_failure(preview)

    def is_old(preview: Mapping[str, Any]) -> bool:
        return bool(but) and preview.get("task_id") == but

    return wait_for(read, is_wanted, f"it is {' or '.join(states)}", over=over, seconds=seconds)


def describe_failure(preview: Mapping[str, Any]) -> str | None:
    """Return why a preview, as the API shows it, has failed, and the end of its log; or None."""
    if preview.get("state") != "failed":
        return None
    failure = preview.get("failure") or {}
    log = str(preview.get("log_tail", ""))[-2000:]
    return f"it has failed: {failure.get('cause')}: {failure.get('message')}\n{log}"


def describe_record(record: PreviewRecord | None) -> str | None:
    """Return why a stored preview has failed; None if it has not."""
    if record is None or record.state is not State.FAILED:
        return None
    return f"{record.app} {record.sha[:7]} has failed: {record.failure}"


class Process(Protocol):
    """One that may have ended, as subprocess.Popen or tests.copies.Copy has it."""

    def poll(self) -> int | None: ...


def describe_end(process: Process | None, log: Path) -> str | None:
    """Return how a process has ended, and the end of its log; None while it runs."""
    status = None if process is None else process.poll()
    if process is not None and status is None:
        return None
    how = "it was not started" if process is None else f"it has ended with {status}"
    logged = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    return f"{how}\n{logged}"


def _source(look: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(look).split())
    except (OSError, TypeError):  # not a Python function, or its file is gone
        return repr(look)
