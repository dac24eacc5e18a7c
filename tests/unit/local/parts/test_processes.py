import os

from local.parts.processes import Identity, identify, is_alive, parse_stat, used_cpu


def test_a_process_name_with_spaces_and_parentheses_is_parsed() -> None:
    after = "S 7 8 9 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 5 0 12345 1000 200"
    stat = parse_stat(f"42 (a ) b (c) {after}")
    assert stat == ("S", 7, 9, 5, 12345, 3)


def test_a_pid_that_was_given_to_another_process_is_not_the_same() -> None:
    here = identify(os.getpid())
    assert here is not None
    assert is_alive(here)
    assert not is_alive(Identity(here.pid, here.started - 1))


def test_no_process_has_pid_zero() -> None:
    assert identify(0) is None


def test_the_cpu_time_of_a_process_grows_and_is_0_after_its_end() -> None:
    before = used_cpu(os.getpid())
    while used_cpu(os.getpid()) == before:
        pass
    assert used_cpu(os.getpid()) > before
    assert used_cpu(2**22 + 1) == 0.0
