"""`make bench-output`: how fast the executor takes what a container prints, beside `docker run`.

By turns on one dockerd: the executor's way to the log with docker's log drivers, the same with the
secrets of an app to mask, and `docker run` into a pipe. In megabytes a second, from the start of
the container on, and in megabytes for each second of the executor's own CPU time.
"""

import os
import resource
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from docker.api import APIClient
from docker.types import LogConfig

from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.progress import print_progress
from executor.container.attachment import Attachment, Follower
from executor.docker.daemon import Daemon
from executor.log.masked_log import MaskedLog
from executor.log.masking import secret_texts
from executor.log.output import Output, open_sources
from executor.ports import Log
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.samples import SampleImages

_MB = 1_000_000
_LONG = "yes $(head -c 999 /dev/zero | tr '\\0' x) | head -n {lines}"
_SHORT = "seq 1 {numbers}"
_ROTATED = {"max-size": "10m", "max-file": "2"}
_DRIVERS: Mapping[str, Mapping[str, str]] = {"none": {}, "local": _ROTATED, "json-file": _ROTATED}
_SECRETS = 10
_TAG = "prevs-bench:output"


class _Runs:
    """Runs of one shell command, each of which returns its figures."""

    def __init__(self, client: APIClient, host: str, folder: Path) -> None:
        self._client = client
        self._host = host
        self._folder = folder

    def attached(self, driver: str, *, masked: int = 0) -> tuple[float, float]:
        """Return the megabytes a second of the executor's way, and those for each CPU second."""
        log_file = self._folder / "stdout"
        descriptor = os.open(log_file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        output = Output(descriptor, open_sources(self._folder))
        texts = secret_texts(secrets.token_urlsafe(24) for _ in range(masked))
        log: Log = MaskedLog(output, texts) if texts else output
        logged = LogConfig(type=driver, config=dict(_DRIVERS[driver]))
        config = self._client.create_host_config(network_mode="none", log_config=logged)
        made = str(self._client.create_container(_TAG, host_config=config)["Id"])
        over = threading.Event()
        follower = Follower(Attachment(self._client, made), log, over)
        thread = threading.Thread(target=follower.follow, args=(lambda: False,))
        began, used = time.monotonic(), _cpu_seconds()
        self._client.start(made)
        thread.start()
        self._client.wait(made)
        over.set()
        thread.join()
        took, used = time.monotonic() - began, _cpu_seconds() - used
        size = log_file.stat().st_size / _MB
        output.close()
        self._client.remove_container(made, force=True)
        return size / took, size / used

    def by_hand(self) -> float:
        """Return the megabytes a second of `docker run`."""
        command = ("docker", "run", "--rm", "--network", "none", "--log-driver", "none", _TAG)
        environ = {**os.environ, "DOCKER_HOST": self._host}
        size, began = 0, time.monotonic()
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            while piece := os.read(process.stdout.fileno(), 256 * 1024):
                size += len(piece)
        return size / _MB / (time.monotonic() - began)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def _dockerd(folder: Path) -> Iterator[OwnDockerd]:
    folder.mkdir()
    made = OwnDockerd(folder)
    try:
        made.start()
        yield made
    finally:
        made.clear()


def run(parameters: Parameters) -> Found:
    """Measure each way by turns, with long lines and with short ones."""
    rounds, scale = (1, 1) if parameters.quick else (3, 10)
    found: dict[str, list[float]] = {}
    with _dockerd(parameters.folder / "d") as dockerd:
        client = Daemon({"DOCKER_HOST": dockerd.host}).client()
        runs = _Runs(client, dockerd.host, parameters.folder)
        commands = {
            "long": _LONG.format(lines=15_000 * scale),
            "short": _SHORT.format(numbers=400_000 * scale),
        }
        for number in range(1, rounds + 1):
            for name, command in commands.items():
                images = SampleImages(client)
                images.add(_TAG, command)
                for column, value in _measure(runs):
                    found.setdefault(f"{name}_{column}", []).append(value)
                    print_progress(f"Round {number}: {name} lines, {column} {value:.0f} MB/s")
                images.clear()
    return {column: round(sorted(values)[len(values) // 2], 1) for column, values in found.items()}


def _measure(runs: _Runs) -> Iterator[tuple[str, float]]:
    for driver in _DRIVERS:
        rate, by_cpu = runs.attached(driver)
        yield driver, rate
        if driver == "none":
            yield "none_by_cpu_second", by_cpu
    yield "masked", runs.attached("none", masked=_SECRETS)[0]
    yield "docker_run", runs.by_hand()


BENCH = Bench("bench.output", __doc__, run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench, and return the exit status."""
    return command_line.run(BENCH, arguments)


if __name__ == "__main__":
    sys.exit(main())
