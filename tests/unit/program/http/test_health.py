import pytest

from program.http import health
from program.http.health import Check

WELL = Check("zookeeper", True, "It answers.")


def test_a_probe_fails_by_needed_checks_and_lists_all_failures() -> None:
    assert health.why_not([WELL, Check("age", False, "It is old.", needed=False)]) is None
    failing = [Check("mesos", False, "No Mesos."), WELL, Check("disk", False, "No disk.")]
    assert health.why_not(failing) == "No Mesos. No disk."


def test_a_loop_that_runs_too_rarely_is_stuck() -> None:
    assert health.turns("service", 2.0, 2.0).ok
    stuck = health.turns("service", 2.04, 2.0)
    assert not stuck.ok
    assert stuck.detail == "The service's loop last ran 2.0 s ago. It must run every 2 s."


@pytest.mark.parametrize(
    ("detail", "read"),
    [
        ("http://10.0.0.5:8090 leads, and answers.", "(an address) leads, and answers."),
        ("The leader (http://a.example:8090) is away.", "The leader ((an address)) is away."),
        ("It is at https://prevs.example/x.", "It is at (an address)."),
        ("10.0.0.1:5050 has not answered yet", "(an address) has not answered yet"),
        ("no route to 10.0.0.1.", "no route to (an address)."),
        ("[fd00::1]:5050 and fe80::1 are away", "(an address) and (an address) are away"),
        ("master-1.example.org:5050 is away", "(an address) is away"),
        ("zk://user:password@10.0.0.1:2181/mesos", "(an address)"),
        # What is no address stays as it is.
        ("It last ran 1.0 s ago, at 10:20.", "It last ran 1.0 s ago, at 10:20."),
        ("Set PREVS_PRINCIPAL: 3 of 5 do.", "Set PREVS_PRINCIPAL: 3 of 5 do."),
        ("docs/operating/tls.md says how.", "docs/operating/tls.md says how."),
    ],
)
def test_strangers_see_no_addresses(detail: str, read: str) -> None:
    [check] = health.without_addresses([Check("mesos", False, detail, needed=False)])
    assert check == Check("mesos", False, read, needed=False)
