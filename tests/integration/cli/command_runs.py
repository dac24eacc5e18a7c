"""Runs commands for tests, and has what they print."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

ROOT = Path(__file__).parents[3]


class Done(NamedTuple):
    """The output and the exit status of a command."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def process_environ(environ: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environ, "TERM": "xterm", "BROWSER": "/bin/false"}


def run_process(command: str, environ: dict[str, str], folder: Path = ROOT) -> Done:
    """Run a command as a process of its own, in a folder and without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *command.split()],
        check=False,
        env={**process_environ(environ), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def beginning(args: Sequence[str], environ: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a command as a process of its own meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *args],
        env=process_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # else a mistake in a test would wait for its end


def on_terminal(
    args: list[str],
    environ: dict[str, str],
    when: Mapping[bytes, Callable[[], None]] = MappingProxyType({}),
    *,
    types: str = "",
    status: int = 0,
) -> str:
    """Return what a command prints on a terminal, and ends with `status`.

    `when` has functions to call once their words are there; then a person `types` something.
    """
    ours, theirs = pty.openpty()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "cli", *args],
            env=process_environ(environ),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process,
        contextlib.ExitStack() as after,
    ):
        after.callback(process.kill)  # else a mistake here would wait for its end
        os.close(theirs)
        printed, left = b"", dict(when)
        try:
            while piece := os.read(ours, 65536):
                printed += piece
                for words in [words for words in left if words in printed]:
                    left.pop(words)()
                    os.write(ours, types.encode())
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait(timeout=60) == status, printed
    return printed.decode()
