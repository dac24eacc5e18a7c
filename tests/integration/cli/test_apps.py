"""`prevs app …`, from its arguments to its exit status, against an API on a real socket."""

import json
from pathlib import Path
from typing import Any

import pytest

from framework.errors import RepositoryUnreachable
from framework.ports import Listing, Ref, Resolved
from framework.stacks.written_stack import WrittenStack
from prevs.records import AppRecord
from prevs.stacks import Member
from prevs.states import State
from tests.fakes.answers import SHA, known_agent, problem
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run, run_process

pytestmark = pytest.mark.integration


def test_an_app_is_added_with_the_given_settings_and_shown(api: Api, run: Run) -> None:
    api.refs.put("shop", "main", SHA)
    done = run("app", "add", "shop", "https://git.example.org/shop.git", "--port", "80", "--mem=64")
    assert done.status == 0
    assert api.previews.snapshot.app("shop").port == 80
    assert api.bodies == [
        {"name": "shop", "repository": "https://git.example.org/shop.git", "port": 80, "mem": 64}
    ]
    assert "64 MB" in done.out
    assert "prevs start shop main" in done.err


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_an_app_whose_repository_cannot_be_read_is_kept_and_fails(
    api: Api, run: Run, json_too: tuple[str, ...]
) -> None:
    away = RepositoryUnreachable("shop", "https://git.example.org/shop.git", "it asks who you are")
    api.refs.listings["shop"] = away
    done = run("app", "add", "shop", "https://git.example.org/shop.git", *json_too)
    assert done.status == 1
    assert api.previews.snapshot.app("shop")
    assert "shop is registered, but none of its commits can start." in done.err
    assert "it asks who you are" in done.err
    for step in ("prevs credential set shop", "prevs app set shop --repository", "--unchecked"):
        assert step in done.err
    assert "main" not in done.err
    unchecked = run("app", "add", "shop", "https://git.example.org/shop.git", "--unchecked")
    assert unchecked.status == 0
    assert "start" not in unchecked.err


def test_an_app_that_was_read_once_and_is_away_now_fails_too(api: Api, run: Run) -> None:
    main = Ref("main", "branch", "main", SHA, "Ada", "Say hello", 1.0)
    api.refs.listings["shop"] = Listing([main], 60.0, "It cannot be read: it is away")
    done = run("app", "add", "shop", "https://git.example.org/shop.git")
    assert done.status == 1
    assert "it is away" in done.err


@pytest.mark.parametrize(
    ("branches", "offered"),
    [
        ({"cart": 3.0, "master": 1.0}, "master"),
        ({"old": 1.0, "cart": 3.0, "new": 2.0}, "cart"),
    ],
)
def test_a_repository_without_main_is_offered_what_it_has(
    api: Api, run: Run, branches: dict[str, float], offered: str
) -> None:
    for branch, committed in branches.items():
        api.refs.put("shop", branch, SHA)
        lead = api.refs.leads["shop", branch]
        assert isinstance(lead, Resolved)
        api.refs.leads["shop", branch] = lead._replace(committed=committed)
    done = run("app", "add", "shop", "https://git.example.org/shop.git")
    assert done.status == 0
    assert f"`prevs start shop {offered} --wait` starts its branch {offered}." in done.err


def test_a_repository_without_branches_is_offered_none(run: Run) -> None:
    done = run("app", "add", "shop", "https://git.example.org/shop.git")
    assert done.status == 0
    assert "no branch to start yet: push one" in done.err
    assert "main" not in done.err


@pytest.mark.parametrize(
    ("slug", "detail"),
    [("reading-repository", "It is being fetched."), ("unavailable", "Nobody leads now.")],
)
def test_a_repository_that_is_slow_is_waited_for_and_the_time_shown(
    api: Api, run: Run, slug: str, detail: str
) -> None:
    api.refs.put("shop", "main", SHA)
    refs = ("GET", "/v1/apps/shop/refs")

    async def read_on(scope: Any, receive: Any, send: Any) -> None:
        if api.requests.count(refs) == 2:
            del api.instead[refs]
        await problem(slug, 503, detail)(scope, receive, send)

    api.instead[refs] = read_on
    done = run("app", "add", "shop", "https://git.example.org/shop.git")
    assert (done.status, api.requests.count(refs)) == (0, 3)
    assert done.err.count("The framework reads the repository of shop for the first time:") == 1
    assert "prevs start shop main" in done.err


def test_a_slow_read_that_comes_to_nothing_ends_with_the_reason(api: Api, run: Run) -> None:
    refs = ("GET", "/v1/apps/shop/refs")
    reason = "it did not answer within 600 s"
    api.refs.listings["shop"] = RepositoryUnreachable("shop", "https://x.example/x.git", reason)

    async def read_on(scope: Any, receive: Any, send: Any) -> None:
        del api.instead[refs]
        await problem("reading-repository", 503, "It is read.")(scope, receive, send)

    api.instead[refs] = read_on
    done = run("app", "add", "shop", "https://x.example/x.git")
    assert done.status == 1
    assert reason in done.err
    assert "prevs app rm shop" in done.err


def test_a_folder_is_added_by_its_absolute_path(
    api: Api, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "elsewhere").mkdir()
    done = run_process("app add shop ../shop", environ, tmp_path / "elsewhere")
    assert done.status == 0
    assert api.previews.snapshot.app("shop").repository == str(tmp_path / "shop")


def test_hours_constraints_and_idle_time_of_an_app_are_set_and_shown(api: Api, run: Run) -> None:
    warm = ["--keep-warm", "mon-fri 08:00-18:00", "--keep-warm", "sat 10:00-12:00"]
    where = ["--constraint", "zone=a|b", "--constraint=gpu"]
    done = run("app", "add", "shop", "/srv/shop", "--idle-after", "5400", *warm, *where)
    assert done.status == 0
    added = api.bodies[0]
    assert added["idle_after"] == 5400
    assert added["keep_warm"] == ["mon-fri 08:00-18:00", "sat 10:00-12:00"]
    assert added["constraints"] == ["zone=a|b", "gpu"]
    for expected in ("1 h 30 min", "mon-fri 08:00-18:00 UTC", "sat 10", "zone=a|b", "gpu"):
        assert expected in done.out
    assert "1 h 30 min" in run("app", "ls").out


def test_room_for_an_app_is_taken_back(api: Api, run: Run) -> None:
    had = {"keep_warm": ("sat 10:00-12:00",), "constraints": ("gpu",)}
    api.previews.change_app("hello", had)
    done = run("app", "set", "hello", "--idle-after", "0", "--keep-warm", "", "--constraint", "")
    assert done.status == 0
    assert api.bodies == [{"idle_after": 0, "keep_warm": [], "constraints": []}]
    assert "never" in done.out
    assert "gpu" not in done.out


def test_an_existing_name_fails_with_how_to_change_the_app(run: Run) -> None:
    done = run("app", "add", "hello", "/srv/other")
    assert done.status == 1
    assert done.out == ""
    assert "already exists, with other settings" in done.err
    assert "PATCH" not in done.err, "that is for programs"
    assert "prevs app set hello" in done.err


def test_invalid_settings_are_all_reported_and_are_wrong_use(run: Run) -> None:
    command = ["app", "add", "Shop", "/srv/shop", "--port", "0", "--mem", "1", "--health", "x"]
    command += ["--keep-warm", "always", "--constraint", "gpu", "--constraint", "zone=="]
    done = run(*command, "--idle-after", "-1")
    assert done.status == 2
    for field in ("name", "port", "mem", "health", "keep_warm", "constraints", "idle_after"):
        assert done.err.count(f"  {field}: ") == 1


def test_apps_are_listed_for_people_and_for_programs(run: Run) -> None:
    assert "hello" in run("app", "ls").out
    assert json.loads(run("app", "ls", "--json").out)[0]["name"] == "hello"
    assert json.loads(run("app", "show", "hello", "--json").out)["mem"] == 128


def test_an_empty_list_prints_no_data_and_the_next_step(api: Api, run: Run) -> None:
    api.previews.known_apps.clear()
    done = run("app", "ls")
    assert (done.status, done.out) == (0, "")
    assert "prevs app add" in done.err
    assert json.loads(run("app", "ls", "--json").out) == []


def test_memory_that_no_agent_has_is_set_with_a_warning(api: Api, run: Run) -> None:
    api.agents.known = [known_agent("10.0.0.1")]
    for command in (("set", "hello"), ("add", "big", "https://git.example.org/b.git")):
        done = run("app", *command, "--mem", "999999", *(["--unchecked"] * (command[0] == "add")))
        assert done.status == 0
        assert "Warning: no agent has 999999 MB; the largest have 4096 MB" in done.err
    for option, what in (("--max-mem", "9999 MB"), ("--cpus", "9 CPUs"), ("--max-cpus", "9 CPUs")):
        done = run("app", "set", "hello", option, what.split()[0])
        assert f"Warning: no agent has {what};" in done.err
    assert "Warning" not in run("app", "set", "hello", "--mem", "256").err
    assert "Warning" not in run("app", "set", "hello", "--port", "81").err
    refused = run("app", "set", "hello", "--mem", "1048577")
    assert (refused.status, "1048576" in refused.err) == (2, True)


def test_settings_of_an_app_are_changed(api: Api, run: Run) -> None:
    done = run("app", "set", "hello", "--mem", "256", "--json")
    assert json.loads(done.out)["mem"] == 256
    assert api.bodies == [{"mem": 256}]


def test_changing_nothing_is_wrong_use(run: Run) -> None:
    assert run("app", "set", "hello").status == 2


def test_removing_an_app_needs_a_confirmation_without_yes(api: Api, environ: Any, run: Run) -> None:
    api.put(State.RUNNING)
    unasked = run_process("app rm hello", environ)
    assert unasked.status == 2
    assert "This also removes 1 preview (1 running)." in unasked.err
    assert "--yes" in unasked.err
    assert "hello" in api.previews.known_apps
    done = run("app", "rm", "hello", "--yes")
    assert (done.status, done.out) == (0, "")
    assert "hello" not in api.previews.known_apps


def test_an_app_of_a_stack_is_not_asked_about_because_it_stays(api: Api, run: Run) -> None:
    written = WrittenStack("web", {"web": Member("hello", "main")})
    api.stacks.command(lambda stacks: stacks.write("shop", written, by="ada"))
    done = run("app", "rm", "hello")
    assert (done.status, "`prevs stack rm shop` removes that stack" in done.err) == (1, True)


def test_an_older_framework_does_not_say_what_goes_with_an_app(api: Api, run: Run) -> None:
    nothing = problem("not-found", 404, "There is nothing at this path.")
    api.instead["GET", "/v1/apps/hello/belongings"] = nothing
    done = run("app", "rm", "hello")
    assert (done.status, "all that belongs to it" in done.err) == (2, True)


def test_an_unknown_app_fails_with_the_apis_message(run: Run) -> None:
    done = run("app", "show", "shop")
    assert (done.status, done.out) == (1, "")
    assert "There is no app 'shop'." in done.err


def test_what_is_built_ahead_is_set_and_what_is_missing_for_it_is_said(api: Api, run: Run) -> None:
    api.previews.known_apps["hello"] = AppRecord("hello", "https://git.example.org/hello.git")
    branches = run("app", "set", "hello", "--warm", "branches")
    assert api.bodies == [{"warm": "branches"}]
    assert "built ahead" in branches.out
    assert "token" not in branches.err
    assert "prevs forge set hello" in run("app", "set", "hello", "--warm", "pulls").err
