"""Threads of a program that a test has started."""

from pathlib import Path


def other_thread(pid: int) -> int:
    """Return the id of a thread that is not the main one: a signal to it reaches it (kill(2)).

    A signal to the process may reach it too, if the main thread cannot take it at that moment.
    """
    threads = (int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    return next(thread for thread in threads if thread != pid)
