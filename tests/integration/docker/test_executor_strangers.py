"""The commit of an approved fork, with real git and docker: it shares nothing of the app's."""

from ipaddress import ip_network

import pytest

from prevs import names
from prevs.commit_settings import RunSettings
from prevs.states import Cause
from tests.fakes.samples import serving
from tests.integration.docker.attempts import APP, Agent

pytestmark = pytest.mark.integration

SHOW = [
    "COPY mark /mark",
    "RUN --mount=type=cache,target=/cache mkdir -p /www && "
    "echo cache:$(ls /cache) > /www/index.html && touch /cache/seen",
    "RUN --mount=type=secret,id=KEY echo secret:$(cat /run/secrets/KEY) >> /www/index.html",
    "CMD { echo env:$KEY; echo volume:$(ls /data); touch /data/own; } >> /www/index.html; "
    'exec httpd -f -p "$PORT" -h /www',
]
GIVEN = {"secrets": {"KEY": "hunter2"}, "run": RunSettings(volumes=("/data",))}


def commit(agent: Agent, name: str) -> str:
    return agent.repository.commit_app(SHOW, {"mark": name})


def test_a_strangers_commit_shares_no_secret_image_cache_and_volume(agent: Agent) -> None:
    commit(agent, "first")
    agent.repository.git("checkout", "--quiet", "-b", "topic")
    agent.answer(agent.repository.git("rev-parse", "HEAD"), **GIVEN)
    sha = commit(agent, "second")
    # What the app's own commits share.
    trusted = agent.answer(sha, **GIVEN).split()
    assert trusted == ["cache:seen", "secret:hunter2", "env:hunter2", "volume:"]
    assert agent.answer(sha, **GIVEN).split()[-1] == "volume:own"

    # The same commit of a fork: it has another image, and other volumes.
    agent.tags.append(names.image_tag(APP, sha, trusted=False))
    agent.repository.git("update-ref", "refs/pull/7/head", sha)
    agent.repository.git("checkout", "--quiet", "main")
    agent.repository.git("branch", "-D", "topic")
    own = {"trusted": False, "ref": "pull/7/head", "run": GIVEN["run"]}
    stranger = agent.answer(sha, **own, registry="127.0.0.1:1/prevs").split()
    assert stranger == ["cache:", "secret:", "env:", "volume:"]
    assert "no image from the registry" not in str(agent.log.headers)
    assert len(agent.volumes()) == 3
    assert agent.answer(sha, **own).split()[-1] == "volume:own"
    # And the other way round: the app's own find nothing of the stranger's.
    assert agent.answer(sha, **GIVEN).split()[-1] == "volume:own"


def test_only_an_agent_that_isolates_runs_a_strangers_commit(agent: Agent) -> None:
    sha, with_image = agent.repository.commit_app(serving("steal")), "a" * 40
    agent.tags.append(agent.images.add(names.image_tag(APP, with_image, trusted=False), "sleep 60"))
    confined = agent.config.confined
    for opening, word in (
        ({"allowed": (ip_network("10.1.0.0/16"),)}, "PREVS_ALLOW"),
        ({"builds": False}, "PREVS_ISOLATION_BUILDS"),
    ):
        agent.config = agent.config._replace(confined=confined._replace(**opening))
        for one in (sha, with_image):
            agent.run(one, trusted=False)
            assert agent.report.cause is Cause.AGENT_OPEN
            assert word in agent.message
            assert agent.containers() == []


def test_a_strangers_commit_cannot_choose_who_builds_it(agent: Agent) -> None:
    files = {"Dockerfile": "# syntax=evil/frontend\nFROM scratch\nCOPY Dockerfile /\n"}
    agent.run(agent.repository.commit(files), trusted=False)
    assert agent.report.cause is Cause.BUILD_FAILED
    assert "evil/frontend" in agent.message


def test_a_commit_is_fetched_by_its_pull_requests_ref_alone(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("from a pull request"))
    agent.repository.git("update-ref", "refs/pull/7/head", sha)
    agent.repository.git("checkout", "--quiet", "--orphan", "other")
    agent.repository.commit({"README": "x"})
    agent.repository.git("branch", "-D", "main")
    agent.run(sha)
    assert agent.report.cause is Cause.COMMIT_MISSING
    assert agent.answer(sha, ref="pull/7/head") == "from a pull request\n"
