"""`prevs local` again: after stops and crashes, beside others, interrupted, of other code."""

import shutil
import signal
from pathlib import Path

import pytest

from local.parts import processes
from local.settings import read
from tests.e2e.own_cluster import ROOT, Own, finish
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(300)]


@pytest.mark.timeout(900)
def test_down_and_up_again_and_again_never_fail_a_preview(
    serving: Own,
) -> None:
    for _ in range(10):
        serving.down()
        serving.up()
        answer = serving.visit()
        [preview] = serving.call("GET", "/v1/previews").json()["previews"]
        assert (answer.status_code, preview["state"]) == (200, "running"), preview


def test_after_a_power_cut_up_takes_another_domain_and_goes_on_from_the_same_state(
    serving: Own,
) -> None:
    """The record of the leader outlives it, and its session outlives ZooKeeper."""
    page = serving.visit().text
    supervisor = processes.identify(serving.status()["supervisor"])
    assert supervisor is not None
    running = [supervisor, *processes.marked(serving.id)]
    for process in running:
        processes.send(process, signal.SIGKILL)
    assert processes.wait(running, 20) == []

    done = serving.run_process("up", *serving.options, "--domain=example.test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ".example.test" in done.stdout
    assert serving.part("framework")["restarts"] == 0
    serving.down()
    serving.up()
    assert serving.visit().text == page


def test_two_ups_at_once_take_turns_and_both_tell_the_truth(own: Own) -> None:
    own.down()
    both = [own.begin("up", *own.options) for _ in range(2)]
    done = [finish(one) for one in both]
    for one in done:
        assert (one.returncode, one.stderr) == (0, ""), one
    first, second = sorted(done, key=lambda one: "already up" in one.stdout)
    assert "Up after" in first.stdout
    assert "Waiting for the end of `prevs local up`" in second.stdout
    assert own.status()["up"]


def test_an_up_during_a_down_waits_for_its_end_and_then_starts(running: Own) -> None:
    down = running.begin("down")
    wait_until(lambda: running.status().get("stopping"), "it stops")
    done = running.run_process("up", *running.options)
    assert finish(down).returncode == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert "already up" not in done.stdout
    assert running.status()["up"]


def test_an_up_after_a_down_that_was_killed_waits_for_its_end_too(running: Own) -> None:
    down = running.begin("down")
    wait_until(lambda: running.status().get("stopping"), "it stops")
    down.kill()
    finish(down)
    running.up()
    assert running.status()["up"]


def test_a_down_ends_an_up_and_says_so_to_who_waits(own: Own) -> None:
    own.down()
    up = own.begin("up", *own.options)
    wait_until(lambda: own.status()["parts"], "it starts")
    done = own.run_process("down")
    assert done.stdout.endswith("Down.\n"), done
    ended = finish(up)
    assert ended.returncode == 1
    assert "It was stopped while it started." in ended.stdout
    assert processes.marked(own.id) == []
    assert own.run_process("down").stdout == "Nothing runs here.\n"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("until", ["it has the turn", "it is nearly up"])
def test_an_interrupted_up_says_in_a_sentence_what_runs(own: Own, until: str) -> None:
    own.down()
    up = own.begin("up", *own.options)
    assert up.stdout is not None
    wait_until(lambda: (own.folder / "turn.lock").read_text() == "up", "it has the turn")
    if until == "it is nearly up":
        wait_until(lambda: own.status()["parts"] and own.part("agent-2")["state"] == "ready")
    up.send_signal(signal.SIGINT)
    done = finish(up)
    assert done.returncode == 130
    last = done.stdout.splitlines()[-1]
    assert "nothing runs" in last or "goes on starting" in last
    assert "Traceback" not in done.stdout + done.stderr
    own.down()
    assert processes.marked(own.id) == []


def test_up_does_not_say_that_frameworks_run_which_do_not(running: Own) -> None:
    settings = read(running.folder)
    assert settings is not None
    held = settings.held_folder / "framework"
    held.touch()
    framework = processes.identify(running.part("framework")["pid"])
    assert framework is not None
    processes.end([framework], 0)
    done = running.run_process("up", *running.options)
    assert done.returncode == 1
    assert "framework is waiting" in done.stdout
    assert "ready" not in done.stdout
    held.unlink()
    done = running.run_process("up", *running.options)
    assert done.returncode == 0, done.stdout
    assert running.status()["up"]


def test_an_up_of_other_code_names_what_runs_and_the_next_step(
    running: Own, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for name in ("cli", "driver", "executor", "framework", "local", "prevs", "program", "proxy"):
        shutil.copytree(ROOT / name, other / name)
    (other / "framework" / "clock.py").open("a").write("# changed\n")
    for command in ("up", "status"):
        given = running.options if command == "up" else ()
        done = finish(running.begin(command, *given, checkout=other))
        assert done.returncode == 0, done
        said = done.stdout + done.stderr
        assert f"another version, from {ROOT}." in said
        assert "`prevs local down` and then `prevs local up`" in said
        assert "version" not in running.run_process(command, *given).stdout
    finish(running.begin("down", checkout=other))
    done = finish(running.begin("up", *running.options, checkout=other))
    assert done.returncode == 0, done
    assert "another version" not in done.stdout
