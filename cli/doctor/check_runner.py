"""Runs checks side by side, each within its time limit."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from cli.doctor.findings import Finding, wrong
from cli.errors import CliError

Look = Callable[[], Sequence[Finding]]


class Check(NamedTuple):
    """One check. `look` may block; after `limit` seconds its result is no longer awaited."""

    part: str
    look: Look
    limit: float = 15.0


def run(checks: Sequence[Check]) -> list[Sequence[Finding]]:
    """Return the findings of each check. Blocks until each has ended or is past its limit.

    A CliError is a finding; any other error of a check is raised.
    """
    begun = time.monotonic()
    started = [(check, _start(check.look)) for check in checks]
    found: list[Sequence[Finding]] = []
    for check, future in started:
        left = max(0.0, begun + check.limit - time.monotonic())
        try:
            found.append(future.result(timeout=left))
        except TimeoutError:
            message = f"It has not answered within {check.limit:g} s."
            found.append([wrong(check.part, message, "Run `prevs doctor` again.")])
        except CliError as exc:
            found.append([wrong(check.part, str(exc), exc.hint)])
    return found


def _start(look: Look) -> Future[Sequence[Finding]]:
    future: Future[Sequence[Finding]] = Future()

    def work() -> None:
        try:
            future.set_result(look())
        except BaseException as exc:  # noqa: BLE001 # raised again where the result is taken
            future.set_exception(exc)

    # A daemon thread: a check that hangs, say in a resolver, must not keep the command alive.
    threading.Thread(target=work, daemon=True).start()
    return future
