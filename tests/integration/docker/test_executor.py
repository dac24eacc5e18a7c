"""A whole attempt with real git and docker; updates to Mesos are recorded."""

import itertools
import os
import threading
from pathlib import Path

import pytest
import trustme

from executor.service import EXIT_DONE
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from tests.fakes.samples import serving
from tests.integration.docker.attempts import APP, Agent
from tests.integration.git.checkouts import GOOD, https
from tests.waits import wait_until

pytestmark = pytest.mark.integration

KILLED = ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]


def test_a_commit_becomes_an_application_that_answers_and_is_gone_after_a_kill(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(serving("hello from a commit"))
    assert agent.answer(sha) == "hello from a commit\n"
    assert agent.codes == [EXIT_DONE]
    assert path_of(agent) == KILLED
    assert agent.report == TaskReport(Phase.ENDED)
    assert agent.containers() == []
    short = sha[:7]
    headers = [f"fetching commit {short}", f"building prevs/{APP}:{short}"]
    assert agent.log.headers == [*headers, f"starting prevs/{APP}:{short}"]
    # The second attempt uses the image of the first, and needs no repository.
    agent.statuses.clear()
    assert agent.answer(sha, repository="/nowhere") == "hello from a commit\n"
    assert path_of(agent) == KILLED


def path_of(agent: Agent) -> list[str]:
    """Return the reports; a slow attempt has more of them."""
    return [state for state, _ in itertools.groupby(agent.states)]


def test_a_private_repository_is_built_with_the_orders_credential(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = agent.repository.commit_app(serving("private"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "authority.pem"))
    with https(tmp_path, authority) as server:
        answer = agent.answer(sha, repository=server.url("repository"), credential=GOOD)
    assert answer == "private\n"
    assert server.shown == {f"{GOOD.username}:{GOOD.password}"}


def test_a_broken_dockerfile_is_a_failure_with_its_step(agent: Agent) -> None:
    sha = agent.repository.commit_app(["RUN echo this cannot work; exit 4"])
    assert agent.run(sha) == EXIT_DONE
    assert agent.states[-1] == "TASK_FAILED"
    assert agent.report == TaskReport(Phase.ENDED, Cause.BUILD_FAILED, 4)
    assert "Step 3/3 of the Dockerfile failed (exit code 4)" in agent.message
    assert b"this cannot work" in agent.log.data


def test_an_application_that_exits_is_a_failure_with_its_code_and_its_output(agent: Agent) -> None:
    sha = agent.image("echo I give up; exit 3")
    agent.run(sha)
    assert agent.report == TaskReport(Phase.ENDED, Cause.APP_EXITED, 3)
    assert agent.log.data.endswith(b"I give up\n")
    assert agent.containers() == []


def test_a_kill_during_the_build_ends_it_and_leaves_nothing(agent: Agent) -> None:
    unique = os.urandom(4).hex()
    sha = agent.repository.commit_app([f"RUN echo {unique}; sleep 300"])

    def kill() -> None:
        wait_until(lambda: f"RUN echo {unique}".encode() in agent.log.data)
        agent.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    assert agent.run(sha) == EXIT_DONE
    killer.join()
    assert agent.states[-2:] == ["TASK_KILLING", "TASK_KILLED"]
    assert agent.containers() == []
    assert list((agent.config.dir / "trees").iterdir()) == []
