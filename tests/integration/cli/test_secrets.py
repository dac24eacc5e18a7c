"""Variables of apps: values come from the input, files or a terminal, never from arguments."""

import io
import json
import sys
from pathlib import Path

import pytest

from prevs.records import Step
from prevs.states import State
from program.settings.keys import read_keys
from tests.fakes.answers import SHA
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
    assert "New attempts use this" in done.err
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


def test_several_variables_are_set_at_once_and_each_is_accounted_for(api: Api, run: Run) -> None:
    run("env", "set", "hello", "MODE=old", "LEVEL=info", "--plain")
    done = run("env", "set", "hello", "MODE=a=b c", "LEVEL=info", "EMPTY=", "--plain")
    assert api.bodies[-1] == {
        "variables": {"MODE": "a=b c", "LEVEL": "info", "EMPTY": ""},
        "secret": False,
    }
    assert "3 variables are set (new: EMPTY; changed: MODE; as before: LEVEL)." in done.err
    assert "a=b c" in done.out
    secret = run("env", "set", "hello", "KEY=hunter2", "OTHER=hunter3")
    assert "hunter" not in secret.out + secret.err
    assert "gets KEY, OTHER of hello" in secret.err


def test_of_several_variables_all_or_none_are_set(api: Api, run: Run) -> None:
    done = run("env", "set", "hello", "GOOD=1", "BAD-NAME=2", "PORT=3")
    assert done.status == 2
    assert "BAD-NAME: must consist of letters" in done.err
    assert "PORT: is reserved" in done.err
    assert api.previews.snapshot.given("hello").variables == {}
    for wrong in (["A=1", "B"], ["A", "B"], ["A=1", "A=2"], ["A=1", "--file", "/dev/null"], []):
        assert run("env", "set", "hello", *wrong).status == 2


def test_a_file_of_variables_is_read_as_dotenv_reads_it(api: Api, run: Run, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# of the team\nexport MODE=preview  # why\n\nKEY='a b # c'\nTEXT=\"two\\nlines\"\n"
        "EMPTY=\nCOST=$5\nPORT=8000\nMODE=last\n"
    )
    done = run("env", "import", "hello", str(file), "--plain", "--branches", "main")
    assert done.status == 0, done.err
    assert api.bodies == [
        {
            "variables": {
                "MODE": "last",
                "KEY": "a b # c",
                "TEXT": "two\nlines",
                "EMPTY": "",
                "COST": "$5",
            },
            "secret": False,
            "branches": ["main"],
        }
    ]
    assert "Left out, as prevs sets it itself: PORT." in done.err
    assert "5 variables are set (new: COST, EMPTY, KEY, MODE, TEXT)." in done.err


def test_a_file_with_wrong_lines_sets_nothing_and_shows_no_value(
    api: Api, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n\nhunter2\nB='hunter3\n\n= hunter4\n")
    done = run("env", "import", "hello", str(file))
    assert done.status == 1
    assert "lines 3, 4, 6: no NAME=value there" in done.err
    assert "hunter" not in done.out + done.err
    file.write_text("# nothing\nPORT=80\n")
    assert "has no variables to set" in run("env", "import", "hello", str(file)).err
    file.write_bytes(b"A=\xff\n")
    assert run("env", "import", "hello", str(file)).status == 2
    assert api.bodies == []


def test_previews_with_older_values_are_named_and_restarted(api: Api, run: Run) -> None:
    api.put(State.RUNNING, steps=(Step("placed", 5.0),))
    said = run("env", "set", "hello", "MODE=new", "--plain")
    assert "Older values are in hello@main" in said.err
    assert "has older values: MODE" in run("show", "hello", "main").out
    assert "older values: MODE" in run("ls", "--app", "hello").out
    said = run("env", "set", "hello", "MODE=newest", "--plain", "--restart")
    assert "hello@main (de6b329) restarts." in said.err
    assert api.previews.known["hello", SHA].state is State.DRAINING
    assert "No preview runs with older" in run("env", "set", "hello", "B=1", "--restart").err


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
