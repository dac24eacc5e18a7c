"""Where registries lead docker, on an agent in namespaces of its own: docs/decisions/0120."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.docker import groups
from tests.integration.docker.isolated_agent import ALLOWED, METADATA, PRIVATE
from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
    pytest.mark.skipif(
        groups.find_folder("any") is None, reason="this kernel has no control groups of version 2"
    ),
    pytest.mark.timeout(300),
]

WAYS = ("realm", "manifest", "blob")
PULLED = ("FROM {} buildkit", "FROM {} classic", "syntax {}", "companion {}")
SECRET = "Bearer secret-of-the-agent"


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, Any]]:
    """The findings, once for all tests."""
    results: Mapping[str, Mapping[str, Any]] = run_apart(
        Path(__file__).with_name("isolated_registries.py")
    )
    return results


def test_without_the_rules_a_registry_makes_docker_ask_a_service_of_the_agent(
    found: Mapping[str, Mapping[str, Any]],
) -> None:
    for way in WAYS:
        assert found[f"open FROM {way}"]["heard"], way
        assert found[f"open companion {way}"]["heard"], way
    assert any(SECRET in line for line in found["open FROM realm"]["asked"])


@pytest.mark.parametrize("pulled", PULLED)
@pytest.mark.parametrize("way", WAYS)
def test_no_registry_leads_docker_to_a_service_of_the_agent(
    found: Mapping[str, Mapping[str, Any]], way: str, pulled: str
) -> None:
    seen = found[pulled.format(way)]
    assert seen["heard"] == []
    assert not any(SECRET in line for line in seen["asked"])
    # It is the registry that was asked, and the person learns where it has led.
    assert seen["asked"]
    assert seen["cause"] == "build-failed"
    assert not any("does not isolate" in line for line in seen["headers"])
    assert "registry.example:500" in seen["message"]
    assert "127.0.0.1:9999, and this agent does not let it connect there" in seen["message"]


@pytest.mark.parametrize("where", [METADATA, PRIVATE, ALLOWED])
def test_no_registry_leads_docker_to_a_private_network_or_metadata(
    found: Mapping[str, Mapping[str, Any]], where: str
) -> None:
    seen = found[f"at {where}"]
    assert f"registry.example:5000 leads Docker to {where}:5001" in seen["message"]
    assert "PREVS_ALLOW" in seen["message"]
    assert not any("/good/" in line for line in seen["asked"])


@pytest.mark.parametrize("good", ["from a CDN", "allowed", "at an allowed address"])
def test_images_come_from_public_addresses_and_from_those_that_the_operator_allows(
    found: Mapping[str, Mapping[str, Any]], good: str
) -> None:
    # It was built and started; there is no program `true` in it.
    assert found[good]["cause"] == "app-exited", found[good]["message"]
    assert any("/good/" in line for line in found[good]["asked"])
