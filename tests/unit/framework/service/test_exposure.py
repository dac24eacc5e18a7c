from structlog.testing import capture_logs

from framework.errors import Unavailable
from framework.service.exposure import MASTER, ZOOKEEPER, Exposure, judge_master, judge_zookeeper
from program.http.health import why_not

CLOSED = {"authenticate_http_readwrite": "true", "authenticate_http_frameworks": "true"}


def test_a_master_that_authenticates_everybody_is_fine() -> None:
    assert judge_master("m:1", answers_anybody=False, flags=CLOSED) is None


def test_only_visible_problems_of_a_master_without_flags_are_reported() -> None:
    assert judge_master("m:1", answers_anybody=False, flags=None) is None


def test_a_master_where_anybody_registers_is_the_worst_and_its_missing_flags_are_named() -> None:
    why = judge_master("m:1", answers_anybody=True, flags={})
    assert why is not None
    assert "m:1" in why
    assert "run commands on every agent" in why
    for flag in ("readonly", "readwrite", "frameworks"):
        assert f"--authenticate_http_{flag}" in why
    assert "PREVS_PRINCIPAL" in why


def test_a_master_that_is_open_for_reading_is_reported_as_only_that() -> None:
    why = judge_master("m:1", answers_anybody=True, flags=CLOSED)
    assert why is not None
    assert "may read or change it" in why
    assert "frameworks" not in why


def test_an_open_root_names_its_znodes_and_the_setting_that_closes_it() -> None:
    writable = ["/prevs", "/prevs/apps", "/prevs/tokens", "/prevs/placements"]
    why = judge_zookeeper(writable, root="/prevs", has_identity=False)
    assert why is not None
    assert "/prevs, /prevs/apps, /prevs/placements, …" in why
    assert "Set PREVS_ZOOKEEPER_AUTH_FILE for all frameworks and proxies" in why


def test_an_older_root_is_reported_with_who_will_close_it() -> None:
    why = judge_zookeeper(["/prevs"], root="/prevs", has_identity=True)
    assert why is not None
    assert "next framework that leads" in why


def test_an_open_election_path_of_masters_is_reported_apart() -> None:
    why = judge_zookeeper(["/mesos"], root="/prevs", has_identity=True)
    assert why is not None
    assert "pose as the master (/mesos)" in why
    assert judge_zookeeper([], root="/prevs", has_identity=False) is None


def test_an_open_system_is_logged_once_and_fails_no_probe() -> None:
    exposure = Exposure()
    exposure.add(ZOOKEEPER, lambda: "It is open. Close it.")
    exposure.add(MASTER, lambda: None)
    with capture_logs() as logs:
        exposure.look()
        exposure.look()
    assert [(log["log_level"], log["part"], log["why"]) for log in logs] == [
        ("warning", ZOOKEEPER, "It is open. Close it.")
    ]
    checks = exposure.checks()
    assert [(one.name, one.ok) for one in checks] == [(ZOOKEEPER, False), (MASTER, True)]
    assert checks[0].detail == "It is open. Close it."
    assert why_not(checks) is None


def test_a_failed_check_reports_nothing_and_keeps_the_last_result() -> None:
    answers: list[str | None] = ["It is open."]

    def look() -> str | None:
        if not answers:
            raise Unavailable("The Mesos master")
        return answers.pop()

    exposure = Exposure()
    exposure.add(MASTER, look)
    assert exposure.checks() == ()
    exposure.look()
    exposure.look()
    assert [one.detail for one in exposure.checks()] == ["It is open."]


def test_a_system_that_is_opened_again_is_logged_again() -> None:
    answers = ["open", None, "open"]
    exposure = Exposure()
    exposure.add(MASTER, answers.pop)
    with capture_logs() as logs:
        for _ in range(3):
            exposure.look()
    assert [log["why"] for log in logs] == ["open", "open"]
