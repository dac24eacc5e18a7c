"""Files in Git LFS, fetched by git-lfs from servers of the tests."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from executor.errors import LargeFilesMissing, LargeFilesUnsupported, SubmoduleUnusable
from executor.git import large_files
from executor.git.mirror import Mirror
from prevs.messages import Credential
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import GOOD, Agent, link, processes, processes_below
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories, SshRepositories
from tests.waits import wait_until

pytestmark = pytest.mark.integration

ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
CONTENT = "large " * 500


def oid(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def pointer(content: str) -> str:
    version = "version https://git-lfs.github.com/spec/v1"
    return f"{version}\noid sha256:{oid(content)}\nsize {len(content)}\n"


def commit(repository: SampleRepository, more: dict[str, str] | None = None) -> str:
    files = {".gitattributes": ATTRIBUTES, "a b.bin": pointer(CONTENT), "deep/c.bin": pointer("c")}
    return repository.commit({**files, "plain": "p", **(more or {})})


def keep(server: HttpsRepositories, *contents: str) -> None:
    server.large.update({oid(content): content.encode() for content in contents})


def test_large_files_come_with_the_credential_of_the_repository(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    keep(server, CONTENT, "c")
    sha = commit(repository)
    files = agent.files(server.url("shop.git"), sha, GOOD)
    assert (files["a b.bin"], files["deep/c.bin"], files["plain"]) == (CONTENT, "c", "p")
    assert server.shown == {f"{USER}:{TOKEN}"}
    assert agent.holds(TOKEN) == []


def test_large_files_of_the_mirror_are_not_fetched_again(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    keep(server, CONTENT, "c")
    first = commit(repository)
    agent.files(server.url("shop.git"), first, GOOD)
    server.large.clear()
    assert agent.files(server.url("shop.git"), first, GOOD)["a b.bin"] == CONTENT
    second = commit(repository, {"plain": "q"})
    assert agent.files(server.url("shop.git"), second, GOOD)["a b.bin"] == CONTENT


def test_a_local_repository_has_its_large_files_beside_it(
    agent: Agent, repository: SampleRepository
) -> None:
    for content in (CONTENT, "c"):
        name = oid(content)
        file = repository.folder / ".git" / "lfs" / "objects" / name[:2] / name[2:4] / name
        file.parent.mkdir(parents=True)
        file.write_text(content)
    assert agent.files(str(repository.folder), commit(repository))["a b.bin"] == CONTENT


def test_over_ssh_the_server_returns_their_address(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    ssh: SshRepositories,
    tmp_path: Path,
) -> None:
    keep(server, CONTENT, "c")
    server.guarded = False
    answer = f'{{"href": "{server.url("large-of-shop")}", "header": {{"X-Pass": "once"}}}}'
    script_output = tmp_path / "authenticate"
    program = tmp_path / "commands" / "git-lfs-authenticate"
    program.write_text(f"#!/bin/sh\necho \"$@\" >{script_output}\necho '{answer}'\n")
    program.chmod(0o755)
    sha = commit(repository)
    credential = Credential(private_key=ssh.private_key, known_hosts=ssh.known_hosts)
    files = agent.files(ssh.url(repository.folder), sha, credential)
    assert files["a b.bin"] == CONTENT
    assert script_output.read_text().split() == [str(repository.folder), "download"]


def test_the_repository_may_name_another_path_of_its_host(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    keep(server, CONTENT, "c")
    config = f"[lfs]\n\turl = {server.url('other/place')}\n"
    sha = commit(repository, {".lfsconfig": config})
    assert agent.files(server.url("shop.git"), sha, GOOD)["a b.bin"] == CONTENT
    assert any(request.path.startswith("/other/place/objects/batch") for request in server.requests)


def test_the_repository_may_exclude_some(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    keep(server, "c")
    sha = commit(repository, {".lfsconfig": "[lfs]\n\tfetchexclude = a*\n"})
    files = agent.files(server.url("shop.git"), sha, GOOD)
    assert (files["a b.bin"], files["deep/c.bin"]) == (pointer(CONTENT), "c")


@pytest.mark.parametrize(
    "setting", ["[lfs]\n\turl = {}", '[remote "prevs"]\n\tlfsurl = {}', "[lfs]\n\tpushurl = {}"]
)
def test_the_repository_may_name_no_other_host(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
    setting: str,
) -> None:
    keep(server, CONTENT, "c")
    other = elsewhere.url("x", host="localhost")
    sha = commit(repository, {".lfsconfig": setting.format(other) + "\n"})
    if "\turl" in setting:
        with pytest.raises(LargeFilesMissing, match=r"\.lfsconfig names is not at the repos"):
            agent.files(server.url("shop.git"), sha, GOOD)
    else:
        assert agent.files(server.url("shop.git"), sha, GOOD)["a b.bin"] == CONTENT
    assert elsewhere.requests == []


def test_files_that_are_missing_after_the_fetch_are_requested_from_no_other_host_either(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(server, CONTENT, "c")
    other = elsewhere.url("x", host="localhost")
    names = [f'[remote "{name}"]\n\tlfsurl = {other}\n' for name in ("origin", "prevs")]
    sha = commit(repository, {".lfsconfig": "".join(names)})
    fetch = large_files.fetch_large_files

    def fetch_and_lose(mirror: Mirror, *arguments: Any, **more: Any) -> None:
        fetch(mirror, *arguments, **more)
        shutil.rmtree(mirror.path / "lfs" / "objects")

    monkeypatch.setattr(large_files, "fetch_large_files", fetch_and_lose)
    assert agent.files(server.url("shop.git"), sha, GOOD)["a b.bin"] == CONTENT
    assert elsewhere.requests == []


def test_an_ssh_address_does_not_use_the_agents_own_key(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    tmp_path: Path,
) -> None:
    used = tmp_path / "used"
    program = tmp_path / "ssh-of-the-agent"
    program.write_text(f"#!/bin/sh\ntouch {used}\nexit 1\n")
    program.chmod(0o755)
    agent.environ = {**os.environ, "GIT_SSH_COMMAND": str(program)}
    sha = commit(repository, {".lfsconfig": "[lfs]\n\turl = ssh://git@127.0.0.1/shop.git\n"})
    with pytest.raises(
        LargeFilesMissing, match=r"\.lfsconfig names is not at the repository's own"
    ):
        agent.files(server.url("shop.git"), sha, GOOD)
    assert not used.exists()


def test_a_redirect_to_another_server_does_not_pass_the_credential_on(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    keep(server, CONTENT, "c")
    sha = commit(repository)
    elsewhere.large.update(server.large)
    other = elsewhere.url("", host="localhost")
    for beginning, to in (("/large/", "large/"), ("/shop.git/info/lfs/", "shop.git/info/lfs/")):
        server.redirects_later = {beginning: other + to}
        why = str(agent.failure(server.url("shop.git"), sha, GOOD))
        assert "redirects to another address" in why
        assert elsewhere.shown == set()


@pytest.mark.parametrize("how", ["redirect", "store"])
def test_the_agents_own_credentials_are_sent_to_no_store_of_large_files(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
    tmp_path: Path,
    how: str,
) -> None:
    keep(server, CONTENT, "c")
    keep(elsewhere, CONTENT, "c")
    line = f"machine localhost login {USER} password {TOKEN}\n"
    (tmp_path / "home" / ".netrc").write_text(line)
    other = elsewhere.url("large/", host="localhost")
    if how == "store":
        server.large_at = other
    else:
        server.redirects_later = {"/large/": other}
    why = str(agent.failure(server.url("shop.git"), commit(repository), GOOD))
    assert "redirects to another address" in why
    assert elsewhere.shown == set()


def test_a_server_may_store_them_at_another_that_needs_no_credential(
    agent: Agent,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    """As servers do that return signed addresses of an object store."""
    elsewhere.guarded = False
    keep(elsewhere, CONTENT, "c")
    keep(server, CONTENT, "c")
    server.large_at = elsewhere.url("large/", host="localhost")
    sha = commit(repository)
    assert agent.files(server.url("shop.git"), sha, GOOD)["a b.bin"] == CONTENT
    assert elsewhere.requests
    assert elsewhere.shown == set()


def test_a_file_that_its_host_lacks_is_reported(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    keep(server, "c")
    sha = commit(repository)
    with pytest.raises(LargeFilesMissing, match=r"does not exist.*git lfs push --all"):
        agent.files(server.url("shop.git"), sha, GOOD)


def test_a_host_that_serves_the_repository_without_its_large_files_is_reported(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    sha = commit(repository)
    server.guarded_paths = ["/shop.git/info/lfs"]
    server.guarded = False
    with pytest.raises(LargeFilesMissing, match=r"has no(ne| credential)\. Give the app a cred"):
        agent.files(server.url("shop.git"), sha)


def test_an_agent_without_git_lfs_reports_it(
    agent: Agent, repository: SampleRepository, tmp_path: Path
) -> None:
    agent.environ = {"PATH": str(tmp_path)}
    sha = commit(repository)
    with pytest.raises(LargeFilesUnsupported, match=r"has 2 files in Git LFS \(a b\.bin\)"):
        agent.files(str(repository.folder), sha)
    # What is called large and is not needs nothing.
    sha = repository.commit({".gitattributes": ATTRIBUTES, "a.bin": "small", "l.bin": "-> /etc"})
    assert agent.files(str(repository.folder), sha)["a.bin"] == "small"


def test_a_submodule_has_its_large_files_at_the_apps_host_and_nowhere_else(
    agent: Agent,
    root: Path,
    repository: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    """git-lfs cannot be given an address, and follows every redirect."""
    library = SampleRepository(root / "library.git")
    inner = commit(library)
    elsewhere.guarded = False
    for one in (server, elsewhere):
        keep(one, CONTENT, "c")
    repository.commit({"a": "1"})
    sha = link(repository, server.url("library.git"), "library", inner)
    assert agent.files(server.url("shop.git"), sha, GOOD)["library/a b.bin"] == CONTENT
    sha = link(repository, elsewhere.url("library.git"), "library", inner)
    failure = agent.failure(server.url("shop.git"), sha, GOOD)
    assert isinstance(failure, SubmoduleUnusable)
    assert "only from the app's own host. Keep it there too, or a b.bin in git" in str(failure)
    assert not any("/objects/batch" in request.path for request in elsewhere.requests)


def test_a_stop_ends_git_lfs_and_its_processes(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    config = f"[lfs]\n\turl = {server.url('hang/place')}\n"
    sha = commit(repository, {".lfsconfig": config})
    address = server.url("hang/place")

    seen: list[str] = []

    def look() -> bool:
        seen.extend(processes_below(agent.folder))
        return any("/hang/" in request.path for request in server.requests)

    agent.stop_once(look, server.url("shop.git"), sha, GOOD)
    assert any("git-lfs" in line for line in seen)
    assert processes(address) == []
    wait_until(lambda: not processes_below(agent.folder))
