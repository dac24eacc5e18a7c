"""executor/companions/pod.py: one limit for all containers of a preview."""

from executor.companions.pod import DiskShare


def test_the_last_measurements_of_all_count_together() -> None:
    share = DiskShare()
    assert share.note("app", 10) == 10
    assert share.note("db", 30) == 40
    # It may have removed files, or be the application after a hook of the same name.
    assert share.note("app", 5) == 35
