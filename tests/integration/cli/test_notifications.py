"""What the commands print of notifications: the secret once, never the address."""

import json
from pathlib import Path

import pytest

from framework.ports.notifications import LastTry, Standing
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

URL = "https://hooks.slack.com/services/T000/B000/hunter2"


def test_a_receiver_is_added_listed_tested_and_removed(api: Api, run: Run, tmp_path: Path) -> None:
    assert "`prevs notify add hello URL`" in run("notify", "ls", "hello").err
    file = tmp_path / "address"
    file.write_text(f"{URL}\n")
    add = ("notify", "add", "hello", "--url-file", str(file), "--format", "slack")
    made = run(*add, "--events", "failed,running")
    [stored] = api.previews.given["hello"].receivers
    assert (made.status, made.out) == (0, f"{stored.secret}\n")
    assert "`prevs notify test hello hooks.slack.com`" in made.err
    assert (stored.url, stored.events, stored.format) == (URL, ("failed", "running"), "slack")
    listed = run("notify", "ls", "hello")
    assert "hooks.slack.com" in listed.out
    assert "failed,running" in listed.out
    assert "none yet" in listed.out
    assert "hunter2" not in listed.out + made.out + made.err
    assert "taken (200)" in run("notify", "test", "hello", "hooks.slack.com").err
    assert run("notify", "rm", "hello", "hooks.slack.com", "--yes").status == 0
    assert api.previews.given["hello"].receivers == ()


def test_the_last_answer_of_a_receiver_is_shown(api: Api, run: Run) -> None:
    run("notify", "add", "hello", URL)
    why = "hooks.slack.com answered with the status 500."
    api.standing["hooks.slack.com"] = Standing(LastTry(5.0, 500, why), 3, 12)
    listed = run("notify", "ls", "hello").out
    assert "all" in listed
    assert why in listed
    assert "12 were dropped" in listed
    assert json.loads(run("notify", "ls", "hello", "--json").out)[0]["waiting"] == 3
    api.last_try = LastTry(5.0, 500, why)
    tested = run("notify", "test", "hello", "hooks.slack.com")
    assert tested.status != 0
    assert why in tested.err


def test_a_host_that_is_not_allowed_is_refused_with_the_next_step(run: Run) -> None:
    refused = run("notify", "add", "hello", "https://evil.example/")
    assert refused.status != 0
    assert "evil.example" in refused.err
    assert "PREVS_NOTIFY_HOSTS" in refused.err
    assert run("notify", "add", "hello", URL, "--url-file", "/dev/null").status == 2
