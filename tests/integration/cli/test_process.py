"""The command line as a process: its terminal, its signals, its browser."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import pytest

from tests.fakes import api as fake
from tests.integration.cli.running import process_environ

pytestmark = pytest.mark.integration


def test_open_prints_the_address_also_where_there_is_no_browser(environ: dict[str, str]) -> None:
    command = [sys.executable, "-m", "cli", "open", "hello", "main"]
    done = subprocess.run(
        command, check=False, env=process_environ(environ), capture_output=True, text=True
    )
    assert done.stdout == "http://main.hello.localhost:8080/\n"
    assert done.returncode == 1
    assert "browser" in done.stderr


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have what is started heed SIGINT, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_following_command_with_130(
    world: fake.World, environ: dict[str, str]
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    over = threading.Event()

    def hang() -> bytes:
        over.wait(120)
        return b""

    world.streams = [[fake.event("log", "one\n", 4), fake.Later(hang)]]
    command = [sys.executable, "-m", "cli", "logs", "hello", "main", "-f"]
    process = subprocess.Popen(
        command,
        env=process_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    over.set()
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_terminal_gets_colours_and_a_live_line_but_no_commands_of_a_log(
    world: fake.World, environ: dict[str, str]
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.log = b"\x1b]0;title\x07\x1b[2Jplain \x1b[32mgreen\x1b[0m\n"
    shown = on_terminal(["ls"], environ)
    assert "\x1b[32mrunning" in shown
    printed = on_terminal(["logs", "hello", "main"], environ)
    assert "plain \x1b[32mgreen" in printed
    assert "title" not in printed
    assert "\x1b[2J" not in printed
    world.previews["hello", fake.SHA]["state"] = "queued"
    fetching, shows_fetching = b"fetches the commit", threading.Event()

    def wait_until_shown() -> bytes:
        shows_fetching.wait(60)
        return b""

    world.streams = [
        [
            fake.event("state", fake.preview(state="building", phase="fetching")),
            fake.Later(wait_until_shown),
            fake.event("state", fake.preview(state="running")),
        ]
    ]
    command = ["start", "hello", "main", "--wait"]
    waited = on_terminal(command, environ, {fetching: shows_fetching.set})
    assert fetching.decode() in waited
    assert "http://main.hello.localhost:8080/" in waited


def on_terminal(
    args: list[str],
    environ: dict[str, str],
    when: Mapping[bytes, Callable[[], None]] = MappingProxyType({}),
) -> str:
    """Return what a command prints on a terminal; `when` says what to call once words are there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *args],
        env=process_environ(environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while piece := os.read(ours, 65536):
                printed += piece
                for words, act in when.items():
                    if words in printed:
                        act()
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0, printed
    return printed.decode()
