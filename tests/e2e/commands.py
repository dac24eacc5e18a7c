"""Commands of the command line, run in the tests' own process against a cluster.

A process of its own takes a third of a second of the CPU, and adds what
tests/integration/cli/test_process.py shows, and the job that is cancelled in test_jobs.py.
"""

import contextlib
import io
import os
import pty
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TextIO
from unittest import mock

from cli.__main__ import main

if TYPE_CHECKING:
    from tests.e2e.conftest import Cluster  # which makes clusters by these commands


class Done(NamedTuple):
    """The exit status of a command, and what it has printed."""

    returncode: int
    stdout: str
    stderr: str


Prevs = Callable[..., Done]


def environment(cluster: "Cluster") -> Mapping[str, str]:
    """Return what a command needs to know of a cluster."""
    return {"PREVS_API": cluster.api, "PREVS_TOKEN": cluster.token, "HOME": str(cluster.dir)}


def run_command(environ: Mapping[str, str], *args: str, given: str = "") -> Done:
    """Run a command with this text as its input, and without a terminal."""
    printed, complained, read = _stream(), _stream(), _stream(given)
    with _streams(read, printed, complained):
        status = main(args, environ)
    return Done(status, _text(printed), _text(complained))


def run_on_terminal(environ: Mapping[str, str], *args: str) -> str:
    """Return all that a command writes to its terminal."""
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(_read_all, ours)  # a terminal holds little
        with (
            os.fdopen(theirs, "w", encoding="utf-8") as screen,
            os.fdopen(os.dup(theirs), encoding="utf-8") as keys,
            mock.patch.dict(os.environ, {"TERM": "xterm-256color"}),
            _streams(keys, screen, screen),
        ):
            main(args, environ)
        return output.result().decode("utf-8", "replace")


@contextlib.contextmanager
def _streams(read: TextIO, printed: TextIO, complained: TextIO) -> Iterator[None]:
    with (
        mock.patch("sys.stdin", read),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complained),
    ):
        yield


def _stream(given: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _read_all(terminal: int) -> bytes:
    """Return what is written to the other end of a terminal until that is closed."""
    output = b""
    with contextlib.suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as ours:
        while piece := ours.read(65536):
            output += piece
    return output
