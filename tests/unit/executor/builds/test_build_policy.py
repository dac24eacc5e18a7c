"""executor/builds/build_policy.py: what a build may not use of its agent."""

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest

from executor.builds.build_policy import cache_arguments, find_refusal, policy
from executor.builds.dockerfile import Line
from prevs import names

SHA = "5c80e7d" + "0" * 33
REGISTRY = "registry.example.org:5000/previews"


def is_denied(identifier: str, registry: str = REGISTRY, **opened: Any) -> bool:
    """Return BuildKit's decision: that of the last matching rule."""
    action = "ALLOW"
    for rule in json.loads(policy(registry, **opened))["rules"]:
        if re.search(rule["selector"]["identifier"], identifier):
            action = rule["action"]
    return action == "DENY"


@pytest.mark.parametrize("folder", ["", "services/web"])
def test_images_of_commits_are_denied_here_and_in_the_registry(folder: str) -> None:
    name = names.image_tag("hello", SHA, folder)
    there = name.replace("prevs", REGISTRY, 1)
    assert is_denied(f"docker-image://docker.io/{name}")
    assert is_denied(f"docker-image://docker.io/{name}@sha256:{'0' * 64}")
    assert is_denied(f"docker-image://{there}")
    assert not is_denied(f"docker-image://{there}", registry="")


@pytest.mark.parametrize(
    "host", ["Registry.Example.ORG:5000", "registry.example.org", "10.0.0.9:443"]
)
@pytest.mark.parametrize(
    "image",
    ["hello:{sha}", "hello:latest", "hello@sha256:{digest}", "hello:v1@sha256:{digest}", "hello"],
)
def test_no_spelling_of_the_registry_leads_to_an_image_in_it(host: str, image: str) -> None:
    named = image.format(sha=SHA, digest="0" * 64)
    assert is_denied(f"docker-image://{host}/previews/{named}")
    assert is_denied(f"docker-image://{host}/{named}", registry="registry.example.org:5000")
    by_address = [ip_network("10.0.0.0/8")]
    assert not is_denied(f"docker-image://{host}/team/{named}", allowed=by_address)


@pytest.mark.parametrize(
    "identifier",
    [
        "docker-image://docker.io/library/python:3.13",
        "docker-image://docker.io/prevs/base:latest",
        f"docker-image://{REGISTRY}/team/base:1",
        f"docker-image://other.example.org/prevs/hello:{SHA}",
        "docker-image://1password.example.org/x:1",
        "docker-image://docker.io/localhost/x:1",
        "local://context",
    ],
)
def test_every_other_source_is_allowed(identifier: str) -> None:
    assert not is_denied(identifier)
    assert not is_denied(identifier, registry="")


@pytest.mark.parametrize(
    "identifier", ["http://127.0.0.1/x", "https://example.org/file", "git://example.org/x.git"]
)
def test_addresses_are_denied_unless_the_operator_allows_them(identifier: str) -> None:
    assert is_denied(identifier)
    assert is_denied(identifier, allowed=[ip_network("0.0.0.0/0")])
    assert not is_denied(identifier, fetches=True)


HOSTS = ["127.0.0.1", "10.1.2.3:2181", "127.1", "2130706433:80", "0x7f.1", "[::1]:80", "[fd00::7]"]


@pytest.mark.parametrize(
    "host", [*HOSTS, "localhost:5000", "LOCALHOST", "a.localhost:1", "8.8.8.8"]
)
def test_a_registry_has_a_host_name(host: str) -> None:
    assert is_denied(f"docker-image://{host}/x:latest")


@pytest.mark.parametrize(
    ("network", "host", "opened"),
    [
        *[("10.1.0.0/16", "10.1.2.3:5000", True), ("10.1.0.0/16", "10.2.2.3", False)],
        *[("172.16.0.0/12", "172.31.0.1", True), ("172.16.0.0/12", "172.32.0.1", False)],
        *[("10.1.0.7/32", "10.1.0.7", True), ("10.1.0.7/32", "10.1.0.70", False)],
        *[("127.0.0.1/32", "localhost:5000", True), ("fd00::7/128", "[fd00::7]:5000", True)],
    ],
)
def test_a_network_that_previews_may_reach_may_have_a_registry(
    network: str, host: str, opened: bool
) -> None:
    image = f"docker-image://{host}/base:1"
    given = [ip_network(network)]
    assert is_denied(image, allowed=given) is not opened
    assert is_denied(image, allowed=given, denied=given)


def test_the_host_of_the_operators_registry_may_have_other_images() -> None:
    registry = "localhost:5000/previews"
    assert not is_denied("docker-image://localhost:5000/base:1", registry)
    assert is_denied(f"docker-image://localhost:5000/previews/hello:{SHA}", registry)


LLB = "failed to solve: failed to load LLB: error evaluating the source policy: "
LINES = [Line(3, "ADD $FROM /a"), Line(7, "ADD https://u:p@example.org/b /b")]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "https://u:p@example.org/b",
            r"^https://\*\*\*@example\.org/b \(line 7 of the Dockerfile\) is not fetched: "
            r"Docker would fetch it in the agent's own network\. Fetch it in a RUN step instead",
        ),
        ("http://10.0.0.1/x", r"^http://10\.0\.0\.1/x \(line 3 or line 7 of the Dockerfile\)"),
        (f"docker-image://docker.io/prevs/a:{SHA}", f"^prevs/a:{SHA} holds images of commits"),
        (
            "docker-image://10.0.0.1:2181/x:latest",
            r"^this agent does not pull 10\.0\.0\.1:2181/x:latest, ",
        ),
        ("docker-image://localhost/x", r"^this agent does not pull localhost/x, .*PREVS_ALLOW"),
    ],
)
def test_a_denied_source_is_reported_with_its_line_and_advice(source: str, message: str) -> None:
    output = f'#1 DONE\nERROR: {LLB}source "{source}" denied by policy: source denied by policy\n'
    assert re.search(message, find_refusal(output, LINES) or "")


def test_the_output_of_a_step_is_never_mistaken_for_a_refusal() -> None:
    output = '#6 0.1 ERROR: source "http://x" denied by policy\nERROR: process: exit code: 1\n'
    assert find_refusal(output, []) is None
    assert find_refusal("", []) is None


def test_each_app_of_each_installation_has_its_own_caches() -> None:
    labels = [
        {"prevs.app": "hello"},
        {"prevs.app": "other"},
        {"prevs.app": "hello", "prevs.cluster": "a"},
        {"prevs.app": "hello", "prevs.cluster": "b"},
        {"prevs.app": "hello", "prevs.stranger": "yes"},
    ]
    assert len({str(cache_arguments(one)) for one in labels}) == len(labels)


def test_builds_with_other_secrets_share_no_step_but_caches() -> None:
    labels = {"prevs.app": "hello"}
    without, first, both = (cache_arguments(labels, names) for names in ([], ["A"], ["B", "A"]))
    assert cache_arguments(labels, ["A", "B"]) == both
    assert len({one["BUILDKIT_SANDBOX_HOSTNAME"] for one in (without, first, both)}) == 3
    assert len({one["BUILDKIT_CACHE_MOUNT_NS"] for one in (without, first, both)}) == 1
