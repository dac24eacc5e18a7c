"""Load on a proxy: wrk's, and the WebSocket client's; and what the proxy's processes cost in it."""

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError
from bench.proxy import cores, websocket

_SCRIPT = Path(__file__).parent / "wrk.lua"


class Target(NamedTuple):
    """A proxy that runs (or a backend, which is no proxy: `pid` 0): where, and for which host."""

    port: int
    host: str
    pid: int = 0


class Load(NamedTuple):
    """Requests over some connections, one after the other on each, as fast as they are answered.

    `spread` is over how many apps, and previews of each, they go; by none of it to one host.
    Each of them brings `upload` bytes.
    """

    name: str
    path: str
    connections: int
    seconds: int
    spread: tuple[int, int] | None = None
    upload: int | None = None


class Answered(NamedTuple):
    """What came of it: answers a second, and the CPU time of the proxy for one of them."""

    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float
    errors: float


def requests(load: Load, target: Target) -> Answered:
    """Send requests. Raises BenchError."""
    command = _wrk(load, target)
    pids = cores.tree(target.pid) if target.pid else []
    before = cores.cpu_seconds(pids)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    used = cores.cpu_seconds(pids) - before
    if done.returncode:
        raise BenchError(f"wrk failed: {done.stdout}{done.stderr}")
    answered = read(done.stdout, used)
    if not answered.rate:
        raise BenchError(f"nothing was answered: {load}, {target}: {done.stdout}")
    return answered


def read(output: str, cpu_seconds: float) -> Answered:
    """Return what wrk has printed by our script."""
    found = json.loads(output.strip().splitlines()[-1])
    count = max(found["requests"], 1)
    rate = found["requests"] * 1e6 / found["us"]
    cpu = cpu_seconds * 1e6 / count
    return Answered(rate, found["p50_us"], found["p99_us"], cpu, found["errors"])


def messages(connections: int, seconds: float, target: Target) -> Answered:
    """Send messages over WebSockets, the next on each when the last one has come back."""
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
    return (
        *("wrk", "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{load.seconds}s", "--timeout", "10s", "--header", f"Host: {target.host}"),
        *("--script", str(_SCRIPT), f"http://127.0.0.1:{target.port}{load.path}", *script),
    )
