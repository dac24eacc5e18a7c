"""executor/companions/image_names.py: what a reference means, and which images are pulled."""

from ipaddress import ip_network

import pytest

from executor.builds import build_policy
from executor.companions.image_names import ImageName, is_denied, read_name
from prevs import names

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("postgres", ("docker.io/library/postgres", "latest", "")),
        ("postgres:17", ("docker.io/library/postgres", "17", "")),
        ("team/db:17-alpine", ("docker.io/team/db", "17-alpine", "")),
        ("docker.io/team/db", ("docker.io/team/db", "latest", "")),
        ("localhost/db", ("localhost/db", "latest", "")),
        # A first part without a dot or a port is a folder at the hub, not 127.0.0.1.
        ("2130706433/db:1", ("docker.io/2130706433/db", "1", "")),
        ("registry.example:5000/team/db:1", ("registry.example:5000/team/db", "1", "")),
        (f"postgres@{DIGEST}", ("docker.io/library/postgres", "latest", DIGEST)),
        (f"ghcr.io/a/b:2@{DIGEST}", ("ghcr.io/a/b", "2", DIGEST)),
    ],
)
def test_a_name_is_read_as_docker_reads_it(text: str, name: tuple[str, str, str]) -> None:
    assert read_name(text) == ImageName(*name)


@pytest.mark.parametrize("text", ["", "UPPER", "a b", "https://x/y", "x//y", "x?y=1", "x@y"])
def test_what_names_no_image_is_refused(text: str) -> None:
    assert read_name(text) is None


@pytest.mark.parametrize(
    ("text", "floats"),
    [
        ("postgres", True),
        ("postgres:latest", True),
        ("postgres:17", False),
        (f"postgres@{DIGEST}", False),
    ],
)
def test_only_the_tag_latest_floats(text: str, floats: bool) -> None:
    name = read_name(text)
    assert name is not None
    assert name.floats is floats


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("postgres:17", False),
        ("registry.example/db", False),
        ("127.0.0.1:5000/db", True),
        ("10.1.2.3/db", True),
        ("10.9.2.3/db", False),
        ("localhost:5000/db", True),
        (names.image_tag("other", "ab" * 20), True),
        (names.image_tag("other", "ab" * 20, "web", stage="worker"), True),
        (names.pulled_tag("private/db:1", "c", trusted=True), True),
        ("elsewhere.example/previews/other:1", True),
        ("registry.example/previews/other:1", True),
    ],
)
def test_the_policy_of_builds_decides(text: str, denied: bool) -> None:
    policy = build_policy.policy(
        "registry.example/previews", allowed=[ip_network("10.9.0.0/16")], fetches=False
    )
    name = read_name(text)
    assert name is not None
    assert is_denied(name, policy) is denied


def test_the_images_of_strangers_and_of_installations_are_apart() -> None:
    tags = {
        names.pulled_tag("team/db:1", cluster, trusted=trusted)
        for cluster in (None, "a", "b")
        for trusted in (True, False)
    }
    assert len(tags) == 6
    assert not any(names.is_app_name(tag.split("/")[1].split(":")[0]) for tag in tags)
