"""Builds that are cut off, with both builders: no step of theirs goes on."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.errors import BuildFailed, Stopped
from executor.workspace.build_marks import mark_of
from tests.integration.docker.builds import LONG, MARKED, SLEEP, TAG, World
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_builds_that_take_too_long_or_are_stopped_end_with_their_late_steps(world: World) -> None:
    def stop() -> None:
        wait_until(lambda: running(b"%b0" % SLEEP))
        world.signals.stop(5.0)

    with pytest.raises(BuildFailed, match="within 1 s"):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=1.0)
    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Stopped):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}0")
    stopper.join()
    with contextlib.nullcontext() if world.builder == "classic" else late_step():
        world.clear()
    wait_until(lambda: not running(SLEEP) and not running(b"%b0" % SLEEP))
    assert not world.images.exists(TAG)


@contextlib.contextmanager
def late_step() -> Iterator[None]:
    """Have a step of a cut build begin within the context, which has to end it.

    A test cannot choose what BuildKit loses: this process is as late, and has the mark.
    """
    late: list[subprocess.Popen[bytes]] = []
    marked = {"no_proxy": f"localhost,{mark_of(MARKED.partition('=')[2])}"}

    def begin() -> None:
        late.append(subprocess.Popen(["sleep", LONG], env={**os.environ, **marked}))

    timer = threading.Timer(2.0, begin)
    timer.start()
    try:
        yield
        timer.join()
        # On a busy machine it is there in time for the first attempt.
        assert late[0].wait(10) in (-signal.SIGKILL, -signal.SIGTERM)
    finally:
        timer.cancel()
        for process in late:
            process.kill()
            process.wait()


@pytest.mark.night
def test_a_build_that_is_cut_off_at_any_moment_leaves_no_process(world: World) -> None:
    """BuildKit loses the step of some of them on a busy machine; see
    executor/workspace/build_marks.py.

    The classic builder loses none: its daemon ends each within some tenths of a second.
    """
    world.build()
    seconds = [0.1 + 0.025 * number for number in range(14)]
    with contextlib.ExitStack() as busy:
        for _ in range(4):
            busy.enter_context(busily())
        for limit in seconds:
            with pytest.raises(BuildFailed, match="within"):
                world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=limit)
    world.clear()
    wait_until(lambda: not running(SLEEP))


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_the_mark_of_a_step_is_only_in_its_environment(world: World) -> None:
    step = f"RUN env; echo {os.urandom(4).hex()}; head -c 8 /dev/urandom | md5sum > /what"
    name, _, value = MARKED.partition("=")
    world.build(step)
    first = world.read("/what")
    assert f" no_proxy={mark_of(value)}\n".encode() in world.log.data
    kept = json.dumps([world.history(), world.client.inspect_image(TAG)])  # type: ignore[no-untyped-call]
    assert value not in kept
    world.environ[name] = secrets.token_hex(8)
    world.restart()
    world.build(step)
    assert world.read("/what") == first


@contextlib.contextmanager
def busily() -> Iterator[None]:
    """Start one more busy process."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def running(command: bytes) -> bool:
    """Return whether a process runs on this machine whose last words are `command`."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().rstrip(b"\0").replace(b"\0", b" ") == command:
                return True
        except OSError:
            continue
    return False
