"""The backend of all proxies: an nginx, and a server of WebSockets."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.proxy import rivals
from local.parts.part import ProcessPart, answers_http, bring_up, environment
from tests.free_ports import free_port

_ROOT = Path(__file__).parents[2]
_SIZES = {"4k": 4096, "1m": 1024 * 1024}


class Backend(NamedTuple):
    """The ports: `http` and `other` answer with their own number, `echo` serves WebSockets."""

    http: int
    other: int
    echo: int


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Backend]:
    """Start both on this process's core, and end them."""
    backend = Backend(free_port(), free_port(), free_port())
    with contextlib.ExitStack() as stack:
        for part in (
            nginx(folder / "backend", (backend.http, backend.other)),
            _echo(folder, backend.echo),
        ):
            stack.callback(part.stop)
            bring_up(part)
        yield backend


def nginx(folder: Path, ports: Sequence[int]) -> ProcessPart:
    """Return an nginx that answers with the port where it was asked."""
    folder.mkdir(parents=True)
    for name, size in _SIZES.items():
        (folder / name).write_bytes(b"x" * size)
    config = folder / "nginx.conf"
    config.write_text(rivals.render("backend.conf", folder, {"ports": ports}))
    return ProcessPart(
        name="backend",
        command=("nginx", "-c", str(config), "-p", str(folder)),
        environ=environment({"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}, os.environ),
        log=folder / "log",
        answers=lambda: answers_http(f"http://127.0.0.1:{ports[0]}/"),
        folder=folder,
    )


def _echo(folder: Path, port: int) -> ProcessPart:
    return ProcessPart(
        name="echo",
        command=(sys.executable, "-m", "bench.proxy.websocket", str(port)),
        environ=environment({"PYTHONPATH": str(_ROOT)}, os.environ),
        log=folder / "echo.log",
        answers=lambda: answers_http(f"http://127.0.0.1:{port}/"),
        folder=_ROOT,
    )
