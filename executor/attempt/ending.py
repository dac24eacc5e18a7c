"""How a container comes to its end: with its grace where it was told to, and gone for sure."""

from __future__ import annotations

import logging

from executor.errors import ExecutorError
from executor.ports import Container, Signals

_DRAIN = 2.0
"""Seconds for the last output of a container to reach the log."""

logger = logging.getLogger(__name__)


def end_container(container: Container, signals: Signals) -> None:
    """Let what runs end within its grace, if it was told to; remove the container. Never raises."""
    try:
        _let_end(container, signals)
    except ExecutorError:
        # Why the attempt ended matters more than that docker was away when it did.
        logger.exception("docker does not answer")
    try:
        container.remove()
    except ExecutorError:
        logger.exception("the container may be left")
    container.drain(_DRAIN)


def _let_end(container: Container, signals: Signals) -> None:
    if signals.stopped and container.exit() is None:
        container.terminate()
        signals.wait_for_end(lambda: container.exit() is not None)
    if container.exit() is not None:
        container.drain(_DRAIN)
