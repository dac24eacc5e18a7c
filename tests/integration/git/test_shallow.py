"""How much of a repository is fetched, from servers that give parts of it and from others."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from executor.errors import CommitMissing
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import GOOD, Agent, https
from tests.integration.git.git_servers import HttpsRepositories

pytestmark = pytest.mark.integration

HISTORY = 120


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SampleRepository:
    """A repository whose history is made once, by one git."""
    repository = SampleRepository(tmp_path_factory.mktemp("history") / "shop.git")
    noise = random.Random(7)
    stream = ""
    for number in range(HISTORY):
        content = noise.randbytes(512).hex()
        stream += f"commit refs/heads/main\ncommitter T <t@example.org> {10**9 + number} +0000\n"
        stream += f"data 8\nA commit\nM 100644 inline a\ndata {len(content)}\n{content}\n"
    # Each object in a file of its own, as commits make them.
    command = ["git", "-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"]
    subprocess.run(command, cwd=repository.folder, input=stream, check=True, text=True)
    return repository


@pytest.fixture
def history(made: SampleRepository, repository: SampleRepository) -> list[str]:
    """Commits of which each has a new kilobyte that no compression makes less."""
    shutil.copytree(made.folder, repository.folder, dirs_exist_ok=True)
    return repository.git("rev-list", "--reverse", "main").split()


def commits(agent: Agent, repository: SampleRepository) -> int:
    """Return how many of the repository's commits the mirror has."""
    (mirror,) = agent.mirrors
    listed = repository.git("-C", str(mirror), "rev-list", "--all", "--count")
    return int(listed)


def test_the_newest_commit_of_a_branch_comes_alone(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    agent.files(server.url("shop.git"), history[-1], GOOD)
    assert commits(agent, repository) == 1
    whole = repository.git("count-objects", "-v")
    sizes = dict(line.split(": ") for line in whole.splitlines())
    assert server.sent < int(sizes["size"]) * 1024 / 20


def test_later_commits_come_alone_too_and_the_mirror_is_sound(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    agent.files(server.url("shop.git"), history[-1], GOOD)
    for text in ("one", "two"):
        sha = repository.commit({"a": text})
        assert agent.files(server.url("shop.git"), sha, GOOD) == {"a": text}
    assert commits(agent, repository) == 3
    (mirror,) = agent.mirrors
    repository.git("-C", str(mirror), "fsck", "--connectivity-only", "--strict")


def test_a_commit_that_has_a_few_on_top_of_it_brings_no_whole_history(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    assert list(agent.files(server.url("shop.git"), history[-10], GOOD)) == ["a"]
    assert commits(agent, repository) == 50


def test_an_old_commit_brings_the_history_and_all_after_it_are_cheap(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    agent.files(server.url("shop.git"), history[-1], GOOD)
    assert list(agent.files(server.url("shop.git"), history[3], GOOD)) == ["a"]
    assert commits(agent, repository) == HISTORY
    (mirror,) = agent.mirrors
    assert not (mirror / "shallow").exists()
    before = len(server.requests)
    assert list(agent.files(server.url("shop.git"), history[60], GOOD)) == ["a"]
    assert len(server.requests) == before
    repository.git("-C", str(mirror), "fsck", "--connectivity-only", "--strict")


def test_a_commit_of_no_branch_is_refused_though_the_server_would_send_it(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    repository.commit({"a": "main"})
    repository.git("checkout", "--quiet", "--detach")
    hidden = repository.commit({"a": "hidden"})
    repository.git("update-ref", "refs/pull/1/head", hidden)
    repository.git("checkout", "--quiet", "main")
    assert isinstance(agent.failure(server.url("shop.git"), hidden, GOOD), CommitMissing)


def test_a_commit_at_which_a_gate_stays_is_read_though_its_branch_is_gone(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    repository.commit({"a": "main"})
    repository.git("checkout", "--quiet", "--detach")
    left = repository.commit({"a": "canary"})
    repository.git("checkout", "--quiet", "main")
    asked = agent.checkout(server.url("shop.git"), left, GOOD, ref=left)
    with asked.tree(limit=60.0) as tree:
        assert (tree / "a").read_text() == "canary"
    never = "f" * 40
    with pytest.raises(CommitMissing):
        agent.checkout(server.url("shop.git"), never, GOOD, ref=never).tree(limit=60).__enter__()


def test_a_branch_that_was_rewritten_is_followed(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    agent.files(server.url("shop.git"), history[-1], GOOD)
    repository.git("reset", "--quiet", "--hard", history[5])
    for text in ("again", "and again"):
        sha = repository.commit({"a": text})
    assert agent.files(server.url("shop.git"), sha, GOOD) == {"a": "and again"}
    assert list(agent.files(server.url("shop.git"), history[5], GOOD)) == ["a"]


@pytest.mark.parametrize("number", [-1, -10, 3])
def test_an_old_server_that_serves_only_refs_sends_everything(
    agent: Agent,
    repository: SampleRepository,
    root: Path,
    authority: trustme.CA,
    history: list[str],
    number: int,
) -> None:
    repository.git("config", "uploadpack.allowAnySHA1InWant", "false")
    with https(root, authority, protocol="version=0") as server:
        assert list(agent.files(server.url("shop.git"), history[number], GOOD)) == ["a"]


def test_the_commit_of_an_annotated_tag_is_found_though_an_old_server_refuses_it(
    agent: Agent, repository: SampleRepository, root: Path, authority: trustme.CA
) -> None:
    repository.commit({"a": "main"})
    repository.git("checkout", "--quiet", "--detach")
    tagged = repository.commit({"a": "tag"})
    repository.git("tag", "--annotate", "--message", "v1", "v1")
    repository.git("checkout", "--quiet", "main")
    with https(root, authority, protocol="version=0") as server:
        assert agent.files(server.url("shop.git"), tagged, GOOD) == {"a": "tag"}
    assert commits(agent, repository) == 2


def test_a_plain_file_server_sends_everything(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories, history: list[str]
) -> None:
    # One file for all objects: each is a request here.
    repository.git("repack", "-a", "-d", "--quiet")
    repository.git("update-server-info")
    address = server.url("dumb/shop.git/.git")
    assert list(agent.files(address, history[-1], GOOD)) == ["a"]
    assert list(agent.files(address, history[3], GOOD)) == ["a"]
    assert commits(agent, repository) == HISTORY
