"""Submodules: those that a repository may name, and malicious ones."""

import contextlib
from pathlib import Path

import pytest

from executor.errors import CommitUnusable, ExecutorError, SubmoduleUnusable
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import GOOD, LIMIT, Agent, link, processes
from tests.integration.git.git_servers import HttpsRepositories

pytestmark = pytest.mark.integration


@pytest.fixture
def library(root: Path) -> SampleRepository:
    return SampleRepository(root / "library.git")


def test_submodules_of_submodules_come_with_the_credential_of_their_origin(
    agent: Agent,
    repository: SampleRepository,
    library: SampleRepository,
    server: HttpsRepositories,
    root: Path,
) -> None:
    deep = SampleRepository(root / "group" / "deep.git")
    deep_sha = deep.commit({"c": "3"})
    library.commit({"b": "2"})
    library_sha = link(library, "./../group/deep.git", "inner/deep", deep_sha)
    repository.commit({"a": "1"})
    sha = link(repository, "../library.git", "libs/library", library_sha)
    expected = {
        "a": "1",
        "libs/library/b": "2",
        "libs/library/inner/deep/c": "3",
    }
    files = agent.files(server.url("shop.git"), sha, GOOD)
    assert {name: text for name, text in files.items() if ".gitmodules" not in name} == expected
    assert len(agent.mirrors) == 3
    assert not any(name.endswith(".git") for name in files)


def test_a_strangers_commit_is_read_with_the_credential_and_its_submodules_are_not(
    agent: Agent, repository: SampleRepository, library: SampleRepository, server: HttpsRepositories
) -> None:
    inner = library.commit({"b": "secret"})
    own = repository.commit({"a": "1"})
    sha = link(repository, "../library.git", "library", inner)
    address = server.url("shop.git")
    assert agent.files(address, sha, GOOD)["library/b"] == "secret"

    def read(commit: str) -> set[str]:
        made = agent.checkout(address, commit, GOOD, trusted=False)
        with made.tree(limit=LIMIT) as tree:
            return {path.name for path in tree.iterdir()}

    assert read(own) == {"a"}
    with pytest.raises(SubmoduleUnusable, match="asks for a name and a password"):
        read(sha)


def test_a_later_commit_takes_its_submodules_from_the_mirror(
    agent: Agent,
    repository: SampleRepository,
    library: SampleRepository,
    server: HttpsRepositories,
) -> None:
    first, second = library.commit({"b": "2"}), library.commit({"b": "3"})
    repository.commit({"a": "1"})
    sha = link(repository, server.url("library.git"), "library", second)
    assert agent.files(server.url("shop.git"), sha, GOOD)["library/b"] == "3"
    repository.git("update-index", "--cacheinfo", f"160000,{first},library")
    repository.git("commit", "--quiet", "--message", "Go back")
    sha = repository.git("rev-parse", "HEAD")
    assert agent.files(server.url("shop.git"), sha, GOOD)["library/b"] == "2"
    assert len(agent.mirrors) == 2


def test_a_local_repository_has_its_submodules_beside_it(
    agent: Agent, repository: SampleRepository, library: SampleRepository
) -> None:
    inner = library.commit({"b": "2"})
    repository.commit({"a": "1"})
    for url in ("../library.git", str(library.folder), f"file://{library.folder}"):
        sha = link(repository, url, "library", inner)
        assert agent.files(str(repository.folder), sha)["library/b"] == "2"


def test_a_local_repository_names_no_mirror_of_a_private_app(
    agent: Agent, repository: SampleRepository, tmp_path: Path
) -> None:
    # As a framework has it, and an executor of another installation: in the folder of this one.
    framework = SampleRepository(tmp_path / "mirrors" / "private" / "0123456789abcdef.git")
    executor = SampleRepository(tmp_path / "mirrors" / f"{'0' * 24}.git")
    beside = repository.folder.parent / "beside"
    beside.symlink_to(framework.folder)
    repository.commit({"a": "1"})
    for private in (framework, executor):
        secret = private.commit({"b": "secret"})
        for address in (str(private.folder), f"file://{private.folder}"):
            failure = agent.failure(
                str(repository.folder), link(repository, address, "stolen", secret)
            )
            assert "neither in the app's repository nor beside it" in str(failure)
        # An app whose own folder is the one with the mirrors.
        app = SampleRepository(private.folder.parent / "app")
        app.commit({"a": "1"})
        for address in (str(private.folder), f"../{private.folder.name}"):
            failure = agent.failure(str(app.folder), link(app, address, "stolen", secret))
            assert "in a folder of prevs itself" in str(failure)
    secret = framework.git("rev-parse", "HEAD")
    failure = agent.failure(str(repository.folder), link(repository, str(beside), "stolen", secret))
    assert "in a folder of prevs itself" in str(failure)


def test_a_strangers_commit_names_no_other_repository_of_the_machine(
    agent: Agent, repository: SampleRepository, library: SampleRepository
) -> None:
    inner = library.commit({"b": "secret"})
    repository.commit({"a": "1"})
    sha = link(repository, "../library.git", "library", inner)
    made = agent.checkout(str(repository.folder), sha, trusted=False)
    with (
        pytest.raises(SubmoduleUnusable, match="a commit of a fork must not name it"),
        made.tree(limit=LIMIT),
    ):
        pass


def test_submodules_that_are_excluded_or_have_no_address_stay_empty(
    agent: Agent, repository: SampleRepository, library: SampleRepository
) -> None:
    inner = library.commit({"b": "2"})
    repository.commit({"a": "1"})
    link(repository, "../library.git", "unwanted", inner, "update = none")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{inner},unknown")
    repository.git("commit", "--quiet", "--message", "Forget to name it")
    sha = repository.git("rev-parse", "HEAD")
    with agent.checkout(str(repository.folder), sha, None).tree(limit=LIMIT) as tree:
        assert sorted(path.name for path in tree.iterdir()) == [
            ".gitmodules",
            "a",
            "unknown",
            "unwanted",
        ]
        assert list((tree / "unknown").iterdir()) == list((tree / "unwanted").iterdir()) == []


def test_a_command_in_gitmodules_is_not_run(
    agent: Agent, repository: SampleRepository, library: SampleRepository, tmp_path: Path
) -> None:
    inner = library.commit({"b": "2"})
    repository.commit({"a": "1"})
    update = f"update = !touch {tmp_path}/ran"
    sha = link(repository, "../library.git", "library", inner, update)
    assert agent.files(str(repository.folder), sha)["library/b"] == "2"
    assert not (tmp_path / "ran").exists()


def test_another_host_gets_no_credential(
    agent: Agent,
    repository: SampleRepository,
    library: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
    tmp_path: Path,
) -> None:
    """Neither the app's credential nor that of the agent's user."""
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login bob password of-bob\n")
    settings = '[credential]\n\thelper = "!echo username=eve; echo password=of-eve; :"\n'
    (tmp_path / "home" / ".gitconfig").write_text(settings)
    inner = library.commit({"b": "2"})
    repository.commit({"a": "1"})
    sha = link(repository, elsewhere.url("library.git"), "library", inner)
    with pytest.raises(SubmoduleUnusable, match="another host than the app's, and was not read"):
        agent.files(server.url("shop.git"), sha, GOOD)
    assert elsewhere.requests
    assert elsewhere.shown == set()
    elsewhere.guarded = False
    assert agent.files(server.url("shop.git"), sha, GOOD)["library/b"] == "2"
    assert elsewhere.shown == set()


def test_a_submodule_that_another_app_fetched_is_not_there_for_an_app_that_may_not_read_it(
    agent: Agent,
    repository: SampleRepository,
    library: SampleRepository,
    server: HttpsRepositories,
    elsewhere: HttpsRepositories,
) -> None:
    secret = library.commit({"b": "secret"})
    assert agent.files(elsewhere.url("library.git"), secret, GOOD) == {"b": "secret"}
    repository.commit({"a": "1"})
    sha = link(repository, elsewhere.url("library.git"), "library", secret)
    with pytest.raises(SubmoduleUnusable, match="another host than the app's, and was not read"):
        agent.files(server.url("shop.git"), sha, GOOD)


def test_forbidden_addresses_are_refused(
    agent: Agent,
    repository: SampleRepository,
    library: SampleRepository,
    server: HttpsRepositories,
    tmp_path: Path,
) -> None:
    """Each for a reason of its own; tests/unit/program/git/test_addresses.py has more of them."""
    inner = library.commit({"b": "2"})
    for url, why in (
        (f"ext::sh -c touch% {tmp_path}/ran", "neither relative nor the address"),
        (server.url("library.git").replace("://", "://ada:pw@"), "a password in its address"),
        ("ssh://git@127.0.0.1/library.git", "needs an ssh key"),
    ):
        repository.commit({"a": url})
        sha = link(repository, url, "library", inner)
        with pytest.raises(SubmoduleUnusable, match=why) as raised:
            agent.files(server.url("shop.git"), sha, GOOD)
        assert "submodule library" in str(raised.value)
        assert ":pw@" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["..", ".git"])
def test_files_that_git_refuses_to_write_are_reported_as_the_commits_fault(
    agent: Agent, repository: SampleRepository, name: str
) -> None:
    repository.commit({"a": "1"})
    blob = repository.git("hash-object", "-w", "a")
    inner = bytes.fromhex(blob)
    tree = repository.folder / "tree"
    tree.write_bytes(b"100644 x\0" + inner)
    command = ("hash-object", "-w", "--literally", "-t", "tree")
    folder = repository.git(*command, str(tree))
    tree.write_bytes(b"40000 " + name.encode() + b"\0" + bytes.fromhex(folder))
    top = repository.git(*command, str(tree))
    sha = repository.git("commit-tree", top, "-m", "Out of here")
    repository.git("branch", "--force", "out", sha)
    with pytest.raises(CommitUnusable, match="invalid path"):
        agent.files(str(repository.folder), sha)


def test_a_link_where_a_submodule_belongs_is_not_followed(
    agent: Agent, repository: SampleRepository, library: SampleRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = library.commit({"b": "2"})
    modules = '[submodule "x"]\n\tpath = {}\n\turl = ../library.git\n'
    for path in ("out", "out/x"):
        sha = repository.commit({".gitmodules": modules.format(path), "out": f"-> {outside}"})
        assert list(agent.files(str(repository.folder), sha)) == [".gitmodules"]
    # A tree with both: a link, and a folder of the same name with a submodule in it.
    link_blob = repository.git("rev-parse", "HEAD:out")
    modules_blob = repository.git("rev-parse", "HEAD:.gitmodules")
    tree = repository.folder / "tree"
    command = ("hash-object", "-w", "--literally", "-t", "tree")
    tree.write_bytes(b"160000 x\0" + bytes.fromhex(inner))
    folder = repository.git(*command, str(tree))
    tree.write_bytes(
        b"100644 .gitmodules\0"
        + bytes.fromhex(modules_blob)
        + b"120000 out\0"
        + bytes.fromhex(link_blob)
        + b"40000 out\0"
        + bytes.fromhex(folder)
    )
    top = repository.git(*command, str(tree))
    sha = repository.git("commit-tree", top, "-m", "Both")
    repository.git("branch", "--force", "both", sha)
    with contextlib.suppress(ExecutorError):
        agent.files(str(repository.folder), sha)
    assert list(outside.iterdir()) == []


def test_a_recursive_submodule_comes_to_an_end(agent: Agent, repository: SampleRepository) -> None:
    sha = repository.commit({"a": "1"})
    for _ in range(7):
        sha = link(repository, "../shop.git", "again", sha)
    with pytest.raises(SubmoduleUnusable, match="more than 5 submodules deep"):
        agent.files(str(repository.folder), sha)


def test_an_error_of_a_submodule_names_it(
    agent: Agent, repository: SampleRepository, library: SampleRepository
) -> None:
    library.commit({"b": "2"})
    repository.commit({"a": "1"})
    sha = link(repository, "../library.git", "library", "1" * 40)
    with pytest.raises(SubmoduleUnusable, match=r"submodule library .* commit 1111111 is on no"):
        agent.files(str(repository.folder), sha)
    sha = link(repository, "../nowhere.git", "library", "1" * 40)
    with pytest.raises(SubmoduleUnusable, match=r"submodule library .* not appear to be a git"):
        agent.files(str(repository.folder), sha)
    sha = repository.commit({".gitmodules": "[submodule\n"})
    with pytest.raises(SubmoduleUnusable, match=r"\.gitmodules .* cannot read"):
        agent.files(str(repository.folder), sha)


def test_a_stop_ends_the_fetch_of_a_submodule(
    agent: Agent, repository: SampleRepository, server: HttpsRepositories
) -> None:
    repository.commit({"a": "1"})
    address = server.url("hang/library.git")
    sha = link(repository, address, "library", "1" * 40)

    agent.stop_once(
        lambda: any("/hang/" in request.path for request in server.requests),
        server.url("shop.git"),
        sha,
        GOOD,
    )
    assert processes(address) == []
