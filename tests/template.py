"""`python -m tests.template PROGRAM SOCKET`: copies of this process run as `python -m PROGRAM`.

It imports the program once, which takes longer than most of what tests then have it do. Each order
at the socket is one copy. In there this is left by all that makes a difference to a new process:
its own environment, folder, output, signals and open files. Only /proc shows the command and the
environment of this process there. tests/copies.py is the other side.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST_ORDER = 100_000
"""Bytes of an order: {"environ": {...}, "folder": "..."}. Two files come with it: where the copy
writes to, and where its exit code is written, as subprocess has it."""

_ends: dict[int, int] = {}
"""Where the end of each copy is written."""


def main() -> None:
    """Start copies until the socket is closed; in a copy, run the program."""
    program, number = sys.argv[1:]
    _import(program)
    with socket.socket(fileno=int(number)) as orders:
        is_copy = _serve(orders)
    if is_copy:
        sys.argv[1:] = []
        runpy.run_module(program, run_name="__main__", alter_sys=True)


def _import(program: str) -> None:
    package = importlib.util.find_spec(program)
    assert package is not None
    name = f"{program}.__main__" if package.submodule_search_locations else program
    importlib.import_module(name)
    del sys.modules[name]  # a copy runs it
    gc.collect()
    gc.freeze()  # else a collection in a copy would have it copy every page


def _serve(orders: socket.socket) -> bool:
    """Start a copy for each order; return whether this is one."""
    # Ctrl-C ends the tests, which end this.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _write_ends)
    while True:
        data, files, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 2)
        if not data:
            return False
        pid = _copy(files, interrupt)
        if not pid:
            orders.detach()  # it is closed with all other files
            _begin(json.loads(data), files[0])
            return True
        orders.send(str(pid).encode())
        os.close(files[0])


def _copy(files: Sequence[int], interrupt: Any) -> int:
    """Fork; return 0 in the copy."""
    threads = [task.name for task in Path("/proc/self/task").iterdir()]
    assert threads == [str(os.getpid())], "a copy would lack the other threads"
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # until its end can be written
    pid = os.fork()
    if pid:
        _ends[pid] = files[1]
    else:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return pid


def _begin(order: Mapping[str, Any], output: int) -> None:
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    for standard in (1, 2):
        os.dup2(output, standard)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _write_ends(*_: object) -> None:
    """Write the exit codes of all copies that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            end = _ends.pop(pid)
            with contextlib.suppress(BrokenPipeError):  # nobody wants to know
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)


if __name__ == "__main__":
    main()
