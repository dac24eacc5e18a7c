"""A commit's .prevs.toml, read out of mirrors of real git repositories."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from framework.apps.manifest import Manifest
from framework.errors import RepositoryUnreachable, UnknownLabel
from framework.git.files import MOST_LISTED
from framework.git.manifest_reader import read_manifest
from framework.git.mirrors import Mirrors
from framework.ports import RepositoryFile
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, Failure
from prevs.states import Cause
from tests.fakes.refs import FakeRefs
from tests.fakes.samples import SampleRepository

pytestmark = pytest.mark.integration

PLAIN = {"Dockerfile": "FROM scratch"}
TEXT = b"port = 8000\r\n# gr\xc3\xb6\xc3\x9fer\n\n"


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    return SampleRepository(tmp_path / "repository")


@pytest.fixture
def shop(repository: SampleRepository) -> AppRecord:
    return AppRecord("shop", str(repository.folder), cpus=0.5, mem=128)


def test_a_file_is_read_as_it_was_at_the_commit(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    first = repository.commit({**PLAIN, ".prevs.toml": TEXT, "web/x": "1"})
    second = repository.commit({**PLAIN, "README": "no settings"})
    assert mirrors.resolve(shop, "main").sha == second
    found = mirrors.read_file(shop, first, ".prevs.toml", most=100)
    assert found == RepositoryFile("file", len(TEXT), TEXT[:-1])
    assert mirrors.read_file(shop, second, ".prevs.toml", most=100) is None
    assert read_manifest(mirrors, shop, first) == Manifest(CommitSettings(port=8000))
    assert read_manifest(mirrors, shop, second) == Manifest()


def test_a_compose_file_is_read_at_the_same_commit(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    files = {
        "web/.prevs.toml": 'compose = "../compose.yaml"\ncompose_service = "web"',
        "compose.yaml": "services: {web: {build: web}, db: {image: postgres:17, command: größe}}",
    }
    first = repository.commit(files)
    second = repository.commit({**files, "compose.yaml": "services: {web: {build: web}}"})
    app = dataclasses.replace(shop, folder="web", max_mem=512, max_cpus=1.0)
    found = read_manifest(mirrors, app, first)
    assert isinstance(found, Manifest)
    (db,) = found.settings.run.companions
    assert (db.image, db.command) == ("postgres:17", ("größe",))
    now = read_manifest(mirrors, app, second)
    assert isinstance(now, Manifest)
    assert now.settings.run.companions == ()
    assert now.settings.build.context == "../web"


@pytest.mark.parametrize("folder", ["services/web", ":(top)*[x]", "größe und raum"])
def test_a_file_is_read_from_the_folder_of_the_app(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord, folder: str
) -> None:
    files = {f"{folder}/.prevs.toml": "port = 8001", f"{folder}/Dockerfile": "FROM scratch"}
    sha = repository.commit({**files, **PLAIN, ".prevs.toml": "port = 8002"})
    app = dataclasses.replace(shop, folder=folder)
    found = read_manifest(mirrors, app, sha)
    assert isinstance(found, Manifest)
    assert found.settings.port == 8001
    later = repository.commit({**files, **PLAIN})
    latest = repository.commit({**files, **PLAIN, f"{folder}/a": ""})
    mirrors.heads(app)
    assert mirrors.is_same(app, sha, later, found.settings.watch)
    assert not mirrors.is_same(app, sha, latest, found.settings.watch)
    nowhere = dataclasses.replace(shop, folder="elsewhere")
    failure = read_manifest(mirrors, nowhere, sha)
    assert isinstance(failure, Failure)
    assert failure.cause is Cause.DOCKERFILE_MISSING
    assert failure.message.startswith("There is no folder elsewhere in this commit")


def test_anything_but_a_file_is_reported(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    link = repository.commit({".prevs.toml": "-> /etc/passwd"})
    folder = repository.commit({".prevs.toml/x": "1"})
    large = repository.commit({".prevs.toml": "#" * 10_000})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{link},.prevs.toml")
    repository.git("rm", "--cached", "-rq", "--ignore-unmatch", "nothing")
    repository.git("commit", "--quiet", "-m", "a submodule")
    submodule = repository.git("rev-parse", "HEAD")
    reasons = {}
    for sha in (link, folder, large, submodule):
        failure = read_manifest(mirrors, shop, sha)
        assert isinstance(failure, Failure)
        assert failure.cause is Cause.SETTINGS_INVALID
        reasons[sha] = failure.mistakes[0].message
    assert "symbolic link" in reasons[link]
    assert "folder" in reasons[folder]
    assert "10,000 bytes; at most 8,192" in reasons[large]
    assert "submodule" in reasons[submodule]


def test_a_commit_that_is_not_there_yet_is_fetched(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord, tmp_path: Path
) -> None:
    sha = repository.commit({**PLAIN, ".prevs.toml": "port = 1"})
    assert read_manifest(mirrors, shop, sha) == Manifest(CommitSettings(port=1))
    later = repository.commit({**PLAIN, ".prevs.toml": "port = 2"})
    assert read_manifest(mirrors, shop, later) == Manifest(CommitSettings(port=2))
    reopened = Mirrors(tmp_path / "other mirrors")
    assert read_manifest(reopened, shop, sha) == Manifest(CommitSettings(port=1))


def test_a_missing_commit_is_distinguished_from_an_unreachable_repository(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    sha = repository.commit({**PLAIN, ".prevs.toml": "port = 1"})
    gone = "f" * 40
    with pytest.raises(UnknownLabel):
        mirrors.read_file(shop, gone, ".prevs.toml", most=100)
    failure = read_manifest(mirrors, shop, gone)
    assert isinstance(failure, Failure)
    assert failure.cause is Cause.COMMIT_MISSING
    shutil.rmtree(repository.folder)
    assert read_manifest(mirrors, shop, sha) == Manifest(CommitSettings(port=1))
    with pytest.raises(RepositoryUnreachable):
        mirrors.read_file(shop, gone, ".prevs.toml", most=100)
    away = read_manifest(mirrors, shop, gone)
    assert isinstance(away, Failure)
    assert away.cause is Cause.REPOSITORY_UNREACHABLE


@pytest.fixture
def one_commit(repository: SampleRepository) -> str:
    """A commit with an entry of each kind, and with a name that is no UTF-8."""
    sub = repository.commit({"web/Dockerfile": "FROM scratch", "web/in/x": "1", ":(top)*": "2"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{sub},web/module")
    odd = repository.git("hash-object", "-w", "web/Dockerfile")
    for name in (b"web/odd\xff\nname", "web/größe".encode()):
        entry = b"100755 " + odd.encode() + b"\t" + name + b"\0"
        command = ["git", "-C", str(repository.folder), "update-index", "-z", "--index-info"]
        subprocess.run(command, input=entry, check=True)
    repository.git("update-index", "--add", "--cacheinfo", f"120000,{odd},web/link")
    repository.git("commit", "--quiet", "-m", "all kinds")
    return repository.git("rev-parse", "HEAD")


IN_WEB = {
    "Dockerfile": "file",
    "größe": "file",
    "in": "folder",
    "link": "link",
    "module": "submodule",
    "odd\udcff\nname": "file",
}


def test_a_folder_has_its_own_entries_with_their_kinds(
    mirrors: Mirrors, shop: AppRecord, one_commit: str
) -> None:
    assert mirrors.list_folder(shop, one_commit, "web") == IN_WEB
    assert mirrors.list_folder(shop, one_commit, "") == {":(top)*": "file", "web": "folder"}
    assert mirrors.list_folder(shop, one_commit, "web/in") == {"x": "file"}


@pytest.mark.parametrize(
    "path", ["nothing", "web/Dockerfile", "web/link", "web/module", "web/in/x/y", ":(top)*"]
)
def test_there_is_nothing_in_what_is_no_folder(
    mirrors: Mirrors, shop: AppRecord, one_commit: str, path: str
) -> None:
    assert mirrors.list_folder(shop, one_commit, path) == {}


def test_the_fake_lists_what_git_lists(mirrors: Mirrors, shop: AppRecord, one_commit: str) -> None:
    fake = FakeRefs()
    fake.with_dockerfile = False
    entries = {**{f"web/{k}": v for k, v in IN_WEB.items()}, ":(top)*": "file"}
    del entries["web/in"]
    for path, kind in {**entries, "web/in/x": "file"}.items():
        fake.files["shop", one_commit, path] = RepositoryFile(kind, 1)
    for path in ("", "web", "web/in", "nothing", "web/link", "web/in/x/y"):
        listed = mirrors.list_folder(shop, one_commit, path)
        assert fake.list_folder(shop, one_commit, path) == listed


def test_of_a_very_large_folder_the_first_entries_are_listed(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    blob = repository.commit({"a": "1"}) and repository.git("rev-parse", "HEAD:a")
    count = MOST_LISTED // 250 + 100
    entries = "".join(f"100644 {blob}\t{n:0200}\0" for n in range(count))
    command = ["git", "-C", str(repository.folder), "update-index", "-z", "--index-info"]
    subprocess.run(command, input=entries.encode(), check=True)
    repository.git("commit", "--quiet", "-m", "many")
    listed = mirrors.list_folder(shop, repository.git("rev-parse", "HEAD"), "")
    assert count - 200 < len(listed) < count
    assert {len(name) for name in listed} == {200}


def test_a_folder_of_a_commit_that_is_gone_is_distinguished(
    repository: SampleRepository, mirrors: Mirrors, shop: AppRecord
) -> None:
    repository.commit({"a": "1"})
    with pytest.raises(UnknownLabel):
        mirrors.list_folder(shop, "f" * 40, "")
    shutil.rmtree(repository.folder)
    with pytest.raises(RepositoryUnreachable):
        mirrors.list_folder(shop, "f" * 40, "")
