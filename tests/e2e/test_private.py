"""A repository that only a deploy key reads: registered, given its key, opened at its address."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import Cluster
from tests.e2e.conftest import Api
from tests.fakes.samples import SampleRepository, find_live, serving
from tests.integration.git.git_servers import SshRepositories, serve_ssh
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "private"


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshRepositories]:
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "commands").mkdir()
    with serve_ssh(folder / "sshd", folder / "commands") as served:
        yield served


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> SampleRepository:
    made = SampleRepository(tmp_path_factory.mktemp("private") / "private")
    made.commit_app(serving("Only for who has the key."))
    return made


@pytest.fixture
def registered(api: Api, ssh: SshRepositories, repository: SampleRepository) -> Iterator[None]:
    app = {"name": APP, "repository": ssh.url(repository.folder)}
    assert api.call("POST", "/v1/apps", json=app).status_code == 201
    yield
    api.call("DELETE", f"/v1/apps/{APP}")


@pytest.mark.usefixtures("registered")
def test_a_private_repository_is_read_and_built_with_its_key_which_is_left_nowhere(
    api: Api,
    cluster: Cluster,
    ssh: SshRepositories,
    repository: SampleRepository,
    visit: Callable[..., requests.Response],
) -> None:
    refused = api.call("GET", f"/v1/apps/{APP}/labels/main")
    assert refused.status_code == 502
    assert "credential" in refused.json()["detail"]

    key = {"private_key": ssh.private_key, "known_hosts": ssh.known_hosts}
    answer = api.call("PUT", f"/v1/apps/{APP}/credential", json=key)
    assert answer.json()["kind"] == "ssh-key"
    assert api.call("GET", f"/v1/apps/{APP}/labels/main").json()["sha"] == (
        repository.git("rev-parse", "main")
    )
    assert visit("main", app=APP, headers={"Prefer": "wait=100"}).text.strip() == (
        "Only for who has the key."
    )

    secret = ssh.private_key.splitlines()[3].encode()

    def left() -> list[Path]:
        files = [path for path in find_live(cluster.dir, "**/*") if path.is_file()]
        return [path for path in files if secret in _read(path)]

    # While the repository is read, which happens now and then, the key is in a file.
    wait_until(lambda: not left())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
