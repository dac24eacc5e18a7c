"""Who may connect to previews, on an agent in namespaces of its own, and from outside of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.docker.test_network import ROOT, may_run_by
from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def found() -> Mapping[str, Any]:
    """The findings, once for all tests."""
    if not may_run_by("daemon"):
        pytest.skip(f"another user may not enter {ROOT} or its Python: chmod o+x what is above")
    results: Mapping[str, Any] = run_apart(Path(__file__).with_name("isolated_ingress.py"))
    return results


def of(reached: Mapping[str, bool]) -> list[str]:
    """Return who reached a preview."""
    return [who for who, is_so in reached.items() if is_so]


CLOSED = ["the proxy", "the agent's root"]


def test_only_proxies_and_the_agents_root_reach_a_preview(found: Mapping[str, Any]) -> None:
    assert of(found["cluster"]["at first"]) == CLOSED


def test_a_proxy_that_is_added_is_let_in_and_one_that_is_gone_is_not(
    found: Mapping[str, Any],
) -> None:
    added = ["the proxy", "another address", "another address, directly", "the agent's root"]
    assert of(found["cluster"]["added"]) == [*added, "the local proxy"]
    assert of(found["cluster"]["after an older list"]) == [*added, "the local proxy"]
    assert of(found["cluster"]["removed"]) == CLOSED


def test_it_is_the_rules_that_keep_others_out(found: Mapping[str, Any]) -> None:
    assert all(found["cluster"]["without rules"].values())
    assert of(found["cluster"]["set again"]) == CLOSED


def test_on_one_machine_no_browser_and_no_other_user_gets_past_the_proxy(
    found: Mapping[str, Any],
) -> None:
    assert of(found["one machine"]) == ["the proxy"]


def test_the_rules_go_with_the_network(found: Mapping[str, Any]) -> None:
    assert found["left"] == []
    assert found["as before"]
