"""The pages about forges are true: their commands at doubles, their scripts with a stand-in."""

import dataclasses
import functools
import http.server
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cli.__main__ import main
from framework.clock import Clock
from framework.forges.forges import Forges
from framework.web import make_forge_ports
from prevs.states import State
from tests.fakes.answers import SHA
from tests.fakes.api import TOKEN, Api
from tests.fakes.forges import server as doubles
from tests.fakes.forges.github import GiteaServer, GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.pagure import PagureServer
from tests.fakes.forges.server import ForgeServer, PullFacts, sha_of
from tests.serving import QuietHandler, serving
from tests.unit.docs.ci_examples import FOLDER, list_examples, read_job

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PAGES = {"github": GitHubServer, "gitlab": GitLabServer, "gitea": GiteaServer}
SCRIPTS = {f"{one.page}: {one.title}": one for one in list_examples()}


def list_commands(text: str) -> Sequence[list[str]]:
    """Return the commands of a text's blocks, in their order, without the comments."""
    lines = re.findall(r"^ {4,}(prevs [^\n]+)", text, re.M)
    return [shlex.split(line, comments=True)[1:] for line in lines]


class Reader:
    """Somebody who does what a page says, with a token, at a double of the forge."""

    def __init__(self, forge: ForgeServer, capsys: pytest.CaptureFixture[str]) -> None:
        forge.now = time.time()
        forge.pulls = [PullFacts(1, sha_of(1))]
        self.forge = forge
        self.api = Api()
        forges = Forges(local_allowed=True, clock=Clock())
        ports = self.api.ports._replace(forge=make_forge_ports(forges, lambda _app, _ref: ""))
        self.api.ports = ports
        self._capsys = capsys

    def do(self, command: Sequence[str], environ: dict[str, str]) -> str:
        """Run a command of a page, which must succeed; return what it prints."""
        words = [self.forge.repository if word.startswith("https://") else word for word in command]
        status = main(words, environ)
        printed = self._capsys.readouterr()
        assert status == 0, (words, printed.out, printed.err)
        return printed.out + printed.err


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What commands read from stdin: the token, again and again."""
    file = tmp_path / "stdin"
    file.write_text(doubles.TOKEN)

    class Again:
        @property
        def buffer(self) -> object:
            return file.open("rb")

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Again())


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize("page", PAGES)
def test_the_steps_of_a_page_lead_to_a_checked_forge(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FOLDER / f"{page}.md").read_text()
    steps = re.split(r"^## \d\. ", text.partition("\n## Forks")[0], flags=re.M)[1:]
    assert len(steps) == 6
    forge = PAGES[page]()
    reader = Reader(forge, capsys)
    try:
        with reader.api.serving() as address:
            environ = {"PREVS_API": address, "PREVS_TOKEN": TOKEN, "HOME": "/nonexistent"}
            for number, step in enumerate(steps, 1):
                for command in list_commands(step):
                    printed = reader.do(command, environ)
                if number == 3:
                    # The page says it: for a server of your own, the kind is named.
                    assert f"`prevs forge set shop --kind {page}`" in step
                    reader.do(["forge", "set", "shop", "--kind", page], environ)
                if number == 5:
                    assert "fails" not in printed
                    assert printed.count("works") == 12
    finally:
        forge.close()
    (hook,) = forge.hooks
    given = reader.api.previews.given["shop"]
    assert given.hook_secret in str(hook.fields)
    assert given.forge_token == doubles.TOKEN


@pytest.mark.usefixtures("typed")
def test_the_steps_of_pagure_lead_to_a_checked_forge(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FOLDER / "other.md").read_text()
    section = text.partition("\n## Pagure\n")[2].partition("\n## ")[0]
    (tmp_path / "token").write_text("A" * 40 + "\n")
    monkeypatch.chdir(tmp_path)
    forge = PagureServer()
    forge.is_private = False
    reader = Reader(forge, capsys)
    try:
        with reader.api.serving() as address:
            environ = {"PREVS_API": address, "PREVS_TOKEN": TOKEN, "HOME": "/nonexistent"}
            printed = [reader.do(command, environ) for command in list_commands(section)]
    finally:
        forge.close()
    assert len(printed) == 6
    assert "_prevs/hooks/shop" in printed[2]
    assert "fails" not in printed[4]
    assert reader.api.previews.given["shop"].hook_secret == "A" * 40


class Answering(QuietHandler):
    """A preview that answers."""

    def do_GET(self) -> None:
        self.answer(b"ok")


@pytest.fixture
def preview() -> Iterator[int]:
    """The port where previews answer."""
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    with serving(made):
        yield made.server_port


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """A folder with the command `prevs`, as an image for jobs has it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "prevs"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    file.chmod(0o755)
    return folder


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_ends_well_only_if_the_preview_answers(
    name: str, state: State, preview: int, command: Path, tmp_path: Path
) -> None:
    api = Api(preview)
    api.add("shop", "main")
    api.put(state, log="oh no\n") if state is State.RUNNING else api.fail()
    hello = api.previews.known.pop(("hello", SHA))
    api.previews.known["shop", SHA] = dataclasses.replace(hello, app="shop")
    api.refs.put("shop", SHA, SHA, "commit")
    with api.serving() as address:
        own = {"vars.PREVS_API": address, "secrets.PREVS_TOKEN": TOKEN, "github.sha": SHA}
        job = read_job(SCRIPTS[name], SHA, {**own, "github.event.pull_request.head.sha": ""})
        environ = {
            **os.environ,
            "PATH": f"{command}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PREVS_API": address,
            "PREVS_TOKEN": TOKEN,
            "CI_COMMIT_SHA": SHA,
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "no_proxy": "*",
            **job.variables,
        }
        run = functools.partial(subprocess.run, check=False, env=environ, cwd=tmp_path)
        script = ["sh", "-e", "-c", job.script, "preview.sh", *job.arguments]
        done = run(script, capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    assert done.returncode == (0 if state is State.RUNNING else 1), told
    assert f'"state": "{state.value}"' in (tmp_path / "preview.json").read_text()
    if state is State.FAILED:
        assert "The app exited." in told
