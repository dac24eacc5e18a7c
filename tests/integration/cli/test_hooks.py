"""What the command prints of an app's webhooks: the secret once, the address, the last one."""

import json
from pathlib import Path

import pytest

from framework.ports import Polling
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

URL = "http://localhost:8080/_prevs/hooks/hello"


def test_a_new_secret_is_printed_alone_with_the_next_steps_beside_it(api: Api, run: Run) -> None:
    before = run("hook", "hello")
    assert URL in before.out
    assert "`prevs hook hello --new`" in before.err
    made = run("hook", "hello", "--new")
    secret = api.previews.given["hello"].hook_secret
    assert (made.status, made.out) == (0, f"{secret}\n")
    assert URL in made.err
    after = run("hook", "hello")
    assert secret not in after.out + after.err
    for forge in ("GitHub", "GitLab", "Gitea, Forgejo", "Pagure", "plain git server"):
        assert forge in after.err
    run("hook", "hello", "--new")
    assert "the former one is valid too" in run("hook", "hello").out
    assert run("hook", "hello", "--off", "--former").status == 0
    assert api.previews.given["hello"].former_hook_secret == ""
    assert run("hook", "hello", "--off").status == 0
    assert "no webhook is accepted" in run("hook", "hello").out


def test_a_forges_own_secret_comes_from_a_file_and_is_not_printed(
    api: Api, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("A" * 40 + "\n")
    done = run("hook", "hello", "--file", str(file))
    assert (done.status, done.out) == (0, "")
    assert "A" * 40 not in done.err
    assert api.previews.given["hello"].hook_secret == "A" * 40
    assert run("hook", "hello", "--file", str(file), "--off").status == 2
    assert run("hook", "hello", "--former").status == 2


def test_how_the_repository_is_read_is_shown_with_the_last_webhook(api: Api, run: Run) -> None:
    assert "every 10 s" in run("app", "show", "hello").out
    api.polling = Polling(600.0, 125.0)
    for shown in (run("app", "show", "hello").out, run("hook", "hello").out):
        assert "every 10 min, and after each webhook; the last one came 2 min ago" in shown
    api.polling = Polling(None, None)
    assert "when somebody needs it" in run("app", "show", "hello").out
    assert json.loads(run("hook", "hello", "--json").out)["polled_every"] is None
