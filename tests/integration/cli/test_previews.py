"""The commands about previews, against an API on a real socket."""

import json
import time

import pytest

from prevs import names
from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


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
    queued = fake.preview(queue_place=2, reason="no agent has 2048 MB free; the most is 1536")
    lost = fake.preview(reason="Its last attempt was lost.", next_try=time.time() + 1000)
    building = fake.preview(state="building", phase="building")
    world.streams = [
        [
            fake.event("state", queued),
            fake.event("state", fake.preview(queue_place=1)),
            fake.event("state", lost),
            fake.event("log", "Step 1/2\n", 9),
            fake.event("state", building),
            fake.event("state", fake.preview(state="running")),
        ]
    ]
    done = run("start", "hello", "main", "--wait")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    told = done.err.splitlines()
    assert told.pop(2).startswith(
        "hello@main (de6b329) waits for an agent: Its last attempt was lost; the next try is in 16 "
    )
    assert told == [
        "hello@main (de6b329) is 2nd in the queue: no agent has 2048 MB free; the most is 1536",
        "hello@main (de6b329) is 1st in the queue",
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


def test_what_is_wrong_in_the_settings_of_a_commit_is_told_line_by_line(
    world: fake.World, run: Run
) -> None:
    told = [{"line": 1, "message": "prot is not known"}, {"line": 4, "message": "mem asks"}]
    failure = {"cause": "settings-invalid", "message": "2 mistakes.", "exit_code": None}
    world.previews["hello", fake.SHA] = fake.failed(failure={**failure, "mistakes": told})
    done = run("start", "hello", "main", "--wait")
    assert done.status == 1
    assert "  line 1: prot is not known" in done.err.splitlines()
    assert "  line 4: mem asks" in done.err.splitlines()
    shown = run("show", "hello", "main").out
    assert [line.split()[:2] for line in shown.splitlines() if line.startswith("line")] == [
        ["line", "1"],
        ["line", "4"],
    ]
    assert "prot is not known" in shown
    assert "0.1 CPUs, 128 MB, port 8080" in shown


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


def test_a_list_shows_the_place_the_reason_and_the_pin(world: fake.World, run: Run) -> None:
    world.previews["hello", fake.SHA] = fake.preview(queue_place=2, reason="no agent has room")
    running = fake.preview(sha=fake.OTHER_SHA, state="running", pinned=True)
    world.previews["hello", fake.OTHER_SHA] = running
    _, queued, pinned = run("ls").out.splitlines()
    assert queued.endswith("2nd in the queue: no agent has room")
    assert pinned.endswith("pinned")


def test_show_has_the_reason_of_a_running_preview_and_its_pin(world: fake.World, run: Run) -> None:
    reason = "Its agent does not answer; in a minute another one takes over."
    shown = fake.preview(state="running", reason=reason, pinned=True)
    world.previews["hello", fake.SHA] = shown
    told = run("show", "hello", "main").out
    assert reason in told
    assert "pinned" in told


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


def test_logs_prints_all_of_the_log_however_it_is_cut_and_plain_where_no_terminal_is(
    world: fake.World, run: Run
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.log, world.piece = "Größe \x1b[31mrot\x1b[0m\n".encode() * 3, 7
    assert run("logs", "hello", "main").out == "Größe rot\n" * 3


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


def test_logs_prints_the_end_of_a_log_alone_where_that_is_asked_for(
    world: fake.World, run: Run
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    world.log = b"old\n" * 2000 + b"new \x1b[2J\n"
    shown = run("logs", "hello", "main", "--tail").out
    assert shown.endswith("old\nnew \n")
    assert len(shown) < 4200
    assert run("logs", "hello", "main", "--tail", "-f").status == 2


def test_show_tells_why_a_preview_was_stopped_and_how_long_its_steps_took(
    world: fake.World, run: Run
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(
        state="stopped",
        reason="Nobody used it for an hour.",
        steps=fake.steps((0.0, 0.5, 0.4), (0.5, 2.0, None)),
    )
    shown = run("show", "hello", "main").out
    for part in ("Nobody used it", "0.5 s, usually 0.4 s", "placed  1.5 s"):
        assert part in shown
