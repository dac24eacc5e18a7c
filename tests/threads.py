"""Threads of a program that a test has started."""

from pathlib import Path


def other_thread(pid: int) -> int:
    """Return the id of a thread that is not the main one: what is sent there comes to it (kill(2)).

    So may any signal to the process, where the main thread cannot take it at that moment.
    """
    threads = (int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    return next(thread for thread in threads if thread != pid)
