"""Tokens, the audit log, and what is said to a token that may not, on a real socket."""

import json

import pytest

from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


def test_a_token_is_printed_once_on_stdout_and_the_rest_on_stderr(
    world: fake.World, run: Run
) -> None:
    done = run("token", "add", "ci", "--scope", "read")
    assert (done.status, done.out) == (0, "prevs_read_secret\n")
    assert world.bodies == [{"name": "ci", "scope": "read"}]
    assert "not shown again" in done.err
    assert "secret" not in done.err
    assert "secret" not in run("token", "ls").out
    assert json.loads(run("token", "ls", "--json").out)[0]["scope"] == "read"


def test_a_token_is_removed_by_its_name(world: fake.World, run: Run) -> None:
    world.tokens = {"ci": {"name": "ci", "scope": "use", "created": 1.0}}
    assert run("token", "rm", "ci").status == 0
    assert world.tokens == {}
    again = run("token", "rm", "ci")
    assert again.status == 1
    assert "prevs token ls" in again.err
    assert "prevs token add" in run("token", "ls").err


def test_what_was_done_is_listed_with_the_latest_last(world: fake.World, run: Run) -> None:
    world.audit = [fake.deed(2, outcome=403, who=None, scope=None), fake.deed(1)]
    done = run("audit")
    _, first, second = done.out.splitlines()
    assert first.split()[2:5] == ["ci", "start", "preview"]
    assert "a stranger" in second
    assert "403" in second
    assert json.loads(run("audit", "--json").out) == world.audit
    assert "--limit 4" in run("audit", "--limit", "1").err


def test_a_token_that_may_not_hears_which_scope_is_needed(world: fake.World, run: Run) -> None:
    detail = "This needs a token with the scope `use`; 'ci' has `read`."
    world.refusals["POST", "/v1/previews"] = fake.problem(
        "forbidden", 403, detail, needed="use", scope="read"
    )
    done = run("start", "hello", "main")
    assert (done.status, done.out) == (1, "")
    assert detail in done.err
    assert "prevs token add NAME --scope use" in done.err


def test_an_api_that_is_asked_too_much_is_asked_again_when_it_says(
    world: fake.World, run: Run
) -> None:
    world.busy = [0, 0]
    done = run("start", "hello", "main")
    assert (done.status, done.out) == (0, "http://main.hello.localhost:8080/\n")
    assert done.err.count("wants fewer calls") == 2
    world.busy = [61]
    refused = run("ls")
    assert refused.status == 1
    assert "prevs events -f" in refused.err
