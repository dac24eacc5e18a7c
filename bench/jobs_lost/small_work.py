"""The job of Celery and RQ: notes its begin, sleeps, and notes its end.

Their workers import this module in a Python of their own, so it imports nothing of ours.
"""

import os
import time

SECONDS = 1
"""How long each job works; ours sleep as long."""

MARKS, BROKER, SAFE = "BENCH_MARKS", "BENCH_BROKER", "BENCH_SAFE"
"""Where workers find the file of marks and Redis, and whether the queue is set to lose less."""


def work(number: int) -> None:
    """Do the job; the worker's own process does it, as is usual with these queues."""
    began = time.time()
    _mark("began", number, began)
    time.sleep(SECONDS)
    _mark("done", number, began)


def _mark(what: str, number: int, began: float) -> None:
    """Append a line by one write, so that lines of several processes do not mix."""
    line = f"{what} {number} {os.getpid()} {began} {time.time()}\n"
    file = os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
