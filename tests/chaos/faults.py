"""The faults: each begins, and what it returns undoes it.

A fault whose target is not there at the moment, such as an executor while nothing runs, does
nothing: its effect is not what a run is about, and it must not end the run.
"""

import contextlib
import errno
import resource
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import requests
from docker.errors import DockerException

from local.cluster.zookeeper import serves
from local.parts import processes
from prevs.states import State
from tests.chaos import operating
from tests.chaos.plan import FRAMEWORKS, ZOOKEEPERS, Strike
from tests.chaos.world import World
from tests.faults.observer import CannotLook
from tests.integration.haproxy.proxies import haproxies
from tests.waits import wait_until

Undo = Callable[[], None]
Begin = Callable[[World, Strike], Undo]


def begin(world: World, strike: Strike) -> Undo:
    """Begin a fault; return what undoes it. Both block until it has taken effect."""
    return FAULTS[strike.name](world, strike)


def _nothing() -> None:
    return


def _resolve(world: World, target: str) -> str:
    """Return the part that a target is now; any framework for a leader, if nobody can tell."""
    if target != "leader":
        return target
    try:
        pid = world.observer.leader()
    except CannotLook:
        pid = None
    return next((one for one in FRAMEWORKS if world.part(one)["pid"] == pid), FRAMEWORKS[0])


def _kill(world: World, strike: Strike) -> Undo:
    """End it by SIGKILL; its supervisor starts it again."""
    if strike.target == "dockerd":
        world.dockerd.kill()
        world.dockerd.start()
        return _nothing
    part = _resolve(world, strike.target)
    pid = world.part(part)["pid"]
    if pid is not None and (process := processes.identify(pid)) is not None:
        processes.send(process, signal.SIGKILL)
    return _nothing


def _kill_haproxy(world: World, strike: Strike) -> Undo:
    for pid in haproxies(world.folder / strike.target):
        if (process := processes.identify(pid)) is not None:
            processes.send(process, signal.SIGKILL)
    return _nothing


def _kill_executor(world: World, strike: Strike) -> Undo:
    if task := _choose_task(world, strike):
        for process in world.executor_of(task):
            processes.send(process, signal.SIGKILL)
    return _nothing


def _kill_container(world: World, strike: Strike) -> Undo:
    if task := _choose_task(world, strike):
        with contextlib.suppress(DockerException, requests.RequestException):
            world.end_container(task)
    return _nothing


def _choose_task(world: World, strike: Strike) -> str | None:
    """Return a task that runs now; None while there is none, or nobody can tell."""
    try:
        records = world.observer.records()[1]
    except CannotLook:
        return None
    running = sorted(r.task_id or "" for r in records.values() if r.state is State.RUNNING)
    return running[strike.number % len(running)] if running else None


def _hold(world: World, strike: Strike) -> Undo:
    """Kill it, and let nobody start it meanwhile."""
    part = _resolve(world, strike.target)
    (world.settings.held_folder / part).touch()
    _kill(world, strike._replace(target=part))
    return lambda: world.let_go(part)


def _pause(world: World, strike: Strike) -> Undo:
    """Stop it by SIGSTOP."""
    if strike.target == "dockerd":
        pid: int | None = world.dockerd.pid
    else:
        pid = world.part(_resolve(world, strike.target))["pid"]
    process = None if pid is None else processes.identify(pid)
    if process is None:
        return _nothing
    processes.send(process, signal.SIGSTOP)
    return lambda: processes.send(process, signal.SIGCONT)


def _partition(world: World, strike: Strike) -> Undo:
    world.links.cut(strike.target)
    return lambda: world.links.mend(strike.target)


def _lossy_link(world: World, strike: Strike) -> Undo:
    world.links.lose(strike.target)
    return lambda: world.links.find(strike.target)


def _git_away(world: World, strike: Strike) -> Undo:
    world.stop_git()
    return world.start_git


def _git_hangs(world: World, strike: Strike) -> Undo:
    world.signal_git(signal.SIGSTOP)
    return lambda: world.signal_git(signal.SIGCONT)


def _registry_away(world: World, strike: Strike) -> Undo:
    world.registry.stop()
    return _without_images(world, world.registry.start)


def _registry_hangs(world: World, strike: Strike) -> Undo:
    world.registry.hang()
    return _without_images(world, world.registry.go_on)


def _without_images(world: World, undo: Undo) -> Undo:
    """Remove unused images, so that what starts needs the registry; again once it is back."""
    world.remove_unused_images()

    def end() -> None:
        undo()
        world.remove_unused_images()

    return end


def _full_disk(world: World, strike: Strike) -> Undo:
    """Fill the disk of a ZooKeeper to the last byte."""
    filler = world.folder / strike.target / "data" / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while file.write(bytes(65536)):
                pass
    except OSError as exc:
        if exc.errno != errno.ENOSPC:
            raise
    return lambda: filler.unlink(missing_ok=True)


def _few_files(world: World, strike: Strike) -> Undo:
    """Let a program open no more files than it has open now."""
    pid = world.part(strike.target)["pid"]
    process = None if pid is None else processes.identify(pid)
    if process is None:
        return _nothing
    try:
        count = len([*Path(f"/proc/{pid}/fd").iterdir()])
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, before[1]))
    except OSError:  # it has ended meanwhile
        return _nothing

    def undo() -> None:
        if processes.is_alive(process):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    return undo


def _replace_framework(world: World, strike: Strike) -> Undo:
    """End a framework for good: another one comes, with an empty folder."""
    undo = _hold(world, strike)
    _wait_ended(world, strike.target)
    folder = world.folder / strike.target
    shutil.rmtree(folder)
    folder.mkdir()
    return undo


def _replace_zookeeper(world: World, strike: Strike) -> Undo:
    """The same of a ZooKeeper; the new one comes once the others have a leader."""
    undo = _hold(world, strike)
    _wait_ended(world, strike.target)
    shutil.rmtree(world.folder / strike.target / "data" / "version-2", ignore_errors=True)
    port = world.settings.zookeeper_port
    hosts = [f"127.0.0.{n}" for n, name in enumerate(ZOOKEEPERS, 1) if name != strike.target]
    wait_until(lambda: all(serves(host, port) for host in hosts), "the others serve")
    return undo


def _wait_ended(world: World, part: str) -> None:
    world.wait_for(lambda: world.part(part)["pid"] is None, f"{part} has ended")


def _cut_power(world: World, strike: Strike) -> Undo:
    world.cut_power()
    world.start_parts()
    return _nothing


def _down_and_up(world: World, strike: Strike) -> Undo:
    world.down()
    world.start_parts()
    return _nothing


def _change_token(world: World, strike: Strike) -> Undo:
    operating.change_token(world)
    return _nothing


def _back_up_and_restore(world: World, strike: Strike) -> Undo:
    with world.still() as is_still:
        if is_still:  # else what was acknowledged would be lost with reason
            operating.back_up_and_restore(world)
    return _nothing


FAULTS: Mapping[str, Begin] = {
    "kill": _kill,
    "kill-haproxy": _kill_haproxy,
    "kill-executor": _kill_executor,
    "kill-container": _kill_container,
    "hold": _hold,
    "pause": _pause,
    "partition": _partition,
    "lossy-link": _lossy_link,
    "git-away": _git_away,
    "git-hangs": _git_hangs,
    "registry-away": _registry_away,
    "registry-hangs": _registry_hangs,
    "full-disk": _full_disk,
    "few-files": _few_files,
    "replace-framework": _replace_framework,
    "replace-zookeeper": _replace_zookeeper,
    "power-cut": _cut_power,
    "down-and-up": _down_and_up,
    "change-token": _change_token,
    "backup-and-restore": _back_up_and_restore,
}
