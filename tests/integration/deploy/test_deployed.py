"""Framework and proxy from our images, by the definitions for Marathon, on a real Mesos."""

import contextlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from cryptography.fernet import Fernet
from docker import DockerClient

from tests.conftest import Mesos
from tests.fakes.samples import SampleRepository, serving
from tests.free_ports import free_port
from tests.integration.deploy import deployed
from tests.integration.deploy.deployed import Task
from tests.waits import wait_until

_LONGEST = 200.0
"""How long a visitor waits: a start that is lost and tried again pauses for 81 s in all."""

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(300)]

TOKEN = "the-operators-token"
OF_PROXIES = "the-proxies-token"
HOST = {"Host": "main.hello.localhost"}


class Fleet:
    """Two tasks of each app, and a repository."""

    def __init__(self, frameworks: Sequence[Task], proxies: Sequence[Task], visits: Sequence[int]):
        self.frameworks = frameworks
        self.proxies = proxies
        self._visits = visits

    def call(self, method: str, path: str, **more: object) -> requests.Response:
        """Return the answer of the first framework."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.frameworks[0].health}{path}"
        return requests.request(method, url, headers=headers, timeout=60, **more)  # type: ignore[arg-type] # as requests has them

    def visit(self, first: int = 0) -> requests.Response:
        """Return the answer to a visitor behind a load balancer in front of the proxies."""
        for port in (*self._visits[first:], *self._visits[:first]):
            try:
                return requests.get(f"http://127.0.0.1:{port}/", headers=HOST, timeout=_LONGEST)
            except requests.ConnectionError:
                continue
            except requests.ReadTimeout as error:
                why = [self.call("GET", path).text for path in ("/v1/previews", "/v1/events")]
                raise AssertionError(f"no answer comes: {why}") from error
        raise AssertionError("no proxy takes a connection")


class Site(NamedTuple):
    """What the tasks of both apps have: an image, /etc/prevs, repositories to read, settings."""

    docker: DockerClient
    images: Mapping[str, str]
    folder: Path
    environ: Mapping[str, str]

    @property
    def repositories(self) -> Path:
        """The folder that they may read."""
        return self.folder / "repositories"

    def task(self, name: str, number: int, ports: Sequence[int], **environ: str) -> Task:
        """Return a task of an app, not started, with a folder of its own."""
        own = deployed.give(self.folder / f"{name}-{number}")
        return Task(
            self.docker,
            name,
            self.images[name],
            shared=self.repositories,
            folders={
                "/etc/prevs": self.folder / "etc",
                "/etc/prevs-proxy": self.folder / "etc-proxy",
                f"/var/lib/prevs/{name}": own,
            },
            ports=ports,
            environ={**self.environ, **environ},
        )


@pytest.fixture(scope="module")
def docker(docker_host: str) -> Iterator[DockerClient]:
    with contextlib.closing(DockerClient(base_url=docker_host)) as client:
        yield client
        for left in client.containers.list(all=True, filters={"label": deployed.LABEL}):
            left.remove(force=True)


@pytest.fixture(scope="module")
def images(docker_host: str) -> Iterator[dict[str, str]]:
    with deployed.images(docker_host) as tags:
        yield dict(tags)


@pytest.fixture(scope="module")
def site(docker: DockerClient, images: dict[str, str], zookeeper: str) -> Iterator[Site]:
    with deployed.folder() as folder:
        etc = deployed.give(folder / "etc")
        deployed.give(etc / "token", f"{TOKEN}\n")
        deployed.give(etc / "proxy-token", f"{OF_PROXIES}\n")
        deployed.give(deployed.give(folder / "etc-proxy") / "token", f"{OF_PROXIES}\n")
        deployed.give(etc / "keys", f"{Fernet.generate_key().decode()}\n")
        environ = {"PREVS_ZOOKEEPER": zookeeper, "PREVS_ROOT": "/deployed"}
        environ["PREVS_LOCAL_REPOSITORIES"] = "yes"
        yield Site(docker, images, folder, environ | {"PREVS_DOMAIN": "localhost"})


@pytest.fixture(scope="module")
def fleet(site: Site, mesos: Mesos) -> Iterator[Fleet]:
    """All of it, with the app `hello`, whose preview runs."""
    repository = SampleRepository(site.repositories / "hello")
    repository.commit_app(serving("Served from our own images"))
    ports = [free_port() for _ in range(6)]
    api = ",".join(f"http://127.0.0.1:{port}" for port in ports[:2])
    # These agents run executors as the user of the tests.
    more = {"PREVS_MASTER": mesos.zk, "PREVS_PUBLIC_URL": "", "LOGNAME": "root"}
    frameworks = [site.task("framework", n, [ports[n]], **more) for n in (0, 1)]
    proxies = [site.task("proxy", n, [ports[2 + n], ports[4 + n]], PREVS_API=api) for n in (0, 1)]
    with contextlib.ExitStack() as stack:
        for each in (*frameworks, *proxies):
            stack.callback(each.stop)
            each.start()
        made = Fleet(frameworks, proxies, ports[2:4])
        app = {"name": "hello", "repository": str(repository.folder), "mem": 64}
        assert made.call("POST", "/v1/apps", json=app).status_code == 201
        yield made
        made.call("DELETE", "/v1/apps/hello")
        wait_until(lambda: made.call("GET", "/v1/previews").json()["previews"] == [])


@pytest.mark.parametrize("stage", ["framework", "proxy"])
def test_an_image_has_its_program_and_no_build_tools(
    docker: DockerClient, images: dict[str, str], stage: str
) -> None:
    script = (
        "id -u; cat /etc/pip.conf /build/* /etc/apt/sources.list.d/debian.sources 2>/dev/null; "
        f"/opt/prevs/bin/python -m {stage} 2>&1; echo $?"
    )
    output = docker.containers.run(
        images[stage], ["-c", script], entrypoint="/bin/sh", remove=True, labels=[deployed.LABEL]
    )
    first, *lines, code = output.decode().splitlines()
    assert first == str(deployed.USER)
    assert code == "2"
    assert all(line.startswith(f"{stage}: PREVS_") for line in lines)


def test_haproxy_may_listen_where_only_root_may(
    docker: DockerClient, images: dict[str, str]
) -> None:
    script = "getcap /usr/sbin/haproxy; haproxy -v | head -1"
    output = docker.containers.run(
        images["proxy"], ["-c", script], entrypoint="/bin/sh", remove=True, labels=[deployed.LABEL]
    )
    assert b"cap_net_bind_service=ep" in output
    assert b"HAProxy version 3." in output


def test_a_preview_is_served(fleet: Fleet) -> None:
    answer = fleet.visit()
    assert (answer.status_code, answer.text) == (200, "Served from our own images\n")
    checks = [requests.get(f"{one.health}/readyz", timeout=60) for one in fleet.frameworks]
    assert [answer.status_code for answer in checks] == [200, 200]


def test_all_are_replaced_one_after_the_other_and_no_visitor_notices(fleet: Fleet) -> None:
    assert fleet.visit().status_code == 200
    ended, failures, visits = threading.Event(), list[str](), itertools.count()

    def go_on_visiting() -> None:
        while not ended.is_set():
            try:
                answer = fleet.visit(next(visits) % 2)
                if answer.text != "Served from our own images\n":
                    failures.append(f"{answer.status_code} {answer.text[:200]}")
            except (AssertionError, requests.RequestException) as error:
                failures.append(repr(error))

    visitor = threading.Thread(target=go_on_visiting)
    visitor.start()
    try:
        before = {one.container.id for one in _all(fleet) if one.container}
        for task in _all(fleet):
            task.stop()
            task.start()
        after = {one.container.id for one in _all(fleet) if one.container}
    finally:
        ended.set()
        visitor.join()
    assert failures == []
    assert next(visits) > 50
    assert len(before) == len(after) == 4
    assert not before & after
    shown = fleet.call("GET", "/v1/previews").json()["previews"]
    assert [one["state"] for one in shown] == ["running"]


def _all(fleet: Fleet) -> list[Task]:
    return [*fleet.frameworks, *fleet.proxies]
