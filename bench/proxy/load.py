"""Puts load on a proxy by wrk and by WebSockets, and measures the proxy's CPU time."""

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from bench.proxy import cores, websocket

SCRIPT = Path(__file__).parent / "wrk.lua"
"""What wrk runs: `read` reads what it prints."""


class Target(NamedTuple):
    """A running proxy, or a backend without a proxy (`pid` 0), and the host to request.

    Requests carry the cookie `cookie`, if there is one.
    """

    port: int
    host: str
    pid: int = 0
    cookie: str = ""


class Load(NamedTuple):
    """Requests over some connections, on each one after the other, as fast as possible.

    `spread` is the number of apps, and of previews of each, that they go to; None means one host.
    Each request uploads `upload` bytes.
    """

    name: str
    path: str
    connections: int
    seconds: int
    spread: tuple[int, int] | None = None
    upload: int | None = None


class Answered(NamedTuple):
    """The result: answers a second, their times, and the proxy's CPU time for one of them."""

    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float
    errors: float


def requests(load: Load, target: Target) -> Answered:
    """Send requests."""
    return measure(_wrk(load, target), target.pid)


def measure(command: Sequence[str], pid: int) -> Answered:
    """Run wrk with SCRIPT, and count the CPU time of the proxy `pid` (0: there is none)."""
    pids = cores.tree(pid) if pid else []
    before = cores.cpu_seconds(pids)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    used = cores.cpu_seconds(pids) - before
    if done.returncode:
        raise BenchError(f"wrk failed: {done.stdout}{done.stderr}")
    answered = read(done.stdout, used)
    if not answered.rate:
        raise BenchError(f"nothing was answered: {' '.join(command)}: {done.stdout}")
    return answered


def read(output: str, cpu_seconds: float) -> Answered:
    """Return the result in the output of our script for wrk."""
    found = json.loads(output.strip().splitlines()[-1])
    count = max(found["requests"], 1)
    rate = found["requests"] * 1e6 / found["us"]
    cpu = cpu_seconds * 1e6 / count
    return Answered(rate, found["p50_us"], found["p99_us"], cpu, found["errors"])


def messages(connections: int, seconds: float, target: Target) -> Answered:
    """Send messages over WebSockets, on each the next when the last has come back."""
    pids = cores.tree(target.pid) if target.pid else []
    with websocket.opened(connections, target.port, target.host) as sockets:
        before, began = cores.cpu_seconds(pids), time.monotonic()
        count = websocket.exchange(sockets, seconds)
        used, took = cores.cpu_seconds(pids) - before, time.monotonic() - began
    mean = took * 1e6 * connections / max(count, 1)
    return Answered(count / took, mean, mean, used * 1e6 / max(count, 1), 0)


def _wrk(load: Load, target: Target) -> Sequence[str]:
    numbers = load.spread or ((load.upload,) if load.upload else ())
    script = ("--", *map(str, numbers)) if numbers else ()
    cookie = ("--header", f"Cookie: {target.cookie}") if target.cookie else ()
    return (
        *("wrk", "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{load.seconds}s", "--timeout", "10s", "--header", f"Host: {target.host}"),
        *cookie,
        *("--script", str(SCRIPT), f"http://127.0.0.1:{target.port}{load.path}", *script),
    )
