"""What a preview reaches of the world, on an agent in namespaces of its own; see isolated_agent."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
]

SCRIPT = Path(__file__).with_name("isolated_agent.py")


@pytest.fixture(scope="module")
def found() -> Iterator[Mapping[str, Any]]:
    """What was found on an agent whose dockerd maps users, once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    folder.chmod(0o755)
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, str(SCRIPT), str(folder)],
        cwd=SCRIPT.parents[2],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout.splitlines()[-1])
    shutil.rmtree(folder)


INTERNET = ["the internet", "the internet by name"]


def test_a_preview_reaches_the_internet_and_names_and_nothing_else(
    found: Mapping[str, Any],
) -> None:
    assert [name for name, reached in found["closed"].items() if reached] == INTERNET
    assert found["said"] == []


def test_without_the_rules_it_reaches_all_but_the_other_containers(
    found: Mapping[str, Any],
) -> None:
    assert [name for name, reached in found["open"].items() if not reached] == ["another preview"]


def test_visitors_reach_it(found: Mapping[str, Any]) -> None:
    assert found["visits"]


def test_the_rules_are_set_once_again_when_they_are_gone_and_removed_at_the_end(
    found: Mapping[str, Any],
) -> None:
    assert found["same rules again"]
    assert found["same rules at the next start"]
    assert found["not removed"] == []
    assert found["as before"]


def test_an_ordinary_user_who_may_use_sudo_for_it_sets_the_rules(found: Mapping[str, Any]) -> None:
    assert found["by sudo"] == "None"
    reached = [name for name, was_reached in found["closed by sudo"].items() if was_reached]
    assert reached == [*INTERNET, "a denied network"]


def test_what_is_in_volumes_counts_for_an_executor_that_may_not_read_them(
    found: Mapping[str, Any],
) -> None:
    assert min(found["written"].values()) >= 20 * 1024 * 1024
    assert max(found["written"].values()) <= 21 * 1024 * 1024


def test_ipv6_is_closed_by_the_same_means(found: Mapping[str, Any]) -> None:
    assert found["ipv6"]


def test_the_users_of_a_container_are_none_of_the_agents(found: Mapping[str, Any]) -> None:
    assert found["owner"] == 200000


def test_an_executor_that_may_not_set_rules_says_so_or_starts_nothing(
    found: Mapping[str, Any],
) -> None:
    started, refused = found["unprivileged"]
    assert started.startswith("started: this agent does not keep previews apart: iptables")
    assert refused.startswith(
        "refused: The container could not be started: it cannot be kept apart"
    )
