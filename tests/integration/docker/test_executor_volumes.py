"""A commit's settings for its container, with real git and docker: volumes, hooks, checks."""

import os
from collections.abc import Iterator

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from tests.fakes.samples import SERVE, SampleImages
from tests.integration.docker.attempts import APP, Agent

pytestmark = pytest.mark.integration

SERVE_DATA = ("/bin/sh", "-c", 'exec httpd -f -p "$PORT" -h /data')
MAKE_DATA = "busybox --install -s /bin && mkdir /data && chown 1234 /data"


@pytest.fixture(scope="module")
def own_data(docker_host: str) -> Iterator[str]:
    """An image whose user may write to /data, and that starts nothing without a command."""
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    tag = f"prevs-test/{APP}:own-data"
    images = SampleImages(client)
    made = client.create_container(images.add(tag, MAKE_DATA), labels={"prevs.app": APP})
    client.start(made["Id"])
    assert client.wait(made["Id"])["StatusCode"] == 0
    changes = ["USER 1234", 'CMD ["/bin/false"]']
    repository, _, version = tag.partition(":")
    client.commit(made["Id"], repository=repository, tag=version, changes=changes)
    client.remove_container(made["Id"])
    yield tag
    images.clear()


def have(agent: Agent, image: str) -> str:
    """Have an image as that of a commit; return the commit's id."""
    sha = os.urandom(20).hex()
    repository, _, version = names.image_tag(APP, sha).partition(":")
    agent.client.tag(image, repository, version)
    return sha


def hook(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def test_hooks_prepare_a_volume_that_outlives_its_containers_and_its_attempt(
    agent: Agent, own_data: str
) -> None:
    sha = have(agent, own_data)
    settings = RunSettings(
        command=SERVE_DATA,
        volumes=("/data",),
        hooks=(
            hook("echo migrated >> /data/index.html"),
            hook("id -u >> /data/index.html && echo seeded $PREVS_COMMIT"),
        ),
    )
    assert agent.answer(sha, run=settings) == "migrated\n1234\n"
    assert f"seeded {sha}".encode() in agent.log.data
    assert len(agent.volumes()) == 1
    assert agent.containers() == []
    assert agent.answer(sha, run=settings) == "migrated\n1234\n"
    agent.client.remove_volume(agent.volumes()[0])
    assert agent.answer(sha, run=settings) == "migrated\n1234\n"
    hooks = [header for header in agent.log.headers if header.startswith("hook")]
    assert len(hooks) == 4  # not of the second attempt


def test_a_new_app_under_an_old_name_and_an_instance_find_no_volume_of_another(
    agent: Agent, own_data: str
) -> None:
    sha = have(agent, own_data)
    settings = RunSettings(
        command=SERVE_DATA, volumes=("/data",), hooks=(hook("echo own >> /data/index.html"),)
    )
    assert agent.answer(sha, run=settings, app_created=1.5) == "own\n"
    assert agent.answer(sha, run=settings, app_created=2.5) == "own\n"
    assert len(agent.volumes()) == 2
    assert agent.answer(sha, run=settings, app_created=1.5) == "own\n"
    assert len(agent.volumes()) == 2
    instance = names.instance_id(sha, "feature-x--shop")
    assert agent.answer(sha, run=settings, app_created=1.5, instance=instance) == "own\n"
    assert len(agent.volumes()) == 3


def test_a_hook_that_fails_is_a_failure_with_its_code_and_its_output(agent: Agent) -> None:
    sha = agent.image(SERVE)
    agent.run(sha, run=RunSettings(hooks=(hook("echo no such table; exit 3"), hook("exit 0"))))
    assert agent.report == TaskReport(Phase.ENDED, Cause.HOOK_FAILED, 3)
    assert agent.log.data.endswith(b"no such table\n")
    assert agent.log.headers[-1] == "hook 1/2: /bin/sh -c 'echo no such table; exit 3'"
    assert "echo no such table" in agent.message
    assert agent.containers() == []


def test_the_status_in_a_commits_settings_counts_as_healthy(agent: Agent) -> None:
    sha = agent.image(SERVE)
    settings = RunSettings(statuses=(404,))
    assert agent.answer(sha, run=settings, health="/nothing") == "hello\n"
    agent.run(sha, run=settings, start_limit=4.0)
    assert agent.report.cause is Cause.UNHEALTHY
    assert "its last answer had the status 200. Make it answer 404" in agent.message


def test_a_check_ends_at_the_limit_of_its_commit(agent: Agent) -> None:
    # For each connection: with another one for HTTP/2, a check takes two.
    silent = ["/bin/sh", "-c", "nc -ll -p $PORT -e sleep 1000"]
    sha = agent.image(SERVE)
    settings = RunSettings(command=tuple(silent), check_timeout=0.25)
    agent.run(sha, run=settings, start_limit=10.0)
    assert agent.report.cause is Cause.UNHEALTHY
    assert "it did not answer within 0.25 s" in agent.message
