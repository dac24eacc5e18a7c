from program import health
from program.health import Check

WELL = Check("zookeeper", True, "It answers.")


def test_a_probe_fails_by_what_is_needed_and_tells_all_of_it() -> None:
    assert health.why_not([WELL, Check("age", False, "It is old.", needed=False)]) is None
    failing = [Check("mesos", False, "No Mesos."), WELL, Check("disk", False, "No disk.")]
    assert health.why_not(failing) == "No Mesos. No disk."


def test_a_loop_that_goes_round_too_seldom_is_stuck() -> None:
    assert health.turns("service", 2.0, 2.0).ok
    stuck = health.turns("service", 2.04, 2.0)
    assert not stuck.ok
    assert stuck.detail == "The service's loop last went round 2.0 s ago. It has 2 s for that."
