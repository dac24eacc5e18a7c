"""Bridges of dockerds in one network: none takes another's, and a lost one is detected."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.night,  # some ten dockerds, one after the other
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
]

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]


def found_by(script: str) -> Mapping[str, Any]:
    """Return the findings of a script in namespaces of its own."""
    found: Mapping[str, Any] = run_apart(HERE / script)
    return found


@pytest.fixture(scope="module")
def neighbours() -> Mapping[str, Any]:
    """The findings about several dockerds in one network, once for all tests."""
    return found_by("neighbouring_dockerds.py")


@pytest.fixture(scope="module")
def lost() -> Mapping[str, Any]:
    """The findings about dockerds without their bridge, once for all tests."""
    return found_by("lost_bridge.py")


def test_no_other_dockerd_takes_a_network_from_ours(neighbours: Mapping[str, Any]) -> None:
    ours = neighbours["ours"]
    assert len(ours) == 10
    before = ours["before"]
    assert all(before["links"].values())
    assert before == {**before, "answers": True, "reaches": True, "builds": True}
    for who, after in ours.items():
        assert after == before, who


def test_our_dockerd_leaves_docker0_to_its_owner(neighbours: Mapping[str, Any]) -> None:
    before = neighbours["docker0"]["before"]["index"]
    assert {seen["index"] for seen in neighbours["docker0"].values()} == {before}
    # Each dockerd recreates the shared chains; the rules out of docker0 are in no chain.
    for who, seen in neighbours["docker0"].items():
        assert any("MASQUERADE" in rule for rule in seen["rules"]), who
        assert "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT" in seen["rules"], who


def test_our_last_dockerd_leaves_the_network_as_the_first_found_it(
    neighbours: Mapping[str, Any],
) -> None:
    assert neighbours["turns"]["after"] == neighbours["turns"]["before"]
    assert "lo" in neighbours["turns"]["before"]


def test_a_supervisor_puts_a_lost_bridge_back_and_reports_it(lost: Mapping[str, Any]) -> None:
    found = lost["with a cluster"]
    assert found["builds"]
    assert f"its bridge {found['bridge']} was removed" in found["problem"]
    assert found["builds again"]
    status, table = found["status"]
    assert status == 0
    assert table.splitlines()[1].split()[:2] == ["dockerd", "ready"]


def test_doctor_reports_a_lost_bridge_of_ours_and_what_puts_it_back(
    lost: Mapping[str, Any],
) -> None:
    found = lost["without a cluster"]
    assert (found["finding"][0], found["problem"]) == ("ok", None)
    assert not found["builds without"], "it shows nothing where a build needs no bridge"
    level, message, advice = found["finding without"]
    assert level == "wrong"
    assert found["bridge"] in message
    assert "prevs local up" in advice
    assert found["bridge"] in found["problem without"]
    assert found["builds again"]
    assert (found["finding again"][0], found["problem again"]) == ("ok", None)


def test_a_lost_docker0_of_the_machine_is_reported_with_the_next_step(
    lost: Mapping[str, Any],
) -> None:
    found = lost["of the machine"]
    assert (found["finding"][0], found["bridge"]) == ("ok", "docker0")
    assert not found["builds without"]
    level, message, advice = found["finding without"]
    assert level == "wrong"
    assert "docker0" in message
    assert "systemctl restart docker" in advice
    status, table = found["status"]
    assert status == 1
    for text in (table, found["up"]):
        assert "docker0 was removed" in text
        assert "systemctl restart docker" in text
    assert found["builds again"], "the step works"
    assert (found["finding again"][0], found["status again"][0]) == ("ok", 0)
