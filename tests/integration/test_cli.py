"""The command line, from its arguments to its exit status, against an API on a real socket."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli.__main__ import main
from prevs import names
from tests.fakes import api as fake

pytestmark = pytest.mark.integration


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def world() -> fake.World:
    """An app `hello` whose branch main leads to a commit that nobody asked for yet."""
    return fake.World(apps={"hello": fake.app("hello")}, labels={("hello", "main"): fake.SHA})


@pytest.fixture
def address(world: fake.World) -> Iterator[str]:
    with fake.serving(world) as address:
        yield address


@pytest.fixture
def environ(address: str) -> dict[str, str]:
    return {"PREVS_API": address, "PREVS_TOKEN": fake.TOKEN, "HOME": "/nonexistent"}


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run_it(*args: str, **changes: str) -> Done:
        status = main(args, {**environ, **changes})
        return Done(status, *capsys.readouterr())

    return run_it


def process_environ(environ: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environ, "TERM": "xterm", "BROWSER": "/bin/false"}


def test_an_app_is_added_with_what_was_said_and_shown(world: fake.World, run: Run) -> None:
    done = run("app", "add", "shop", "https://git.example.org/shop.git", "--port", "80", "--mem=64")
    assert done.status == 0
    assert world.apps["shop"]["port"] == 80
    assert world.bodies == [
        {"name": "shop", "repository": "https://git.example.org/shop.git", "port": 80, "mem": 64}
    ]
    assert "64 MB" in done.out
    assert "prevs start shop main" in done.err


def test_a_folder_is_added_by_its_absolute_path(
    world: fake.World, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "elsewhere").mkdir()
    command = [sys.executable, "-m", "cli", "app", "add", "shop", "../shop"]
    more = {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        command,
        check=True,
        env=process_environ(environ) | more,
        cwd=tmp_path / "elsewhere",
        capture_output=True,
    )
    assert world.apps["shop"]["repository"] == str(tmp_path / "shop")


def test_an_app_of_that_name_fails_and_says_how_to_change_it(run: Run) -> None:
    done = run("app", "add", "hello", "/srv/other")
    assert done.status == 1
    assert done.out == ""
    assert "exists already" in done.err
    assert "prevs app set hello" in done.err


def test_settings_that_are_not_taken_are_all_told_and_are_wrong_use(
    world: fake.World, run: Run
) -> None:
    problems = [
        {"field": "port", "message": "is not between 1 and 65535"},
        {"field": "mem", "message": "is less than 4 MB"},
    ]
    world.refusals["POST", "/v1/apps"] = fake.problem(
        "invalid-settings", 422, "Two settings cannot be taken.", problems=problems
    )
    done = run("app", "add", "shop", "/srv/shop", "--port", "0", "--mem", "1")
    assert done.status == 2
    assert "port: is not between 1 and 65535" in done.err
    assert "mem: is less than 4 MB" in done.err


def test_apps_are_listed_for_people_and_for_programs(run: Run) -> None:
    assert "hello" in run("app", "ls").out
    assert json.loads(run("app", "ls", "--json").out)[0]["name"] == "hello"
    assert json.loads(run("app", "show", "hello", "--json").out)["mem"] == 128


def test_an_empty_list_prints_no_data_and_says_what_to_do(world: fake.World, run: Run) -> None:
    world.apps.clear()
    done = run("app", "ls")
    assert (done.status, done.out) == (0, "")
    assert "prevs app add" in done.err
    assert json.loads(run("app", "ls", "--json").out) == []


def test_settings_of_an_app_are_changed(world: fake.World, run: Run) -> None:
    done = run("app", "set", "hello", "--mem", "256", "--json")
    assert json.loads(done.out)["mem"] == 256
    assert world.bodies == [{"mem": 256}]


def test_changing_nothing_is_wrong_use(run: Run) -> None:
    assert run("app", "set", "hello").status == 2


def test_removing_an_app_asks_unless_told_not_to(world: fake.World, environ: Any, run: Run) -> None:
    command = [sys.executable, "-m", "cli", "app", "rm", "hello"]
    unasked = subprocess.run(
        command,
        check=False,
        env=process_environ(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert "hello" in world.apps
    done = run("app", "rm", "hello", "--yes")
    assert (done.status, done.out) == (0, "")
    assert "hello" not in world.apps


def test_an_unknown_app_fails_with_what_the_api_says(run: Run) -> None:
    done = run("app", "show", "shop")
    assert (done.status, done.out) == (1, "")
    assert "There is no app 'shop'." in done.err


def test_start_prints_the_address_on_stdout_and_the_state_on_stderr(run: Run) -> None:
    done = run("start", "hello", "main")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    assert "hello@main (de6b329) waits for an agent" in done.err


def test_a_branch_may_be_named_as_in_git(world: fake.World, run: Run) -> None:
    world.labels["hello", names.slug("feature/x")] = fake.SHA
    assert run("start", "hello", "feature/x").status == 0
    assert world.bodies == [{"app": "hello", "label": names.slug("feature/x")}]


def test_an_unknown_branch_is_told_by_the_name_that_was_given(run: Run) -> None:
    done = run("start", "hello", "feature/y")
    assert done.status == 1
    assert "'feature/y'" in done.err
    assert names.slug("feature/y") in done.err


def test_an_ambiguous_commit_is_told_with_its_candidates(world: fake.World, run: Run) -> None:
    candidates = [
        {"sha": fake.SHA, "kind": "commit", "ref": None, "subject": "Be brief", "url": ""},
        {"sha": fake.OTHER_SHA, "kind": "commit", "ref": None, "subject": "Be loud", "url": ""},
    ]
    world.refusals["POST", "/v1/previews"] = fake.problem(
        "ambiguous-label", 409, "'de6b329' could mean 2 commits.", candidates=candidates
    )
    done = run("start", "hello", "de6b329")
    assert done.status == 1
    assert f"{fake.SHA[:12]} commit Be brief" in done.err
    assert f"{fake.OTHER_SHA[:12]} commit Be loud" in done.err


def test_start_wait_ends_with_the_address_when_it_runs(world: fake.World, run: Run) -> None:
    queued = fake.preview(reason="no agent has 2048 MB free; the most is 1536")
    building = fake.preview(state="building", phase="building")
    world.streams = [
        [
            fake.event("state", queued),
            fake.event("log", "Step 1/2\n", 9),
            fake.event("state", building),
            fake.event("state", fake.preview(state="running")),
        ]
    ]
    done = run("start", "hello", "main", "--wait")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    assert done.err.splitlines() == [
        "hello@main (de6b329) waits for an agent: no agent has 2048 MB free; the most is 1536",
        "hello@main (de6b329) builds the image",
        "hello@main (de6b329) runs at http://main.hello.localhost:8080/",
    ]


def test_start_wait_ends_with_the_reason_when_it_failed(world: fake.World, run: Run) -> None:
    def fail_meanwhile() -> bytes:
        world.previews["hello", fake.SHA].update(fake.failed())
        return fake.event("state", fake.failed(log_tail=""))

    world.previews["hello", fake.SHA] = fake.preview()
    world.streams = [[fake.event("state", fake.preview()), fake.Later(fail_meanwhile)]]
    done = run("start", "hello", "main", "--wait")
    assert (done.status, done.out) == (1, "")
    assert "failed: The app exited. (exit code 3)" in done.err
    assert "  oh no" in done.err.splitlines()
    assert "prevs retry hello main" in done.err


def test_start_of_what_has_failed_says_so_at_once(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.failed()
    done = run("start", "hello", "main", "--json")
    assert done.status == 1
    assert json.loads(done.out)["failure"]["cause"] == "app-exited"
    assert "exit code 3" in done.err


def test_start_wait_fails_when_somebody_stops_it(world: fake.World, run: Run) -> None:
    world.streams = [[fake.event("end", fake.preview(state="stopped"))]]
    done = run("start", "hello", "main", "--wait")
    assert (done.status, done.out) == (1, "")
    assert "is stopped" in done.err


def test_previews_are_listed_and_filtered(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.previews["hello", fake.OTHER_SHA] = fake.failed(sha=fake.OTHER_SHA, labels=["old"])
    assert [line.split()[1] for line in run("ls").out.splitlines()] == ["LABEL", "main", "old"]
    found = json.loads(run("ls", "--app", "hello", "--state", "failed", "--json").out)
    assert [p["sha"] for p in found] == [fake.OTHER_SHA]
    assert run("ls", "--state", "nonsense").status == 2


def test_show_has_all_that_is_known(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.failed(
        agent={"id": "a-1", "host": "127.0.0.2"}, host_port=31000, task_id="hello.x.1"
    )
    done = run("show", "hello", "main")
    assert done.status == 0
    for expected in (fake.SHA, "127.0.0.2:31000", "hello.x.1", "exit code 3", "oh no"):
        assert expected in done.out
    assert json.loads(run("show", "hello", fake.SHA, "--json").out)["host_port"] == 31000


def test_a_preview_whose_branch_is_gone_can_still_be_stopped(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running", labels=["gone"])
    done = run("stop", "hello", "gone")
    assert done.status == 0
    assert world.previews["hello", fake.SHA]["state"] == "draining"
    assert "is being stopped" in done.err


def test_only_a_failed_preview_can_be_retried(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.failed()
    assert run("retry", "hello", "main").status == 0
    done = run("retry", "hello", "main")
    assert done.status == 1
    assert "Only a failed preview" in done.err


def test_logs_prints_all_of_the_log_however_it_is_cut(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.log, world.piece = "Größe \x1b[31mrot\x1b[0m\n".encode() * 3, 7
    assert run("logs", "hello", "main").out.encode() == world.log


def test_logs_that_follow_go_on_where_the_connection_broke(world: fake.World, run: Run) -> None:
    running = fake.preview(state="running")
    world.previews["hello", fake.SHA] = running
    stopped = fake.preview(state="stopped")
    world.streams = [
        [fake.event("state", running), fake.event("log", "one\n", 4), fake.Drop()],
        [fake.event("state", running), fake.event("log", "two\n", 8), fake.event("end", stopped)],
    ]
    done = run("logs", "hello", "main", "-f")
    assert done.status == 0
    assert done.out == "one\ntwo\n"
    assert world.resumed_after == [None, "4"]
    assert "connecting again" in done.err
    assert "is stopped" in done.err


def test_an_api_that_does_not_answer_is_told_with_its_address(run: Run) -> None:
    done = run("ls", PREVS_API="http://127.0.0.1:9")
    assert (done.status, done.out) == (1, "")
    assert "http://127.0.0.1:9" in done.err
    assert "connection refused" in done.err
    assert "prevs local up" in done.err
    assert "PREVS_API" in done.err


def test_something_else_at_the_address_is_told(world: fake.World, run: Run) -> None:
    world.refusals["GET", "/v1/apps"] = (200, ["no", "apps"])
    done = run("app", "ls")
    assert done.status == 1
    assert "is not the API of prevs" in done.err


def test_a_wrong_token_is_told_with_the_next_step_and_never_printed(run: Run) -> None:
    done = run("ls", PREVS_TOKEN="not-the-token")
    assert done.status == 1
    assert "PREVS_TOKEN" in done.err
    assert "not-the-token" not in done.err


def test_no_settings_at_all_say_how_to_get_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"], {"HOME": "/nonexistent"}) == 1
    assert "prevs local up" in capsys.readouterr().err


def test_the_credentials_file_is_used(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prevs").mkdir()
    content = json.dumps({"api": address, "token": fake.TOKEN})
    (tmp_path / "prevs" / "credentials.json").write_text(content)
    assert main(["app", "ls"], {"XDG_CONFIG_HOME": str(tmp_path)}) == 0
    assert "hello" in capsys.readouterr().out


def test_wrong_use_is_status_2_and_help_is_0(run: Run) -> None:
    assert run("start", "hello").status == 2
    assert run("nonsense").status == 2
    help_text = run("--help")
    assert help_text.status == 0
    assert "app" in help_text.out


def test_commands_do_not_wait_for_the_imports_of_local() -> None:
    program = (
        "import sys; from cli.__main__ import main; main(['ls'], {'HOME': '/nonexistent'}); "
        "sys.exit(sorted({'local', 'docker', 'kazoo', 'fastapi'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr


def test_local_is_one_of_the_commands(run: Run) -> None:
    done = run("local", "--help")
    assert done.status == 0
    assert "up" in done.out


def test_open_prints_the_address_also_where_there_is_no_browser(environ: dict[str, str]) -> None:
    command = [sys.executable, "-m", "cli", "open", "hello", "main"]
    done = subprocess.run(
        command, check=False, env=process_environ(environ), capture_output=True, text=True
    )
    assert done.stdout == "http://main.hello.localhost:8080/\n"
    assert done.returncode == 1
    assert "browser" in done.stderr


def test_an_interrupt_ends_a_following_command_with_130(
    world: fake.World, environ: dict[str, str]
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    over = threading.Event()

    def hang() -> bytes:
        over.wait(30)
        return b""

    world.streams = [[fake.event("log", "one\n", 4), fake.Later(hang)]]
    command = [sys.executable, "-m", "cli", "logs", "hello", "main", "-f"]
    process = subprocess.Popen(
        command,
        env=process_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    over.set()
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_terminal_gets_colours_and_a_live_line_but_no_commands_of_a_log(
    world: fake.World, environ: dict[str, str]
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.log = b"\x1b]0;title\x07\x1b[2Jplain \x1b[32mgreen\x1b[0m\n"
    shown = on_terminal(["ls"], environ)
    assert "\x1b[32mrunning" in shown
    printed = on_terminal(["logs", "hello", "main"], environ)
    assert "plain \x1b[32mgreen" in printed
    assert "title" not in printed
    assert "\x1b[2J" not in printed
    world.previews["hello", fake.SHA]["state"] = "queued"
    world.streams = [
        [
            fake.event("state", fake.preview(state="building", phase="fetching")),
            fake.Later(wait_a_moment),
            fake.event("state", fake.preview(state="running")),
        ]
    ]
    waited = on_terminal(["start", "hello", "main", "--wait"], environ)
    assert "fetches the commit" in waited
    assert "http://main.hello.localhost:8080/" in waited


def wait_a_moment() -> bytes:
    time.sleep(0.3)
    return b""


def on_terminal(args: list[str], environ: dict[str, str]) -> str:
    """Return what a command prints on a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *args],
        env=process_environ(environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while piece := os.read(ours, 65536):
                printed += piece
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait(timeout=10) == 0, printed
    return printed.decode()
