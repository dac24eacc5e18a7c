"""Variables of apps: values come from the input, files or a terminal, never from arguments."""

import io
import json
import sys
from pathlib import Path

import pytest

from program.settings.keys import read_keys
from tests.fakes.api import Api
from tests.fakes.ssh_keys import make_ssh_key
from tests.integration.cli.command_runs import Run, on_terminal

pytestmark = pytest.mark.integration


def feed(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), "utf-8"))


def test_a_secret_comes_from_the_input_and_is_not_shown(
    api: Api, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, "größe\n\n".encode())
    done = run("env", "set", "hello", "API_KEY")
    assert done.status == 0
    assert api.bodies == [{"value": "größe\n", "secret": True}]
    assert "New attempts use it" in done.err
    listed = run("env", "ls", "hello").out
    assert listed.splitlines()[1].split()[:2] == ["API_KEY", "***"]
    assert "größe" not in done.out + done.err + listed


def test_a_plain_value_comes_from_a_file_and_is_shown(api: Api, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mode"
    file.write_text("preview\r\n")
    run("env", "set", "hello", "MODE", "--plain", "--file", str(file))
    assert api.bodies == [{"value": "preview", "secret": False}]
    assert "preview" in run("env", "ls", "hello").out
    (shown,) = json.loads(run("env", "ls", "hello", "--json").out)
    assert (shown["name"], shown["value"]) == ("MODE", "preview")


def test_a_secret_that_everybody_gets_is_reported(api: Api, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hunter2")
    put = ("env", "set", "hello", "API_KEY", "--file", str(file))
    done = run(*put)
    assert "Every branch" in done.err
    assert "--branches main" in done.err
    assert "all branches" in run("env", "ls", "hello").out
    assert "Every branch" not in run(*put[:3], "MODE", *put[4:], "--plain").err
    done = run(*put, "--branches", "main, release/*", "--tags", "v*", "--for", "run")
    assert "Every branch" not in done.err
    assert api.bodies[-1] == {
        "value": "hunter2",
        "secret": True,
        "branches": ["main", "release/*"],
        "tags": ["v*"],
        "given_for": "run",
    }
    assert "main, release/*, tags v*, run time only" in run("env", "ls", "hello").out
    run(*put, "--branches", "", "--tags", "")
    assert api.previews.snapshot.given("hello").variables["API_KEY"].scope.is_for_all
    assert "write main" in run(*put, "--branches", "refs/heads/main").err


def test_a_typed_value_is_not_echoed(api: Api, environ: dict[str, str]) -> None:
    prompts = {b"API_KEY of hello: ": lambda: None}
    printed = on_terminal(["env", "set", "hello", "API_KEY"], environ, prompts, types="hunter2\n")
    assert api.bodies == [{"value": "hunter2", "secret": True}]
    assert "hunter2" not in printed


def test_variables_are_unset_by_name_or_all(api: Api, run: Run) -> None:
    for name in ("A", "B", "C"):
        run("env", "set", "hello", name, "--file", "/dev/null")
    assert run("env", "unset", "hello", "A", "B", "--yes").status == 0
    assert list(api.previews.snapshot.given("hello").variables) == ["C"]
    assert run("env", "unset", "hello", "A", "-y").status == 1
    assert run("env", "unset", "hello").status == 2
    assert run("env", "unset", "hello", "C", "--all").status == 2
    assert run("env", "unset", "hello", "--all", "--yes").status == 0
    assert "prevs env set hello NAME" in run("env", "ls", "hello").err


def test_a_token_for_the_repository_is_set_and_only_its_user_shown(
    api: Api, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, b"hunter2\n")
    done = run("credential", "set", "hello", "--username", "deploy")
    assert api.bodies == [{"username": "deploy", "password": "hunter2"}]
    shown = run("credential", "show", "hello").out
    assert "deploy" in shown
    assert "hunter2" not in shown + done.out + done.err
    assert run("credential", "unset", "hello", "--yes").status == 0
    assert run("credential", "show", "hello").status == 1


def test_a_key_for_the_repository_comes_from_files(api: Api, run: Run, tmp_path: Path) -> None:
    key, hosts = make_ssh_key(tmp_path), tmp_path / "hosts"
    hosts.write_text("# git.example.org:22\ngit.example.org ssh-rsa A\ngit.example.org ssh-ed B\n")
    files = ("--private-key", str(tmp_path / "key"), "--known-hosts", str(hosts))
    assert run("credential", "set", "hello", *files).status == 0
    given = api.previews.snapshot.credential("hello")
    assert given is not None
    assert given.private_key == key.private
    shown = run("credential", "show", "hello").out
    assert key.fingerprint in shown
    assert "git.example.org\n" in shown
    assert json.loads(run("credential", "show", "hello", "--json").out)["kind"] == "ssh-key"


def test_a_file_that_is_no_text_is_refused(api: Api, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff")
    done = run("env", "set", "hello", "A", "--file", str(file))
    assert done.status == 2
    assert "UTF-8" in done.err
    assert api.requests == []


def test_a_key_is_what_the_framework_takes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(run("key").out + run("key").out)
    first, second = read_keys(file)
    assert first != second
