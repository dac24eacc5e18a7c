"""An app's secrets reach its containers and are nowhere else: all places are searched."""

import base64
import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from docker import DockerClient
from kazoo.client import KazooClient

from tests.conftest import Cluster
from tests.e2e.conftest import Api
from tests.fakes.samples import SampleRepository, find_live
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "vault"
PAGE = 'echo "$MODE $(echo -n "$API_KEY" | md5sum)" > /tmp/index.html'
PRINT = (
    'echo "The key is $API_KEY."; echo "$API_KEY"; '
    'echo "coded: $(echo "k=$API_KEY" | base64)"; '
    'echo "of another branch: ${OTHER-nothing}"; printf %s "$API_KEY" | cut -c 1-9'
)
SERVE = 'exec httpd -f -p "$PORT" -h /tmp'
MASTER = ("state", "tasks", "frameworks", "slaves", "roles", "state-summary")
AGENT = ("state", "containers")


class Given(NamedTuple):
    """The app's secrets, and the commit of its main branch."""

    sha: str
    key: str
    password: str

    def forms(self) -> list[bytes]:
        """Return what is looked for: as it is, and as it is in base64, wherever it begins."""
        found = []
        for text in (self.key.encode(), self.password.encode()):
            for shift in range(3):
                coded = base64.b64encode(b"x" * shift + text)
                found.append(coded[4:-4])
            found.append(text)
        return found


@pytest.fixture(scope="module")
def given(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    """An app whose build and whose application print their secret, running."""
    made = SampleRepository(tmp_path_factory.mktemp("vault") / "vault")
    sha = made.commit_app(
        [
            "RUN mkdir -p /tmp",
            "RUN --mount=type=secret,id=API_KEY "
            f"echo {time.time()}; cat /run/secrets/API_KEY; echo ' was mounted.'",
            f'CMD ["/bin/sh", "-c", {_quote(f"{PAGE}; {PRINT}; {SERVE}")}]',
        ]
    )
    given = Given(sha, secrets.token_hex(16), secrets.token_hex(16))
    app = {"name": APP, "repository": str(made.folder)}
    api.add(app)
    for name, order in (
        ("API_KEY", {"value": given.key}),
        ("MODE", {"value": "preview", "secret": False}),
        ("OTHER", {"value": "for another branch", "branches": ["other"], "tags": ["main"]}),
    ):
        answer = api.call("PUT", f"/v1/apps/{APP}/environment/{name}", json=order)
        assert answer.status_code == 200, answer.text
    order = {"username": "deploy", "password": given.password}
    assert api.call("PUT", f"/v1/apps/{APP}/credential", json=order).status_code == 200
    start = {"app": APP, "label": "main"}
    assert api.call("POST", "/v1/previews", json=start).status_code == 202
    api.wait_for(APP, sha, "running")
    yield given
    api.call("DELETE", f"/v1/apps/{APP}")


def _quote(command: str) -> str:
    return '"' + command.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_the_container_has_the_variables_of_its_app(
    given: Given, visit: Callable[..., requests.Response]
) -> None:
    digest = hashlib.md5(given.key.encode()).hexdigest()
    assert visit("main", app=APP).text.split()[:2] == ["preview", digest]


def test_the_log_has_stars_where_the_secret_was_printed(given: Given, api: Api) -> None:
    def read() -> str:
        return api.call("GET", f"/v1/previews/{APP}/{given.sha}/log").text

    wait_until(lambda: given.key[:9] in read())  # it is printed last
    log = read()
    assert "The key is ***.\n***\n" in log
    assert "*** was mounted." in log
    assert given.key[:9] in log, "a secret that is printed in pieces is not recognized"
    assert given.key not in log
    assert re.search(r"^coded: .{1,6}[*]{3}.{0,6}$", log, re.MULTILINE)
    assert not any(form.decode() in log for form in given.forms())


def test_a_variable_for_one_branch_is_given_to_no_other(given: Given, api: Api) -> None:
    def read() -> str:
        return api.call("GET", f"/v1/previews/{APP}/{given.sha}/log").text

    wait_until(lambda: given.key[:9] in read())
    assert "of another branch: nothing\n" in read()
    assert "left out: 1 of the app's variables" in read()


def test_a_visitor_reads_no_log_and_nothing_that_the_application_prints(
    given: Given, api: Api, visit: Callable[..., requests.Response]
) -> None:
    assert api.call("GET", f"/v1/apps/{APP}").json()["room_shows"] == "status"
    log = f"/_prevs/log?sha={given.sha}"
    assert visit("main", log, app=APP).status_code == 403
    public = api.call("GET", f"/v1/previews/{APP}/{given.sha}/log?public=true").text
    assert "was mounted." in public
    assert "of another branch" not in public


def test_no_file_of_the_cluster_has_it(given: Given, cluster: Cluster) -> None:
    found = find_live(cluster.dir, "**/*")
    files = [path for path in found if path.is_file() and not path.is_symlink()]
    assert any(path.name == "stdout" for path in files)
    assert any("zookeeper" in path.parts for path in files)
    assert [str(path) for path in files if _has(given, _read(path))] == []


def test_no_znode_has_it(given: Given, cluster: Cluster) -> None:
    theirs = (cluster.dir / "proxy-zookeeper-auth").read_text().strip()
    identities = [("digest", one) for one in (cluster.zookeeper_auth, theirs)]
    client = KazooClient(cluster.zookeeper, auth_data=identities)
    client.start()
    try:
        contents = dict(_walk(client, "/"))
    finally:
        client.stop()
        client.close()
    assert f"/prevs/secrets/{APP}" in contents
    assert [path for path, data in contents.items() if _has(given, data)] == []


def test_nothing_that_mesos_or_the_framework_answers_has_it(
    given: Given, cluster: Cluster, api: Api
) -> None:
    urls = [f"http://{cluster.master}/{path}" for path in MASTER]
    urls += [f"http://{agent}/{path}" for agent in cluster.agents for path in AGENT]
    answers = {url: requests.get(url, auth=cluster.mesos_auth, timeout=60) for url in urls}
    preview = f"/v1/previews/{APP}/{given.sha}"
    paths = ["environment", "credential", "refs", "commits", "labels/main"]
    paths = [f"/v1/apps/{APP}", *(f"/v1/apps/{APP}/{path}" for path in paths), preview]
    paths += [f"{preview}/log", "/v1/events?limit=100", "/v1/audit", "/v1/previews", "/metrics"]
    answers |= {path: api.call("GET", path) for path in paths}
    for where, answer in answers.items():
        assert answer.status_code == 200, where
        assert not _has(given, answer.content), where
    assert f"{APP}@main" in answers[f"http://{cluster.master}/state"].text


def test_no_process_but_the_containers_has_it(given: Given) -> None:
    inside: list[str] = []
    elsewhere: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        environ = _read(process / "environ")
        if _has(given, _read(process / "cmdline")):
            elsewhere.append(process.name)
        if _has(given, environ):
            ours = f"PREVS_COMMIT={given.sha}".encode() in environ
            (inside if ours else elsewhere).append(process.name)
    assert inside
    assert elsewhere == []


def test_no_image_has_it(given: Given, docker_host: str) -> None:
    with contextlib.closing(DockerClient(base_url=docker_host)) as client:
        image = next(
            image for image in client.images.list() if any(given.sha in t for t in image.tags)
        )
        texts = [repr(image.attrs), repr(image.history())]
        assert not any(_has(given, text.encode()) for text in texts)
        saved = b"".join(image.save())
    assert not _has(given, saved)


def _has(given: Given, data: bytes) -> bool:
    return any(form in data for form in given.forms())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a process that has ended, a file that was removed
        return b""


def _walk(client: KazooClient, path: str) -> Iterator[tuple[str, bytes]]:
    yield path, client.get(path)[0]
    for child in client.get_children(path):
        yield from _walk(client, f"{path.rstrip('/')}/{child}")
