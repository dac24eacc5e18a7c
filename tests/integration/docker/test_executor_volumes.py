"""What a commit says of how it runs, with real git and docker: volumes, hooks, command, check."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.containers import remove_all
from prevs.commit_settings import RunSettings
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from tests.fakes.samples import nothing_left, remove_image, serving
from tests.integration.docker.test_executor import APP, Agent

pytestmark = pytest.mark.integration

SERVE_DATA = ("/bin/sh", "-c", 'exec httpd -f -p "$PORT" -h /data')
OWN_DATA = ["RUN mkdir /data && chown 1234 /data", "USER 1234", 'CMD ["/bin/false"]']
"""An image whose user may write to /data, and that starts nothing without a command."""
LABEL = f"prevs.app={APP}"


@pytest.fixture
def agent(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Agent]:
    made = Agent(docker_host, tmp_path, free_port)
    with nothing_left(made.client, LABEL):
        yield made
    for end in made.guardian:
        os.close(end)
    for tag in made.tags:
        remove_image(made.client, tag)
    for name in volumes(made):
        made.client.remove_volume(name)
    assert remove_all(docker_host, APP) == []


def volumes(agent: Agent) -> Sequence[str]:
    found: Mapping[str, Any] = agent.client.volumes(filters={"label": LABEL})
    return [volume["Name"] for volume in found["Volumes"] or ()]


def answer_of(agent: Agent, sha: str, settings: RunSettings, **changes: Any) -> str:
    """Return what the application of a commit answers when it runs."""
    answers: list[str] = []

    def running() -> None:
        answers.append(agent.get())
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    agent.run(sha, run=settings, **changes)
    assert answers, agent.message
    return answers[0]


def hook(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def test_hooks_prepare_a_volume_that_outlives_its_containers_and_its_attempt(agent: Agent) -> None:
    sha = agent.repository.commit_app(OWN_DATA)
    settings = RunSettings(
        command=SERVE_DATA,
        volumes=("/data",),
        hooks=(
            hook("echo migrated >> /data/index.html"),
            hook("id -u >> /data/index.html && echo seeded $PREVS_COMMIT"),
        ),
    )
    assert answer_of(agent, sha, settings) == "migrated\n1234\n"
    assert f"seeded {sha}".encode() in agent.log.data
    assert len(volumes(agent)) == 1
    assert agent.containers() == []
    assert answer_of(agent, sha, settings) == "migrated\n1234\n"
    agent.client.remove_volume(volumes(agent)[0])
    assert answer_of(agent, sha, settings) == "migrated\n1234\n"
    hooks = [header for header in agent.log.headers if header.startswith("hook")]
    assert len(hooks) == 4  # not of the second attempt


def test_an_app_that_was_made_again_under_the_name_finds_nothing_of_the_one_before(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(OWN_DATA)
    settings = RunSettings(
        command=SERVE_DATA, volumes=("/data",), hooks=(hook("echo own >> /data/index.html"),)
    )
    assert answer_of(agent, sha, settings, app_created=1.5) == "own\n"
    assert answer_of(agent, sha, settings, app_created=2.5) == "own\n"
    assert len(volumes(agent)) == 2
    assert answer_of(agent, sha, settings, app_created=1.5) == "own\n"
    assert len(volumes(agent)) == 2


def test_two_commits_have_volumes_of_their_own(agent: Agent) -> None:
    settings = RunSettings(
        command=SERVE_DATA,
        volumes=("/data",),
        hooks=(hook("echo $PREVS_COMMIT >> /data/index.html"),),
    )
    for _ in range(2):
        sha = agent.repository.commit_app(OWN_DATA, {"file": os.urandom(4).hex()})
        assert answer_of(agent, sha, settings) == f"{sha}\n"
    assert len(volumes(agent)) == 2


def test_a_hook_that_fails_is_a_failure_with_its_code_and_its_words(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    agent.run(sha, run=RunSettings(hooks=(hook("echo no such table; exit 3"), hook("exit 0"))))
    assert agent.report == TaskReport(Phase.ENDED, Cause.HOOK_FAILED, 3)
    assert agent.log.data.endswith(b"no such table\n")
    assert agent.log.headers[-1] == "hook 1/2: /bin/sh -c 'echo no such table; exit 3'"
    assert "echo no such table" in agent.message
    assert agent.containers() == []


def test_a_hook_that_does_not_end_is_a_failure_and_is_removed(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    agent.run(sha, run=RunSettings(hooks=(hook("exec sleep 1000"),)), start_limit=1.5)
    assert agent.report == TaskReport(Phase.ENDED, Cause.HOOK_FAILED)
    assert "did not end within 1.5 s" in agent.message
    assert agent.containers() == []


def test_the_environment_is_the_commits_the_apps_and_ours(agent: Agent) -> None:
    sha = agent.repository.commit_app(OWN_DATA)
    settings = RunSettings(
        command=hook('echo "$A $B $C $PORT $PREVS_APP" > /data/index.html; ' + SERVE_DATA[2]),
        environment={"A": "1", "B": "1", "C": "1", "PORT": "1", "PREVS_APP": "1"},
    )
    said = answer_of(agent, sha, settings, environment={"B": "2", "C": "2"}, secrets={"C": "3"})
    assert said == f"1 2 3 8080 {APP}\n"


def test_a_commit_may_run_with_a_root_that_nothing_changes(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    settings = RunSettings(read_only=True)
    assert answer_of(agent, sha, settings) == "hello\n"


def test_the_status_that_a_commit_asks_for_is_healthy(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    settings = RunSettings(statuses=(404,))
    assert answer_of(agent, sha, settings, health="/nothing") == "hello\n"
    agent.run(sha, run=settings, start_limit=4.0)
    assert agent.report.cause is Cause.UNHEALTHY
    assert "the last status was 200. Make it answer 404" in agent.message


def test_a_check_ends_when_its_commit_says(agent: Agent) -> None:
    silent = ["/bin/sh", "-c", "while :; do nc -l -p $PORT -e sleep 1000; done"]
    sha = agent.repository.commit_app(serving("hello"))
    settings = RunSettings(command=tuple(silent), check_timeout=0.25)
    agent.run(sha, run=settings, start_limit=4.0)
    assert agent.report.cause is Cause.UNHEALTHY
    assert "no answer came within 0.25 s" in agent.message
