"""`prevs forge …`, against an API on a real socket."""

from pathlib import Path

import pytest

from framework.ports.forges import Finding
from framework.state.snapshot import Look
from prevs.pulls import Delivered, PullRecord
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_a_token_comes_from_a_file_and_is_never_printed(api: Api, run: Run, tmp_path: Path) -> None:
    api.add("shop")
    file = tmp_path / "token"
    file.write_text("glpat-hunter2\n")
    done = run("forge", "set", "shop", "--kind", "gitlab", "--token-file", str(file))
    assert done.status == 0
    assert api.bodies == [{"forge": "gitlab"}, {"token": "glpat-hunter2"}]
    assert "prevs forge check shop" in done.err
    shown = run("app", "show", "shop")
    assert "gitlab" in shown.out
    assert "branches (auto)" in shown.out
    assert "hunter2" not in done.out + done.err + shown.out
    assert run("forge", "rm", "shop", "--yes").status == 0
    assert run("forge", "rm", "shop", "--yes").status == 1
    assert "off (auto)" in run("app", "show", "shop").out


def test_the_kind_alone_leaves_the_token_as_it_is(api: Api, run: Run) -> None:
    api.add("shop")
    assert run("forge", "set", "shop", "--kind", "gitea").status == 0
    assert api.bodies == [{"forge": "gitea"}]


def test_a_wrong_kind_is_answered_with_those_that_there_are(api: Api, run: Run) -> None:
    api.add("shop")
    done = run("forge", "set", "shop", "--kind", "hub")
    assert done.status == 2
    for kind in ("auto", "github", "gitlab", "gitea", "pagure", "none"):
        assert f"'{kind}'" in done.err


def test_a_check_shows_each_part_and_fails_with_the_parts_that_fail(api: Api, run: Run) -> None:
    api.add("shop")
    api.findings = (
        Finding("address", True, "https://git.example.org/api/v4 answers."),
        Finding("token", False, "It has ended.", "Make a new one."),
        Finding("repository", None, "It was not tried."),
    )
    done = run("forge", "check", "shop")
    assert done.status == 1
    assert "This does not work for shop: token." in done.err
    words = " ".join(done.out.split())
    assert "token fails It has ended. Make a new one." in words
    api.findings = api.findings[:1]
    assert run("forge", "check", "shop").status == 0


def test_what_was_said_at_the_forge_is_listed_and_what_was_not(api: Api, run: Run) -> None:
    api.add("shop")
    assert run("app", "set", "shop", "--pulls", "all", "--tell", "status").status == 0
    assert run("app", "set", "shop", "--tell", "").status == 0
    assert api.bodies == [{"pulls": "all", "tell": ["status"]}, {"tell": []}]
    delivered = Delivered(said="being built", problems={"comment": "It is locked."})
    api.previews.pulls["shop"] = {
        7: PullRecord("shop", 7, "a" * 40, "pull/7/head", is_fork=False, delivered=delivered)
    }
    api.previews.looks["shop"] = Look(1.0, delivery_problems={"status": "The token may not."})
    done = run("pulls", "shop")
    assert "being built" in done.out
    assert "Pull request 7: It is locked." in done.err
    assert "Something cannot be said at the forge now. The token may not." in done.err
