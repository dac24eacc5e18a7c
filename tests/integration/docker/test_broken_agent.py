"""Failures of an agent's own Docker are the agent's fault, on a real dockerd."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.docker.builds import BUILDERS
from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
]
ROOT = Path(__file__).parents[3]

Found = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def found() -> Found:
    """The findings on the broken agent, once for all tests."""
    results: Found = run_apart(Path(__file__).with_name("broken_agent.py"))
    return results


@pytest.mark.parametrize("when", ["well", "room again"])
def test_an_agent_that_is_well_builds_and_starts(found: Found, when: str) -> None:
    assert found[when] == {"buildkit": "none", "classic": "none", "start": "none", "doctor": ""}


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_missing_bridge_is_the_agents_fault(found: Found, builder: str) -> None:
    reason = found["no bridge"][builder]
    assert reason.startswith("agent-unfit: ")
    assert "docker0 failed: Device does not exist" in reason
    assert "The agent failed, not the commit" in reason
    assert "newer" not in reason, "the step has no part in it"


@pytest.mark.parametrize("way", [*BUILDERS, "start"])
def test_a_full_disk_is_the_agents_fault(found: Found, way: str) -> None:
    reason = found["full"][way]
    assert reason.startswith("agent-unfit: ")
    assert "its disk is full" in reason


def test_the_doctor_of_an_agent_reports_both(found: Found) -> None:
    assert "docker0 failed: Device does not exist" in found["no bridge"]["doctor"]
    assert "no space left on device" in found["full"]["doctor"]


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_step_that_fails_stays_the_commits_fault_whatever_it_prints(
    found: Found, builder: str
) -> None:
    assert found["step"][builder].startswith("build-failed: ")
    assert "exit code 3" in found["step"][builder]


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_unreachable_registry_is_not_a_failure_of_the_build(found: Found, builder: str) -> None:
    assert found["base"][builder].startswith("registry-unreachable: ")
    assert "registry.test" in found["base"][builder]
