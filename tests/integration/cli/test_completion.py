"""Completion, as the shells request it: by bash itself, and by click for zsh and fish."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cli.names.completion import SHELLS
from prevs import names
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.answers import SHA
from tests.fakes.api import Api
from tests.integration.cli.command_runs import ROOT, Run, process_environ, run_process
from tests.waits import wait_for

pytestmark = pytest.mark.integration

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(environ: dict[str, str], run: Run, tmp_path: Path) -> Complete:
    """Return what a bash completes the last of some words with."""
    program = tmp_path / "bin" / "prevs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m cli "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = tmp_path / "prevs.bash"
    script.write_text(run("completion", "bash").out)

    def complete_it(*words: str, **changes: str) -> list[str]:
        # What bash does on Tab: call the function that `complete -p` names, with these variables.
        completion = (
            f'source {script}; COMP_WORDS=(prevs "$@"); COMP_CWORD=$#; '
            'function=$(complete -p prevs | sed "s/.*-F \\([^ ]*\\).*/\\1/"); '
            '"$function" prevs "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        variables = process_environ(environ) | changes
        variables["PATH"] = f"{program.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "--norc", "-c", completion, "bash", *words],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return complete_it


def in_time(completion: Callable[[], list[str]]) -> list[str]:
    """Return the first completion with words in it: an API that takes a second completes nothing,
    which one on a busy machine does.
    """
    return wait_for(completion, any, "something is completed")


def test_bash_completes_commands_options_and_states(complete: Complete) -> None:
    assert complete("star") == ["start"]
    assert complete("tok") == ["token"]
    assert "--wait" in complete("start", "hello", "main", "--")
    assert complete("ls", "--state", "r") == ["running"]


def test_bash_completes_names_that_the_api_knows(complete: Complete, api: Api) -> None:
    sly = "$(touch${IFS}x)"
    api.add("shop")
    for name in ("feature/cart", sly):
        api.refs.put("hello", name, SHA)
    api.put(State.RUNNING, labels=("older",))
    for words, expected in (
        (("app", "show", "s"), ["shop"]),
        (("ls", "--app", "h"), ["hello"]),
        (("start", "hello", "fea"), ["feature/cart"]),
        (("logs", "hello", "ol"), ["older"]),
        (("commits", "hello", "m"), ["main"]),
    ):
        assert in_time(partial(complete, *words)) == expected
    # A branch's name that a shell would run is completed by its label.
    every = in_time(partial(complete, "start", "hello", ""))
    assert not any("$" in word for word in every)
    assert names.slug(sly) in every


def test_an_api_that_is_away_completes_nothing_and_prints_nothing(complete: Complete) -> None:
    assert complete("app", "show", "", PREVS_API="http://127.0.0.1:9") == []
    assert complete("start", "nobody", "", PREVS_TOKEN="wrong") == []
    assert complete("start", "hello", "", PREVS_API="", XDG_CONFIG_HOME="") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_has_how_to_install_it(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.status == 0
    assert "_PREVS_COMPLETE" in done.out
    assert f"prevs completion {shell} >" in done.out
    if shell == "zsh":  # which reads from the first line what a file completes
        assert done.out.startswith("#compdef prevs\n")
    assert run("completion", "csh").status == 2


@pytest.mark.parametrize(
    ("shell", "word", "expected"),
    [
        ("zsh", "3", "plain\nshop\n/srv/shop $(reboot)\n"),
        ("fish", "s", "plain,shop\t/srv/shop $(reboot)\n"),
    ],
)
def test_other_shells_get_names_with_what_they_are(
    environ: dict[str, str], api: Api, shell: str, word: str, expected: str
) -> None:
    repository = "/srv/\x1b]0;x\x07shop\n$(reboot)"
    api.previews.add_app(AppRecord("shop", repository))
    variables = {"COMP_WORDS": "prevs app show s", "COMP_CWORD": word}

    variables["_PREVS_COMPLETE"] = f"{shell}_complete"
    done = in_time(lambda: run_process("", environ | variables).out.split("\n"))
    assert "\n".join(done) == expected
