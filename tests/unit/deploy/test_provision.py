"""How long vagrant/provision.sh waits for its own units and for the master.

Only its functions, with a played time and environment; tests/e2e/test_machines.py runs it all.
"""

import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "vagrant" / "provision.sh"
PLAYED = """
journalctl() { echo "the log of ${1#--unit=}"; }
sleep() { (( SECONDS += 10 )); }
master=10.0.0.1 address=10.0.0.2
"""


Play = Callable[[str], tuple[int, str]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs a script after the functions of provision.sh; returns its exit code and output."""
    functions = SCRIPT.read_text().removesuffix('main "$@"\n')
    assert functions != SCRIPT.read_text()
    functions = functions.replace("readonly ", "")  # a script may set them

    def run(script: str) -> tuple[int, str]:
        file = tmp_path / "vagrant" / SCRIPT.name
        file.parent.mkdir()
        file.write_text(f"{functions}\n{PLAYED}\n{script}")
        done = subprocess.run(
            ["bash", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def test_a_unit_that_makes_progress_is_waited_for_and_named_as_slow(play: Play) -> None:
    code, output = play("""
        systemctl() { echo $(( SECONDS * 1000000000 / 4 )); }
        ready() { (( SECONDS > 600 )); }
        await prevs-framework ready; echo up
    """)
    assert (code, output) == (0, "prevs-framework is slow: it is still starting\nup\n")


def test_a_unit_that_waits_in_vain_gets_a_minute(play: Play) -> None:
    code, output = play("""
        systemctl() { echo 900000000; }
        await prevs-framework false
    """)
    assert code == 1
    assert "the log of prevs-framework" in output
    assert re.search(r"prevs-framework does not answer after (6[1-9]|7\d) s", output)


def test_a_unit_that_restarts_again_and_again_is_given_up(play: Play) -> None:
    code, output = play("""
        systemctl() { echo $(( SECONDS % 50 * 1000000000 )); }
        await prevs-framework false
    """)
    assert code == 1
    assert "does not answer after" in output


def test_a_unit_without_a_start_time_gets_a_minute(play: Play) -> None:
    code, output = play("""
        systemctl() { echo '[not set]'; }
        await prevs-framework false
    """)
    assert code == 1
    # A second that really passes counts too.
    assert re.search(r"does not answer after (6[1-9]|7\d) s", output)


def test_a_master_that_is_provisioned_at_the_same_time_is_waited_for(play: Play) -> None:
    code, output = play("""
        is_machine() { (( SECONDS > 300 )); }
        zookeeper_serves() { (( SECONDS > 1400 )); }
        answers() { (( SECONDS > 2500 )); }
        await_master; echo up
    """)
    assert code == 0
    assert output.splitlines() == [
        "Waiting for the master at 10.0.0.1: its machine does not answer",
        "Waiting for the master at 10.0.0.1: its machine answers, but Mesos does not yet",
        "Waiting for the master at 10.0.0.1: its ZooKeeper answers, but Mesos does not yet",
        "up",
    ]


def test_a_master_without_progress_has_to_be_provisioned_first(play: Play) -> None:
    code, output = play("""
        is_machine() { true; }
        zookeeper_serves() { false; }
        answers() { false; }
        await_master
    """)
    assert code == 1
    assert output.splitlines()[-2:] == [
        "provision: the master at 10.0.0.1 does not serve: its machine answers, but Mesos "
        "does not yet",
        "Provision it, then run the same command here again.",
    ]


def test_a_machine_that_refuses_connections_counts_as_there(play: Play) -> None:
    code, output = play("""
        timeout() { echo 'bash: connect: Connection refused'; return 1; }
        is_machine 10.0.0.1 && echo refuses
        timeout() { echo 'bash: connect: No route to host'; return 1; }
        is_machine 10.0.0.1 || echo away
        timeout() { return 124; }
        is_machine 10.0.0.1 || echo silent
    """)
    assert (code, output.split()) == (0, ["refuses", "away", "silent"])


def test_a_zookeeper_that_takes_a_connection_and_never_answers_does_not_serve(play: Play) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        code, output = play(f"""
            timeout() {{ shift; command timeout 1 "$@"; }}
            master=127.0.0.1 zookeeper_port={port}
            zookeeper_serves || echo silent
        """)
    assert (code, output) == (0, "silent\n")
