"""The environment that a process was started with, as /proc shows it. Linux only."""

import time
from pathlib import Path

_TRIES = 20
_PAUSE = 0.005


def read_environment(process: Path) -> list[bytes]:
    """Return the `NAME=value` entries of a process, given its folder in /proc. Raises OSError.

    While a process executes another program, its environment reads as empty for an instant (Linux,
    fs/proc/base.c, environ_read). This function waits for that, at most 0.1 s. A process without
    an executable (a kernel thread, a zombie) has no environment.
    """
    text = b""
    for _ in range(_TRIES):
        text = (process / "environ").read_bytes()
        if text or not _is_program(process):
            break
        time.sleep(_PAUSE)
    return text.split(b"\0")


def _is_program(process: Path) -> bool:
    try:
        (process / "exe").readlink()
    except OSError:
        return False
    return True
