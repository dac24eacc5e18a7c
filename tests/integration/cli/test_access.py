"""Tokens, the audit log, and the answer to an insufficient token, on a real socket."""

import json

import pytest

from framework.access import Identity, Scope
from framework.http_api.admission import limits
from prevs.states import State
from tests.fakes.answers import SHA
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_a_token_is_printed_once_on_stdout_and_the_rest_on_stderr(api: Api, run: Run) -> None:
    done = run("token", "add", "ci", "--scope", "read")
    token = done.out.removesuffix("\n")
    assert done.status == 0
    assert api.tokens.authenticate(token) == Identity("ci", Scope.READ)
    assert "not shown again" in done.err
    assert token not in done.err
    assert token not in run("token", "ls").out
    assert json.loads(run("token", "ls", "--json").out)[0]["scope"] == "read"


def test_a_token_is_removed_by_its_name(api: Api, run: Run) -> None:
    api.tokens.add_token("ci", Scope.USE)
    assert run("token", "rm", "ci", "--yes").status == 0
    assert api.tokens.known == {}
    again = run("token", "rm", "ci", "--yes")
    assert again.status == 1
    assert "prevs token ls" in again.err
    assert "prevs token add" in run("token", "ls").err


def test_entries_are_listed_with_the_latest_last(api: Api, run: Run) -> None:
    what = ("start preview", f"hello/{SHA}")
    api.audit.note(Identity("ci", Scope.USE), *what, 202, "10.0.0.1")
    api.audit.note(None, *what, 403, "10.0.0.1")
    done = run("audit")
    _, first, second = done.out.splitlines()
    assert first.split()[2:5] == ["ci", "start", "preview"]
    assert first.split()[5] == f"hello/{SHA[:12]}"
    assert "unknown" in second
    assert "403" in second
    listed = json.loads(run("audit", "--json").out)
    assert listed == [one._asdict() for one in reversed(api.audit.latest())]
    assert "--limit 4" in run("audit", "--limit", "1").err


def test_a_refused_token_is_answered_with_the_needed_scope(api: Api, run: Run) -> None:
    _, token = api.tokens.add_token("ci", Scope.READ)
    done = run("start", "hello", "main", PREVS_TOKEN=token)
    assert (done.status, done.out) == (1, "")
    assert "This needs a token with the scope `use`; 'ci' has `read`." in done.err
    assert "prevs token add NAME --scope use" in done.err


def test_a_call_that_is_one_too_many_is_repeated_when_the_api_allows_it(api: Api, run: Run) -> None:
    api.next = [limits.refuse(0, "Too much."), limits.refuse(0, "Too much.")]
    done = run("start", "hello", "main")
    assert (done.status, done.out) == (0, "http://main.hello.localhost:8080/\n")
    assert done.err.count("limits the calls") == 2
    api.next = [limits.refuse(61, "Too much.")]
    refused = run("ls")
    assert refused.status == 1
    assert "prevs events -f" in refused.err


def test_a_token_of_one_app_shows_that_app_and_is_refused_for_others(api: Api, run: Run) -> None:
    for app in ("shop", "zebra"):
        api.add(app, "main")
    api.put(State.RUNNING)
    done = run("token", "add", "ci", "--scope", "use", "--app", "shop")
    token = done.out.strip()
    assert api.tokens.authenticate(token) == Identity("ci", Scope.USE, "shop")
    assert run("token", "ls").out.split()[-6:-3] == ["ci", "use", "shop"]
    listed = json.loads(run("app", "ls", "--json", PREVS_TOKEN=token).out)
    assert [one["name"] for one in listed] == ["shop"]
    assert run("ls", "--json", PREVS_TOKEN=token).out.strip() == "[]"
    assert run("start", "shop", "main", PREVS_TOKEN=token).status == 0
    for command in ("show zebra main", "agents", "refs zebra", "start zebra main", "refs nope"):
        refused = run(*command.split(), PREVS_TOKEN=token)
        assert refused.status == 1, command
        assert "is only for the app 'shop'" in refused.err
        assert "prevs app ls" in refused.err


def test_a_token_of_one_app_is_read_or_use_and_of_an_app_that_there_is(run: Run) -> None:
    refused = run("token", "add", "ci", "--scope", "admin", "--app", "hello")
    assert refused.status != 0
    assert "app: can only go with the scope read or use, not with admin" in refused.err
    assert run("token", "add", "ci", "--scope", "proxy").status == 2
