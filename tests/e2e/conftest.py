"""The example app, registered once in the session's cluster, and clients of its addresses.

More proxies of that cluster, and a cluster of a module's own with the example app.
"""

import contextlib
import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests

from tests.e2e.own_cluster import Own, own_cluster
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy
from tests.waits import wait_for_state, wait_until

REPOSITORY_SCRIPT = Path(__file__).parents[2] / "examples" / "hello" / "make_repository.py"


class Cluster(Protocol):
    """What tests/conftest.py's `cluster` offers."""

    dir: Path
    api: str
    token: str
    domain: str
    port: int
    master: str
    zookeeper: str
    agents: Sequence[str]

    @property
    def mesos_auth(self) -> tuple[str, str]: ...
    @property
    def zookeeper_auth(self) -> str: ...


class StartProxy(Protocol):
    """Starts one more proxy, which connects to previews from `source`."""

    def __call__(self, source: str = "127.0.83.8") -> Proxy: ...


@dataclasses.dataclass(frozen=True)
class Api:
    """The framework's HTTP API."""

    base: str
    token: str

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Return the answer to a call with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.base}{path}", headers=headers, timeout=60, **kwargs)

    def add(self, order: Mapping[str, Any]) -> None:
        """Add an app, as soon as no former one of its name is being removed any more."""

        def ask() -> requests.Response | None:
            answer = self.call("POST", "/v1/apps", json=order)
            return None if answer.status_code == 503 else answer

        answer = wait_until(ask, f"{order['name']} may be added")
        assert answer.status_code == 201, answer.text

    def preview(self, app: str, sha: str) -> Mapping[str, Any]:
        """Return one preview, whole."""
        answer: Mapping[str, Any] = self.call("GET", f"/v1/previews/{app}/{sha}").json()
        return answer

    def wait_for(self, app: str, sha: str, *states: str, but: str = "") -> Mapping[str, Any]:
        """Return a preview once it is in one of `states`.

        Fails with its reason at once where it has failed and that is none of them, else after
        two minutes. An attempt with the task `but` does not count.
        """
        return wait_for_state(lambda: self.preview(app, sha), *states, but=but)


@dataclasses.dataclass(frozen=True)
class Hello:
    """The example's repository and the commits of its refs."""

    folder: Path
    app: str = "hello"

    def git(self, *args: str) -> str:
        """Return what git prints in the repository."""
        command = ["git", "-C", str(self.folder), "-c", "safe.directory=*", *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, ref: str) -> str:
        """Return the commit that a ref leads to."""
        return self.git("rev-parse", f"{ref}^{{commit}}")

    def page(self, ref: str) -> str:
        """Return the page that the application of a ref shows at /."""
        return self.git("show", f"{ref}:www/index.html")


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Api:
    """The session's framework."""
    return Api(cluster.api, cluster.token)


@pytest.fixture(scope="session")
def hello(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hello]:
    """The example, with its branches that fail, registered as `hello`."""
    folder = tmp_path_factory.mktemp("example") / "hello"
    subprocess.run(
        [sys.executable, str(REPOSITORY_SCRIPT), str(folder), "--with-failures"], check=True
    )
    api.add({"name": "hello", "repository": str(folder)})
    yield Hello(folder)
    api.call("DELETE", "/v1/apps/hello")


@pytest.fixture(scope="session")
def visit(cluster: Cluster) -> Callable[..., requests.Response]:
    """Request an address as a program would: it is held until the preview answers."""

    def get(label: str, path: str = "/", app: str = "hello", **kwargs: Any) -> requests.Response:
        headers = {"Host": f"{label}.{app}.{cluster.domain}:{cluster.port}"}
        headers.update(kwargs.pop("headers", {}))
        return requests.get(
            f"http://127.0.0.1:{cluster.port}{path}", headers=headers, timeout=120, **kwargs
        )

    return get


@pytest.fixture
def start_proxy(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[StartProxy]:
    """A function that starts one more proxy in front of the session's cluster."""
    with contextlib.ExitStack() as stack:

        def start(source: str = "127.0.83.8") -> Proxy:
            running = proxies.running(
                tmp_path_factory.mktemp("more"),
                zookeeper=cluster.zookeeper,
                root="/prevs",
                api=cluster.api,
                port=free_port(),
                PREVS_TOKEN_FILE=str(cluster.dir / "proxy-token"),
                PREVS_ZOOKEEPER_AUTH_FILE=str(cluster.dir / "proxy-zookeeper-auth"),
                PREVS_PROXY_SOURCE=source,
            )
            return stack.enter_context(running)

        yield start


@pytest.fixture(scope="module")
def own(docker_host: str, free_port: Callable[[], int]) -> Iterator[Own]:
    """A cluster of the module's own, which does not run yet."""
    with own_cluster(free_port) as own:
        yield own


@pytest.fixture
def running(own: Own) -> Own:
    """The same, up."""
    if not own.status()["up"]:
        own.up()
    return own


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's repository, for a cluster of the module's own."""
    folder = tmp_path_factory.mktemp("repository") / "hello"
    subprocess.run([sys.executable, str(REPOSITORY_SCRIPT), str(folder)], check=True)
    return folder


@pytest.fixture
def serving(running: Own, repository: Path) -> Own:
    """The same, with main.hello answering."""
    added = running.call("POST", "/v1/apps", name="hello", repository=str(repository))
    assert added.status_code in {200, 201}, added.text
    assert running.visit().status_code == 200
    return running
