"""Who may look at an app's previews: the commands, on a real socket."""

import json
from pathlib import Path

import pytest

from framework.access import Scope
from framework.apps import password_digest
from prevs.access import Access
from program.passes.passes import ANY_HOST, read_pass
from tests.fakes.api import Api
from tests.fakes.asgi import PASS_KEY
from tests.integration.cli.command_runs import Run, on_terminal

pytestmark = pytest.mark.integration

DAY = 86400


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    return str(path)


@pytest.fixture
def closed(api: Api, run: Run, file: str) -> Api:
    """An API with an app that has a password."""
    api.previews.seconds = 4_000_000_000.0  # no pass ends while a test runs
    assert run("access", "hello", "password", "--password-file", file).status == 0
    return api


def test_an_app_is_closed_shown_and_opened(closed: Api, run: Run) -> None:
    given = closed.previews.given["hello"].password
    assert given is not None
    assert password_digest.is_right("correct horse", given)
    done = run("access", "hello", "--preflight")
    assert closed.bodies[-1] == {"access": "password", "preflight": True}
    assert "who has the password or a pass" in done.out
    assert "no https addresses" in done.err
    assert json.loads(run("access", "hello", "--json").out)["preflight"] is True
    assert "correct horse" not in done.out + done.err
    opened = run("access", "hello", "public")
    assert (opened.status, "everybody" in opened.out, opened.err) == (0, True, "")
    assert closed.previews.access == {}
    refused = run("access", "hello", "--end")
    assert refused.status == 1
    assert "prevs access hello password" in refused.err


def test_a_typed_password_is_not_echoed(api: Api, environ: dict[str, str]) -> None:
    prompts = {b"Password for visitors of hello: ": lambda: None}
    command = ["access", "hello", "password"]
    printed = on_terminal(command, environ, prompts, types="correct horse\n")
    assert api.bodies == [{"access": "password", "password": "correct horse"}]
    assert "horse" not in printed


def test_what_does_not_go_together_is_refused(closed: Api, run: Run, file: str) -> None:
    for args in (
        ("friends",),
        ("team", "--password-file", file),
        ("public", "--password-file", file),
        ("--password-file", file),
        ("public", "--end"),
        ("--preflight", "--end"),
    ):
        assert run("access", "hello", *args).status == 2
    era = closed.previews.access["hello"].era
    assert run("access", "hello", "--end").status == 0
    assert closed.previews.access["hello"].era > era


def test_an_app_is_for_its_team_once_people_can_sign_in(api: Api, run: Run) -> None:
    refused = run("access", "hello", "team")
    assert (refused.status, "PREVS_SIGN_IN" in refused.err) == (1, True)
    api.previews.has_sign_in = True
    done = run("access", "hello", "team")
    assert (done.status, "who has a role for it, or a pass" in done.out) == (0, True)
    assert api.previews.access["hello"].access is Access.TEAM
    assert run("share", "hello", "main").status == 0


def test_a_link_is_the_only_line_on_stdout_and_is_revoked_by_its_name(
    closed: Api, run: Run
) -> None:
    done = run("share", "hello", "main", "--for", "12h", "--name", "demo")
    assert done.out.startswith("http://main.hello.localhost:8080/_prevs/enter?pass=")
    assert done.out.count("\n") == 1
    (text,) = done.out.split("pass=")[1:]
    found = read_pass([PASS_KEY], text.strip())
    assert found is not None
    assert found.until == closed.previews.seconds + DAY / 2
    assert "not shown again" in done.err
    assert text not in done.err
    listed = run("pass", "ls", "hello").out.splitlines()[1].split()
    assert listed[:3] == ["demo", "share", "main"]
    assert run("pass", "rm", "hello", "demo", "--yes").status == 0
    assert closed.previews.access["hello"].passes == {}
    again = run("pass", "rm", "hello", "demo", "--yes")
    assert (again.status, "prevs pass ls hello" in again.err) == (1, True)
    assert "prevs share hello" in run("pass", "ls", "hello").err
    assert run("share", "hello", "nowhere").status == 1
    assert run("share", "hello", "main", "--for", "soon").status == 2


def test_a_pass_for_a_program_is_printed_alone(closed: Api, run: Run) -> None:
    done = run("pass", "add", "hello", "ci", "--for", "30d")
    found = read_pass([PASS_KEY], done.out.strip())
    assert found is not None
    assert (found.host, found.until) == (ANY_HOST, closed.previews.seconds + 30 * DAY)
    (only,) = json.loads(run("pass", "ls", "hello", "--json").out)
    assert (only["name"], only["kind"], only["label"]) == ("ci", "machine", None)
    assert closed.previews.access["hello"].access is Access.PASSWORD
    _, token = closed.tokens.add_token("deploys", Scope.USE)
    refused = run("pass", "add", "hello", "other", PREVS_TOKEN=token)
    assert (refused.status, refused.out) == (1, "")
    assert "the scope `admin`" in refused.err
