"""Backups of a cluster on this machine: the framework makes and restores them, beside ZooKeeper."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.cluster import launch
from local.cluster.programs import framework_part
from local.cluster.zookeeper import zookeeper_part
from local.errors import LocalError
from local.parts.part import bring_up
from local.parts.processes import MARK
from local.settings import Settings, read

_SECONDS = 600


def make(settings: Settings, file: Path, phrase: str, environ: Mapping[str, str]) -> str:
    """Write a backup of a cluster, which may run; return what was done. Raises LocalError."""
    with _zookeeper(settings, environ):
        return _run(settings, ["--backup", str(file)], phrase, environ)


def restore(folder: Path, file: Path, phrase: str, environ: Mapping[str, str], *, over: str) -> str:
    """Restore a backup into a folder in which nothing runs; return what was done.

    With `over`, the root in ZooKeeper, what is there is replaced.
    """
    known = read(folder)
    if known is not None and launch.supervisor_pid(known) is not None:
        raise LocalError("restore", f"A cluster runs in {folder}.", "Run `prevs local down` first.")
    (folder / "log").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "mesos").mkdir(mode=0o700, exist_ok=True)
    order = ["--restore", str(file), *(["--over", over] if over else [])]
    # First the settings, which say where ZooKeeper is.
    _run(Settings(folder, "restored"), [*order, "--files-only"], phrase, environ)
    settings = read(folder)
    if settings is None:
        raise LocalError("restore", f"{file} is of no cluster of `prevs local`.", _ELSEWHERE)
    with _zookeeper(settings, environ):
        return _run(settings, order, phrase, environ)


_ELSEWHERE = "Restore it with the settings of a framework: docs/operating/upkeep.md."


@contextlib.contextmanager
def _zookeeper(settings: Settings, environ: Mapping[str, str]) -> Iterator[None]:
    """Let the cluster's ZooKeeper run: that of the cluster, or one for the moment."""
    if launch.supervisor_pid(settings) is not None:
        yield
        return
    part = zookeeper_part(
        settings.zookeeper_folder,
        settings.zookeeper_port,
        {**environ, MARK: settings.cluster},
        settings.log("zookeeper"),
    )
    bring_up(part)
    try:
        yield
    finally:
        part.stop()


def _run(settings: Settings, order: Sequence[str], phrase: str, environ: Mapping[str, str]) -> str:
    """Run the framework's command with a pass phrase; return what it printed."""
    part = framework_part(settings, environ)
    also = ["--also", str(settings.folder / "settings.json")]
    done = subprocess.run(
        [*part.command, *order, *also, "--phrase-file", "-"],
        env=part.environ,
        cwd=part.folder,
        input=f"{phrase}\n",
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise LocalError(order[0].removeprefix("--"), done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip()
