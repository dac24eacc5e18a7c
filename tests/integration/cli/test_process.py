"""The command line as a process: its terminal, its signals, its browser."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from framework.access import Scope
from prevs.records import Step
from prevs.states import State
from tests.fakes.api import Api
from tests.integration.cli.command_runs import (
    ROOT,
    beginning,
    on_terminal,
    process_environ,
    run_process,
)

pytestmark = pytest.mark.integration


def test_open_prints_the_address_also_where_there_is_no_browser(environ: dict[str, str]) -> None:
    done = run_process("open hello main", environ)
    assert (done.status, done.out) == (1, "http://main.hello.localhost:8080/\n")
    assert "browser" in done.err


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("command", "way"),
    [("logs hello main -f", "logs hello main -f"), ("start hello main --wait", "stop hello main")],
)
def test_an_interrupt_ends_a_following_command_with_130_and_shows_how_to_go_on(
    api: Api, environ: dict[str, str], command: str, way: str
) -> None:
    api.put(State.BUILDING, phase="building")
    with beginning(command.split(), environ) as process:
        assert process.stderr is not None
        assert "builds the image" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on without you" in errors
    assert f"prevs {way}" in errors
    assert "Traceback" not in errors


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_the_commands_are_loaded_is_answered_with_a_sentence(
    environ: dict[str, str],
) -> None:
    program = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "cli.errors":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from cli.entry import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**process_environ(environ), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "Interrupted before it began; nothing was done.\n"


def test_the_program_runs_a_command(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.entry", "--version"],
        env={**process_environ(environ), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "prevs")


def test_a_terminal_gets_colours_but_no_commands_of_a_log(
    api: Api, environ: dict[str, str]
) -> None:
    api.put(State.RUNNING, log="\x1b]0;title\x07\x1b[2Jplain \x1b[32mgreen \u202eturned")
    shown = on_terminal(["ls"], environ)
    assert "\x1b[32mrunning" in shown
    printed = on_terminal(["logs", "hello", "main"], environ)
    # No colour continues after it, and the shell's prompt gets a line of its own.
    assert "plain \x1b[32mgreen <U+202E>turned\x1b[0m\r\n" in printed
    assert "title" not in printed
    assert "\x1b[2J" not in printed
    plain = on_terminal(["logs", "hello", "main"], {**environ, "NO_COLOR": "1"})
    assert plain == "plain green <U+202E>turned\r\n"


def test_a_terminal_gets_a_picture_of_the_steps_while_it_waits(
    api: Api, environ: dict[str, str]
) -> None:
    now = time.time()
    steps = (Step("queued", now - 13), Step("placed", now - 12), Step("building", now - 11))
    api.previews.usual_seconds["hello"] = {"queued": 2.0, "fetching": 3.0, "building": 3600.0}
    detail = "3/5 \x1b]0;title\x07RUN \u202eall"
    api.put(State.BUILDING, phase="building", detail=detail, steps=steps)

    def run() -> None:
        api.put(State.RUNNING, steps=(*steps, Step("running", now)))

    command = ["start", "hello", "main", "--wait"]
    waited = on_terminal(command, environ, {b"usually 1 h": run})
    for part in ("builds the image", "placed", "1.0 s", "usually 2.0 s", "3/5 RUN <U+202E>all"):
        assert part in waited
    assert "title" not in waited
    *_, printed, address = waited.splitlines()
    assert "runs." in printed
    assert address == "http://main.hello.localhost:8080/"


def test_removing_an_app_is_confirmed_and_keeps_one_that_somebody_changes_meanwhile(
    api: Api, environ: dict[str, str]
) -> None:
    def change() -> None:
        api.previews.change_app("hello", {"mem": 512})

    prompts = {b"(/srv/x)?": change}
    printed = on_terminal(["app", "rm", "hello"], environ, prompts, types="y\n", status=1)
    assert "/srv/x" in printed
    assert "prevs app show hello" in printed
    assert "hello" in api.previews.known_apps
    assert "Nothing has changed." in on_terminal(
        ["app", "rm", "hello"], environ, prompts, types="n\n", status=1
    )
    assert "is removed" in on_terminal(
        ["app", "rm", "hello"], environ, prompts, types="y\n", status=0
    )


def test_a_token_stays_unless_somebody_confirms_its_end(api: Api, environ: dict[str, str]) -> None:
    api.tokens.add_token("ci", Scope.USE)
    prompts: dict[bytes, Callable[[], None]] = {b"Revoke the token ci?": lambda: None}
    kept = on_terminal(["token", "rm", "ci"], environ, prompts, types="\n", status=1)
    assert "It has the scope use for all apps." in kept
    assert "ci" in api.tokens.known
    on_terminal(["token", "rm", "ci"], environ, prompts, types="y\n")
    assert api.tokens.known == {}
