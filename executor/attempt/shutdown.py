"""Ends a container: first within its grace if the attempt was stopped, then for sure."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable

from executor.errors import ExecutorError
from executor.ports import Container, Signals

DRAIN = 10.0
"""Seconds for the last output of a container to reach the log. docker holds a few megabytes at most
(executor/container/attachment.py), so only an agent whose processors are all busy needs more than
one.
"""

logger = logging.getLogger(__name__)


def end_container(container: Container, signals: Signals, grace: float | None = None) -> None:
    """Give the container its grace if the attempt was stopped, and remove it. Never raises.

    Its commit may give it less: `grace` seconds.
    """
    within = math.inf if grace is None else grace
    take_down(container, functools.partial(_terminate, container, signals, within))


def take_down(container: Container, terminate: Callable[[], None]) -> None:
    """Let the container end by `terminate`, and remove it whatever that raises. Never raises."""
    try:
        terminate()
    except ExecutorError:
        # The reason why the attempt ended matters more than this error.
        logger.exception("docker does not answer")
    try:
        container.remove()
    except ExecutorError:
        logger.exception("the container may be left behind")
    container.drain(DRAIN)


def _terminate(container: Container, signals: Signals, within: float) -> None:
    if signals.stopped and container.exit() is None:
        container.terminate()
        signals.wait_for_end(lambda: container.exit() is not None, within)
    if container.exit() is not None:
        container.drain(DRAIN)
