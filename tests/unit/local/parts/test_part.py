from pathlib import Path

from local.parts.part import describe_exit, environment, last_lines, rotate


def test_variables_that_could_steer_a_part_are_not_inherited() -> None:
    inherited = {
        "PATH": "/bin",
        "PREVS_MASTER": "elsewhere:5050",
        "PREVS_CLUSTER": "mark",
        "MESOS_QUORUM": "9",
        "DOCKER_HOST": "tcp://elsewhere",
        "GIT_DIR": "/repo/.git",
    }
    expected = {"PATH": "/usr/bin", "PREVS_CLUSTER": "mark", "PREVS_ROOT": "/x"}
    assert environment({"PATH": "/usr/bin", "PREVS_ROOT": "/x"}, inherited) == expected


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"{n:>1000}" for n in range(100)))
    assert [line.strip() for line in last_lines(log, 3).splitlines()] == ["97", "98", "99"]
    assert last_lines(tmp_path / "none") == ""


def test_a_signal_is_called_by_its_name() -> None:
    assert describe_exit(-9) == "ended by SIGKILL"
    assert describe_exit(3) == "exited with status 3"


def test_a_long_log_is_set_aside_and_its_writer_goes_on_at_the_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old")
        rotate(log, 3)
        assert log.read_bytes() == b"old"
        rotate(log, 2)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "log.1").read_bytes() == b"old"
    assert last_lines(log, since=100) == "new"
