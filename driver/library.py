"""Imports pymesos without the side effects of its import: no SIGINT handler, no log handler.

The only module that imports pymesos. That import replaces the handler of SIGINT (which fails
outside the main thread, P9), adds a handler to its logger and sets the logger's level (P25).
"""

import importlib
import logging
import signal
import sys
import threading
from typing import Any

__all__ = [
    "Connection",
    "Executor",
    "HttpParser",
    "MesosExecutorDriver",
    "MesosSchedulerDriver",
    "Process",
    "Scheduler",
    "decode_data",
    "encode_data",
    "parse_duration",
]


def _keep(signalnum: int, handler: object) -> Any:
    """Stand in for signal.signal: change nothing, return the present handler."""
    del handler
    return signal.getsignal(signalnum)


def _import_without_signals() -> None:
    original: Any = signal.signal
    module: Any = signal
    module.signal = _keep
    try:
        importlib.import_module("pymesos")
    finally:
        module.signal = original


def _quieten() -> None:
    """Let the program decide where pymesos's log goes."""
    from pymesos import handler

    logger = logging.getLogger("pymesos")
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def _restore_interrupt() -> None:
    """Restore the handler of SIGINT if pymesos was imported before this module."""
    from pymesos import process

    if signal.getsignal(signal.SIGINT) is not process._handle_sigint:
        return
    if threading.current_thread() is threading.main_thread():
        previous = process._prev_handler
        signal.signal(signal.SIGINT, signal.default_int_handler if previous is None else previous)


if "pymesos" in sys.modules:
    _restore_interrupt()
else:
    _import_without_signals()
_quieten()

from http_parser.http import HttpParser  # noqa: E402
from pymesos import (  # noqa: E402 - only now is its import harmless
    Executor,
    MesosExecutorDriver,
    MesosSchedulerDriver,
    Scheduler,
    decode_data,
    encode_data,
)
from pymesos.process import Connection, Process  # noqa: E402
from pymesos.utils import parse_duration  # noqa: E402
