"""executor/sources.py: what a build may not use of its agent."""

import json
import re

import pytest

from executor.sources import cache_arguments, policy
from prevs import names

SHA = "5c80e7d" + "0" * 33
REGISTRY = "registry.example.org:5000/previews"


def is_denied(identifier: str, registry: str = REGISTRY) -> bool:
    selectors = [rule["selector"] for rule in json.loads(policy(registry))["rules"]]
    return any(re.search(selector["identifier"], identifier) for selector in selectors)


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
    assert not is_denied(f"docker-image://{host}/team/{named}")


@pytest.mark.parametrize(
    "identifier",
    [
        "docker-image://docker.io/library/python:3.13",
        "docker-image://docker.io/prevs/base:latest",
        f"docker-image://{REGISTRY}/team/base:1",
        f"docker-image://other.example.org/prevs/hello:{SHA}",
        "local://context",
        "https://example.org/file",
    ],
)
def test_all_else_is_allowed(identifier: str) -> None:
    assert not is_denied(identifier)
    assert not is_denied(identifier, registry="")


@pytest.mark.parametrize(
    "identifier", ["http://127.0.0.1/x", "https://example.org/file", "git://example.org/x.git"]
)
def test_addresses_are_denied_where_builds_are_kept_apart(identifier: str) -> None:
    rules = json.loads(policy(REGISTRY, apart=True))["rules"]
    assert any(re.search(rule["selector"]["identifier"], identifier) for rule in rules)
    assert not any(
        re.search(rule["selector"]["identifier"], "docker-image://docker.io/library/python:3")
        for rule in rules
    )


def test_caches_are_an_apps_own_in_each_installation() -> None:
    labels = [
        {"prevs.app": "hello"},
        {"prevs.app": "other"},
        {"prevs.app": "hello", "prevs.cluster": "a"},
        {"prevs.app": "hello", "prevs.cluster": "b"},
    ]
    assert len({str(cache_arguments(one)) for one in labels}) == len(labels)
