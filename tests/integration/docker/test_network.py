"""What previews and builds reach, on an agent in namespaces of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.docker import isolated_agent
from tests.integration.docker.builds import BUILDERS
from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
    pytest.mark.timeout(300),
]

ROOT = Path(__file__).parents[3]


def may_run_by(user: str) -> bool:
    """Return whether a user may run the executor from here: Debian closes homes to others."""
    less = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
    command = [*less, sys.executable, "-c", "import executor.container.containers"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environ, cwd="/", check=False).returncode == 0


@pytest.fixture(scope="module")
def isolated() -> Mapping[str, Mapping[str, Any]]:
    """The findings on an agent whose dockerd maps users, once for all tests."""
    if not may_run_by("daemon"):
        pytest.skip(f"another user may not enter {ROOT} or its Python: chmod o+x what is above")
    results: Mapping[str, Mapping[str, Any]] = run_apart(
        Path(__file__).with_name("isolated_builds.py")
    )
    return results


@pytest.fixture
def found(isolated: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The findings of previews."""
    return isolated["previews"]


@pytest.fixture
def built(isolated: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The findings of builds."""
    return isolated["builds"]


@pytest.fixture
def joined(isolated: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The findings of an application in a companion's network, and of a job in a shared one."""
    return isolated["companions"]


@pytest.mark.parametrize("neighbours", ["builds", "previews"])
def test_a_neighbour_that_says_it_is_the_gateway_gets_nothing_of_another(
    isolated: Mapping[str, Mapping[str, Any]], neighbours: str
) -> None:
    """It sends ARP as the gateway, and answers the DNS queries that it gets."""
    met = isolated["neighbours"][neighbours]
    assert met["answers"] == [isolated_agent.INTERNET], "each answer is the nameserver's"
    assert met["gateway"] == [met["bridge"]]
    assert met["attacker"] == {"frames": 0, "queries": 0}


def test_a_step_reaches_nobody_with_frames_of_its_own_making(
    isolated: Mapping[str, Mapping[str, Any]],
) -> None:
    """It sends packets as another machine, and IPv6 to the agent's end of the bridge."""
    assert isolated["neighbours"]["builds"]["forged"] == {"outside": ["own."], "agent": []}


INTERNET = ["the internet", "the internet by name"]
OPEN = [*INTERNET, "an allowed network"]


def test_a_preview_reaches_the_internet_and_allowed_networks_and_nothing_else(
    found: Mapping[str, Any],
) -> None:
    assert [name for name, reached in found["closed"].items() if reached] == OPEN
    assert found["log"] == []


def test_of_a_proxy_on_its_own_agent_it_reaches_that_port_and_no_other_address(
    found: Mapping[str, Any],
) -> None:
    reached = [name for name, reached in found["with a proxy"].items() if reached]
    assert reached == [*OPEN, "a service of the agent"]


def test_without_the_rules_it_reaches_all_but_the_other_containers(
    found: Mapping[str, Any],
) -> None:
    assert [name for name, reached in found["open"].items() if not reached] == ["another preview"]


def test_an_application_in_the_network_of_a_companion_reaches_no_more_than_another(
    joined: Mapping[str, Any],
) -> None:
    for who in ("application", "companion"):
        assert [name for name, reached in joined[who].items() if reached] == OPEN, who
    assert joined["by name"] == {"application": True, "companion": True}


def test_a_job_in_the_network_that_jobs_share_reaches_no_more_than_a_preview(
    joined: Mapping[str, Any],
) -> None:
    assert [name for name, reached in joined["job"].items() if reached] == OPEN
    # What listens there is not reached by others, as the next test tells.
    assert joined["a job reaches itself"]


def test_visitors_reach_it_at_the_port_that_the_companion_publishes(
    joined: Mapping[str, Any],
) -> None:
    assert joined["visits"] == {"loopback": True, "the agent": True, "outside": True}


def test_no_other_preview_reaches_it_or_its_companions_or_a_job(joined: Mapping[str, Any]) -> None:
    assert not any(joined["by a neighbour"].values())
    # It is not the neighbour that reaches nothing.
    assert joined["the neighbour reaches the internet"]


def test_containers_with_an_address_each_reach_each_other_by_name_and_no_more(
    joined: Mapping[str, Any],
) -> None:
    """Both listen at port 8080."""
    for who in ("web", "api"):
        assert [name for name, reached in joined[who].items() if reached] == OPEN, who
    apart = joined["apart"]
    assert apart["addresses"] == 3
    assert apart["each other"] == {who: {"web": True, "api": True} for who in ("web", "api")}
    assert not any(apart["by a neighbour"].values())
    assert not apart["of a neighbour"]


def test_nothing_starts_where_containers_reach_each_other_past_all_rules(
    found: Mapping[str, Any],
) -> None:
    assert "set net.bridge.bridge-nf-call-iptables=1" in found["bridged"]


def test_visitors_reach_the_preview(found: Mapping[str, Any]) -> None:
    assert found["visits"]


def test_lost_rules_are_set_again_and_removed_at_the_end(
    found: Mapping[str, Any],
) -> None:
    assert found["same rules again"]
    assert found["same rules at the next start"]
    assert found["not removed"] == []
    assert found["as before"]


def test_an_ordinary_user_sets_the_rules_with_sudo(found: Mapping[str, Any]) -> None:
    assert found["by sudo"] == "None"
    reached = [name for name, was_reached in found["closed by sudo"].items() if was_reached]
    # Without any setting, and with a framework that does not describe its installation.
    assert reached == [*INTERNET, "a denied network", "a master on the internet"]


def test_files_in_volumes_count_for_an_executor_that_may_not_read_them(
    found: Mapping[str, Any],
) -> None:
    assert min(found["written"].values()) >= 20 * 1024 * 1024
    assert max(found["written"].values()) <= 21 * 1024 * 1024


def test_ipv6_is_closed_by_the_same_means(found: Mapping[str, Any]) -> None:
    assert found["ipv6"]


def test_the_users_of_a_container_are_not_users_of_the_agent(found: Mapping[str, Any]) -> None:
    assert found["owner"] == 200000


def test_an_executor_that_may_not_set_rules_reports_it_or_starts_nothing(
    found: Mapping[str, Any],
) -> None:
    started, refused = found["unprivileged"]
    assert started.startswith("started: this agent does not isolate previews: iptables")
    assert refused.startswith(
        "agent-unfit: This agent starts no previews, because it cannot isolate them from"
    )


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_step_of_a_build_reaches_no_more_than_a_preview_unless_that_is_turned_off(
    built: Mapping[str, Any], builder: str
) -> None:
    reached = built[builder]
    assert [name for name, was in reached["open"].items() if not was] == []
    assert [name for name, was in reached["closed"].items() if was] == OPEN
    assert reached["log"] == []
    # With the last installation's network nothing is left of it.
    assert not reached["left"]


def test_where_builds_cannot_be_isolated_that_is_reported_or_nothing_is_built(
    built: Mapping[str, Any],
) -> None:
    checked, wanted, *required = built["unprivileged"]
    assert checked == "checked:"
    assert wanted.startswith("built: this agent does not isolate builds: iptables")
    # Before anything is fetched for it, and when it is to be built.
    assert len(required) == 2
    for line in required:
        assert line.startswith("refused: This agent builds nothing, because it cannot isolate")


def test_the_default_network_of_another_docker_is_not_mistaken_for_that_of_the_builds(
    built: Mapping[str, Any],
) -> None:
    assert "is not this executor's" in built["elsewhere"]
