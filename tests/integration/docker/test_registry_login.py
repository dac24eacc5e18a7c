"""executor/builds/registry.py on Debian's docker-registry that requires a login."""

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from executor.errors import BuildFailed, RegistryFailed
from executor.limits.confinement import Confinement
from tests.fakes.registry import PASSWORD, USER, OwnRegistry, log_in, secrets_of
from tests.integration.docker import builds
from tests.integration.docker.test_registry import (
    LIMIT,
    SHA,
    SPEC,
    TAG,
    THERE,
    World,
    made,
    push_and_pull,
)

pytestmark = pytest.mark.integration

MISTAKEN = "what it does not know"
HELPER = """\
#!/bin/sh
read -r address
test "$1 $address" = "get {address}" && echo '{answer}'
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the executor's user."""
    return tmp_path / "home"


@pytest.fixture
def world(
    docker_host: str,
    registry: OwnRegistry,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """An agent with an image and a home, in a process whose own settings log in by mistake."""
    log_in(tmp_path / "process", registry.address, MISTAKEN)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "process"))
    with made(docker_host, registry, HOME=str(home)) as world:
        yield world


def test_the_settings_that_docker_login_writes_are_a_login(world: World, home: Path) -> None:
    home.mkdir()
    subprocess.run(
        ["docker", "login", f"--username={USER}", "--password-stdin", world.server.address],
        input=PASSWORD.encode(),
        env={"PATH": os.environ["PATH"], **world.environ},
        check=True,
    )
    push_and_pull(world)


def test_a_later_login_holds_from_then_on(world: World, home: Path) -> None:
    with pytest.raises(RegistryFailed):
        world.registry.push(TAG, limit=LIMIT)
    log_in(home / ".docker", world.server.address)
    push_and_pull(world, by_digest=False)


def test_a_credential_helper_logs_in(
    world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = world.server.address
    helper = home / "bin/docker-credential-prevs-test"
    helper.parent.mkdir(parents=True)
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(HELPER.format(address=address, answer=answer))
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(helper.parent), prepend=":")
    (home / ".docker").mkdir()
    settings = {"credHelpers": {address: "prevs-test"}}
    (home / ".docker/config.json").write_text(json.dumps(settings))
    push_and_pull(world)


@pytest.fixture(params=builds.BUILDERS)
def build(
    request: pytest.FixtureRequest, world: World, builds_network: None, home: Path, tmp_path: Path
) -> Iterator[builds.World]:
    """A build that begins with the image that is in the registry, and not here any more."""
    log_in(home / ".docker", world.server.address)
    world.pushed()
    with builds.making(request.param, world.environ["DOCKER_HOST"], tmp_path) as made:
        made.restart(Confinement(allowed=(ip_network("127.0.0.1"),)))
        lines = (f"FROM {world.server.address}/{THERE}:{SHA}", "COPY busybox /")
        made.write("app/Dockerfile", "\n".join(lines))
        made.write("app/busybox", "")
        yield made


def test_a_build_has_the_login_too(build: builds.World, world: World, tmp_path: Path) -> None:
    log_in(tmp_path / "process", world.server.address)
    build.build(folder="app")
    assert build.images.exists(builds.TAG)


def test_an_unauthorized_build_fails_without_the_password_in_its_message(
    build: builds.World,
) -> None:
    with pytest.raises(BuildFailed) as failed:
        build.build(folder="app")
    output = f"{failed.value}\n{build.log.data.decode()}"
    assert "unauthorized" in output.lower()
    assert not any(secret in output for secret in secrets_of(MISTAKEN))


@pytest.mark.parametrize(
    ("password", "why"),
    [(None, "no basic auth credentials"), (MISTAKEN, "unauthorized: authentication required")],
    ids=["none", "a wrong one"],
)
def test_an_unauthorized_pull_is_reported_without_the_password(
    world: World, home: Path, password: str | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if password is not None:
        log_in(home / ".docker", world.server.address, password)
    with pytest.raises(RegistryFailed) as pushed:
        world.registry.push(TAG, limit=LIMIT)
    with pytest.raises(RegistryFailed) as by_tag:
        world.registry.pull(SPEC, "", limit=LIMIT)
    with pytest.raises(RegistryFailed) as by_digest:
        world.registry.pull(SPEC, "sha256:" + "d" * 64, limit=LIMIT)
    failures = [failed.value.why for failed in (pushed, by_tag, by_digest)]
    assert [failure.endswith(why) for failure in failures] == [True] * 3, failures
    assert world.server.tags(THERE) == []
    assert world.names() == [TAG]
    output = "\n".join([*failures, caplog.text])
    assert not any(secret in output for secret in secrets_of(MISTAKEN))
