"""Celery and RQ, with a Redis of their own: they run in a Python of their own."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.harness.errors import BenchError
from bench.jobs import small_job
from bench.jobs.small_job import PLACES
from local.parts.part import ProcessPart, bring_up, environment
from tests.free_ports import free_port

CELERY, RQ = "Celery", "RQ"
_ROOT = Path(__file__).parents[2]
_WORKERS: Mapping[str, tuple[str, ...]] = {
    CELERY: (
        *("celery", "--app", "bench.jobs.celery_app", "worker"),
        *("--concurrency", str(PLACES), "--loglevel", "warning", "--without-gossip"),
    ),
    RQ: ("rq", "worker-pool", "--num-workers", str(PLACES), "--quiet"),
}


class Rivals:
    """Those in `installed`, a virtual environment; they run an image in the docker at `host`."""

    def __init__(self, installed: Path, folder: Path, *, host: str, image: str) -> None:
        self._bin = installed.absolute() / "bin"
        self._folder = folder
        self._port = free_port()
        self._url = f"redis://127.0.0.1:{self._port}/0"
        self._environ = environment(
            {
                "PATH": f"{self._bin}:{os.environ['PATH']}",
                "PYTHONPATH": str(_ROOT),
                "HOME": str(folder),
                "RQ_REDIS_URL": self._url,
                small_job.HOST: host,
                small_job.IMAGE: image,
                small_job.BROKER: self._url,
            },
            os.environ,
        )

    @contextlib.contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Start Redis and the workers of one of them, and end both."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        with contextlib.ExitStack() as stack:
            for part in (self._redis(folder), self._part(name, _WORKERS[name], folder)):
                stack.callback(part.stop)
                bring_up(part)
            yield

    def burst(self, name: str, count: int) -> float:
        """Send `count` jobs at once; return the seconds until the last has ended."""
        command = [str(self._bin / "python"), "-m", "bench.jobs.burst", name.lower(), str(count)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=_ROOT, env=self._environ
        )
        if done.returncode:
            raise BenchError(f"{name} failed: {done.stderr.strip()}")
        return float(done.stdout.split()[-1])

    def version(self, name: str) -> str:
        """Return the version of one of them."""
        code = f"import importlib.metadata as m; print(m.version({name.lower()!r}))"
        command = [str(self._bin / "python"), "-c", code]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def _redis(self, folder: Path) -> ProcessPart:
        own = ("--port", str(self._port), "--bind", "127.0.0.1")
        # Each write reaches the disk before its answer, as with ZooKeeper.
        safe = ("--appendonly", "yes", "--appendfsync", "always")
        return self._part("redis", ("redis-server", *own, *safe), folder)

    def _part(self, name: str, command: tuple[str, ...], folder: Path) -> ProcessPart:
        log = folder / f"{name}.log"
        # Celery and RQ are quiet about being ready: the first job waits for them.
        ready = {"redis": "Ready to accept connections", CELERY: "[queues]", RQ: ""}[name]
        return ProcessPart(
            name=name,
            command=command,
            environ=self._environ,
            log=log,
            answers=lambda: ready in log.read_text(),
            folder=folder,
        )
