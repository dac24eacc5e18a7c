"""The example app: its repository, its images, and what `make up` prints about it."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests
from docker.models.containers import Container

from local.settings import prepare
from prevs import names
from tests.fakes.answers import SHA
from tests.fakes.api import TOKEN, Api
from tests.waits import wait_until

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello"
FAILURES = {"broken-dockerfile", "no-dockerfile", "exits", "never-listens", "unhealthy"}


def make(folder: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLE / "make_repository.py"), str(folder), *flags]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def git(folder: Path, *args: str) -> str:
    command = ["git", "-C", str(folder), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def refs(folder: Path) -> dict[str, str]:
    listed = git(folder, "for-each-ref", "--format=%(refname:short) %(objectname)").splitlines()
    return dict(line.split() for line in listed)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "hello"
    done = make(folder, "--with-failures")
    assert done.returncode == 0, done.stderr
    return folder


def test_commits_have_the_same_ids_whenever_they_are_made(repository: Path, tmp_path: Path) -> None:
    assert make(tmp_path / "again", "--with-failures").returncode == 0
    assert refs(tmp_path / "again") == refs(repository)


def test_the_example_has_failing_branches_only_on_request(repository: Path, tmp_path: Path) -> None:
    assert make(tmp_path / "plain").returncode == 0
    assert set(refs(tmp_path / "plain")) == {"main", "feature/dark", "v1"}
    assert set(refs(repository)) == {"main", "feature/dark", "v1"} | FAILURES


def test_every_version_shows_its_own_page_with_its_subject(repository: Path) -> None:
    commits = git(repository, "rev-list", "main", "feature/dark").split()
    pages = [git(repository, "show", f"{commit}:www/index.html") for commit in commits]
    assert len(set(pages)) == len(pages) == 6
    for commit, page in zip(commits, pages, strict=True):
        assert git(repository, "log", "-1", "--format=%s", commit) in page


def test_a_repository_that_is_there_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    make(folder)
    (folder / "note").write_text("mine")
    identity = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
    git(folder, "add", "note")
    git(folder, *identity, "commit", "-qm", "Add a note")
    before = refs(folder)
    done = make(folder)
    assert done.returncode == 0
    assert "there already" in done.stdout
    assert refs(folder) == before
    assert (folder / "note").read_text() == "mine"


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    done = make(tmp_path)
    assert done.returncode == 1
    assert "something else" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


@pytest.fixture
def container(repository: Path, docker_host: str) -> Iterator[Container]:
    """The container of main, with an init as prevs runs it, on a port of 127.0.0.1."""
    client = docker.DockerClient(base_url=docker_host)
    tag = f"prevs-test/example:{secrets.token_hex(3)}"
    client.images.build(path=str(repository), tag=tag, rm=True, forcerm=True)
    published: dict[str, int | list[int] | tuple[str, int] | None] = {"9000/tcp": ("127.0.0.1", 0)}
    running = client.containers.run(
        tag, detach=True, init=True, ports=published, environment={"PORT": "9000"}
    )
    try:
        running.reload()
        yield running
    finally:
        running.remove(force=True)
        client.images.remove(tag, force=True)
        client.close()


def test_the_image_serves_its_page_and_health_on_port_and_ends_at_once(
    repository: Path, container: Container
) -> None:
    published = container.ports["9000/tcp"]
    assert published
    address = f"http://127.0.0.1:{published[0]['HostPort']}"

    def get_page() -> "requests.Response | None":
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{address}/", timeout=30)
        return None

    page = wait_until(get_page)
    assert page.text.strip() == git(repository, "show", "main:www/index.html")
    assert requests.get(f"{address}/healthz", timeout=30).text == "ok\n"
    container.stop(timeout=60)
    assert container.wait()["StatusCode"] == 143, "it ended by SIGTERM, not by SIGKILL"


def register(environ: dict[str, str], *given: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "examples.hello.register", *map(str, given)]
    root = str(EXAMPLE.parents[1])
    return subprocess.run(
        command,
        check=False,
        env={**os.environ, **environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )


def test_registering_prints_the_addresses_and_may_be_done_again(tmp_path: Path) -> None:
    api = Api()
    folder = tmp_path / "hello"
    make(folder)
    oldest = git(folder, "rev-parse", "v1~1")
    for name in ("main", "v1", "feature/dark", oldest[:7]):
        api.refs.put("hello", names.slug(name), SHA)
    with api.serving() as address:
        environ = {"PREVS_API": address, "PREVS_TOKEN": TOKEN}
        first = register(environ, folder)
        second = register(environ, folder)
        api.previews.change_app("hello", {"mem": 256})
        changed = register(environ, folder)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout == changed.stdout
    for label in ("main", "v1", names.slug("feature/dark"), oldest[:7]):
        assert f"http://{label}.hello.localhost:8080/" in first.stdout
    assert api.previews.snapshot.app("hello").repository == str(folder)
    assert api.previews.snapshot.app("hello").mem == 256


def test_make_up_registers_at_the_cluster_that_it_has_started_and_at_no_other(
    tmp_path: Path,
) -> None:
    api, other = Api(), Api()
    make(tmp_path / "prevs" / "examples" / "hello")
    for name in ("main", "v1", "feature/dark"):
        api.refs.put("hello", names.slug(name), SHA)
    api.refs.put("hello", git(tmp_path / "prevs/examples/hello", "rev-parse", "v1~1")[:7], SHA)
    with api.serving() as address, other.serving() as saved:
        settings = prepare(tmp_path / "own", {"api_port": int(address.rpartition(":")[2])})
        settings.token_file.write_text(TOKEN)
        environ = {"PREVS_API": saved, "PREVS_TOKEN": TOKEN, "XDG_DATA_HOME": str(tmp_path)}
        options = ("--port", "8180", "--no-credentials", f"--dir={tmp_path / 'own'}")
        done = register(environ, "--local", *options)
        assert done.returncode == 0, done.stderr
        nowhere = register(environ, "--local", f"--dir={tmp_path / 'nothing'}")
    assert [app.name for app in api.previews.snapshot.apps.values()] == ["hello"]
    assert other.previews.snapshot.apps == {}
    assert nowhere.returncode != 0
    assert "`prevs local up`" in nowhere.stderr


def test_registering_without_an_api_shows_what_to_do(tmp_path: Path) -> None:
    done = register({"PREVS_API": "http://127.0.0.1:9", "PREVS_TOKEN": "t"}, tmp_path / "hello")
    assert done.returncode == 1
    assert "prevs local up" in done.stderr
    assert "Traceback" not in done.stderr
