"""What the command prints of an app's webhook: what became of it, the secret once, the address."""

import json
from pathlib import Path

import pytest

from framework.ports import EnteredHook, Polling
from prevs.records import AppRecord
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

URL = "http://localhost:8080/_prevs/hooks/hello"
BY_HAND = EnteredHook("by hand", "hello has no token for its forge.", "Give it one.")


def test_a_webhook_that_the_forge_takes_needs_nobody_to_see_its_secret(api: Api, run: Run) -> None:
    done = run("forge", "hook", "hello")
    secret = api.previews.given["hello"].hook_secret
    assert done.status == 0
    assert URL in done.out
    assert "prevs forge check hello" in done.err
    assert secret
    assert secret not in done.out + done.err
    ((app, token, webhook),) = api.webhooks
    assert (app, token, webhook.url, webhook.secret) == ("hello", "", URL, secret)
    api.entered = EnteredHook("updated")
    assert "it is up to date now" in run("forge", "hook", "hello").err
    assert api.webhooks[-1][2].secret == secret, "to repeat it changes no secret"
    again = run("forge", "hook", "hello", "--new")
    newer = api.previews.given["hello"].hook_secret
    assert api.webhooks[-1][2].secret == newer != secret
    assert newer not in again.out + again.err


def test_what_to_enter_by_hand_is_printed_with_the_secret_once(api: Api, run: Run) -> None:
    api.entered = BY_HAND
    made = run("forge", "hook", "hello")
    secret = api.previews.given["hello"].hook_secret
    assert made.status == 0
    assert made.out.endswith(f"\n{secret}\n")
    for said in (BY_HAND.why, BY_HAND.advice, "post-receive", "Save it now"):
        assert said in made.err
    after = run("forge", "hook", "hello")
    assert secret not in after.out + after.err
    assert "`prevs forge hook hello --new`" in after.err
    newer = json.loads(run("forge", "hook", "hello", "--new", "--json").out)
    assert newer["secret"] == api.previews.given["hello"].hook_secret != secret
    assert newer["url"] == URL
    assert "the former one is valid too" in run("forge", "hook", "hello").out
    assert run("forge", "hook", "hello", "--off", "--former", "--yes").status == 0
    assert api.previews.given["hello"].former_hook_secret == ""
    assert run("forge", "hook", "hello", "--off", "-y").status == 0
    assert api.previews.given["hello"].hook_secret == ""


def test_a_refusal_of_the_forge_fails_and_shows_what_to_enter(api: Api, run: Run) -> None:
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/x", forge="gitlab")
    api.entered = EnteredHook("refused", "The token may not do this.", "It needs the role X.")
    done = run("forge", "hook", "hello")
    assert done.status == 1
    assert "The token may not do this." in done.err
    assert "It needs the role X." in done.err
    assert "At GitLab: Settings, Webhooks" in done.err


def test_a_forge_that_makes_the_secret_itself_gets_none_of_ours(api: Api, run: Run) -> None:
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/x", forge="pagure")
    api.entered = EnteredHook("by hand", "prevs cannot enter it at this forge itself.")
    done = run("forge", "hook", "hello")
    assert "private web-hook key" in done.err
    assert "hello" not in api.previews.given
    assert "secret is not shown" not in done.err


def test_a_forges_own_secret_comes_from_a_file_and_is_not_printed(
    api: Api, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("A" * 40 + "\n")
    done = run("forge", "hook", "hello", "--file", str(file))
    assert (done.status, done.out) == (0, "")
    assert "A" * 40 not in done.err
    assert api.previews.given["hello"].hook_secret == "A" * 40
    assert api.webhooks == []
    assert run("forge", "hook", "hello", "--file", str(file), "--off").status == 2
    assert run("forge", "hook", "hello", "--former").status == 2


def test_how_the_repository_is_read_is_shown_with_the_last_webhook(api: Api, run: Run) -> None:
    assert "every 10 s" in run("app", "show", "hello").out
    api.polling = Polling(600.0, 125.0)
    for shown in (run("app", "show", "hello").out, run("forge", "hook", "hello").out):
        assert "every 10 min, and after each webhook; the last one came 2 min ago" in shown
    api.polling = Polling(None, None)
    assert "when somebody needs it" in run("app", "show", "hello").out
    assert json.loads(run("forge", "hook", "hello", "--json").out)["polled_every"] is None
