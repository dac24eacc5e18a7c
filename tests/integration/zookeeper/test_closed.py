"""A ZooKeeper that others use too: all of ours is closed to them, and may be below a chroot."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError

from framework.zookeeper_link import connect
from prevs.paths import Paths
from prevs.records import ProxyRecord
from proxy.errors import PlacementsAway
from proxy.zookeeper import ZookeeperPlacements
from tests.conftest import Mesos
from tests.fakes.program import Program, make_repository, remove, settings
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.mesos.test_framework_mistakes import forget, refusal
from tests.waits import wait_until

pytestmark = pytest.mark.integration

OURS, OTHERS = "prevs:hunter2", "prevs:hunter3"


class Place(NamedTuple):
    """A root of a test's own, frameworks that work there, and somebody without a name."""

    paths: Paths
    zookeeper: str
    anybody: KazooClient
    program: Callable[..., Program]
    folder: Path

    def identities(self, *lines: str) -> str:
        """Return a file with identities."""
        file = self.folder / f"identities-{uuid.uuid4().hex[:6]}"
        file.write_text("".join(f"{line}\n" for line in lines))
        return str(file)

    def znodes(self, client: KazooClient, path: str | None = None) -> Iterator[str]:
        """Yield every znode at the root that a client sees."""
        path = path or self.paths.root
        yield path
        for child in client.get_children(path):
            yield from self.znodes(client, f"{path}/{child}")


@contextlib.contextmanager
def placed(mesos: Mesos, zookeeper: str, folder: Path) -> Iterator[Place]:
    """Give a root of its own; end the frameworks that work there, and remove it."""
    root = f"/test-{uuid.uuid4().hex}"
    programs: list[Program] = []

    def program(where: str = zookeeper, **more: str) -> Program:
        name = f"framework-{len(programs)}"
        environ = settings(mesos.zk, where, root, free_port(), folder, name)
        environ |= {f"PREVS_{key}": value for key, value in more.items()}
        programs.append(Program(environ, folder / f"{name}.log"))
        return programs[-1]

    anybody = connect(zookeeper, 15)
    try:
        yield Place(Paths(root), zookeeper, anybody, program, folder)
    finally:
        for one in programs:
            one.clean_up()
        anybody.stop()
        anybody.close()
        owner = connect(zookeeper, 15, (OURS, OTHERS))
        if owner.exists(root):
            # What was closed is opened, so that it is removed as everything is.
            for path in list(Place(Paths(root), zookeeper, owner, program, folder).znodes(owner)):
                owner.set_acls(path, owner.get_acls("/zookeeper")[0])
            remove(mesos.master, zookeeper, root)
        owner.stop()
        owner.close()


@pytest.fixture
def place(mesos: Mesos, zookeeper: str, tmp_path: Path) -> Iterator[Place]:
    with placed(mesos, zookeeper, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def closed(
    mesos: Mesos, zookeeper: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A root that a framework has closed to all but `OURS`, and that no test changes."""
    with placed(mesos, zookeeper, tmp_path_factory.mktemp("closed")) as made:
        program = made.program(ZOOKEEPER_AUTH_FILE=made.identities(OURS))
        run(program)
        assert program.end() == 0
        yield made


def run(program: Program) -> None:
    program.start()
    program.wait_ready()


def add_app(program: Program, folder: Path) -> None:
    app = {"name": "hello", "mem": 64, "repository": str(make_repository(folder / "hello"))}
    assert program.ask("POST", "/v1/apps", json=app).status_code == 201


def start_preview(program: Program) -> None:
    answer = program.ask("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    program.wait_state(answer.headers["Location"], "running")


def assert_closed(place: Place) -> None:
    """Fail where somebody without a name may do anything at all with a znode of ours."""
    owner = connect(place.zookeeper, 15, (OURS, OTHERS))
    found = list(place.znodes(owner))
    owner.stop()
    owner.close()
    assert place.paths.app("hello") in found
    for path in found:
        for act in attempts(place.anybody, path):
            with pytest.raises(NoAuthError):
                act()
        if path != place.paths.root:  # who may remove that one, its parent says: the ensemble's
            with pytest.raises(NoAuthError):
                place.anybody.delete(path)


def attempts(client: KazooClient, path: str) -> Sequence[Callable[[], object]]:
    """Return what somebody may try with a znode, but for removing it."""
    everybody = client.get_acls("/zookeeper")[0]
    return (
        lambda: client.get(path),
        lambda: client.get_children(path),
        lambda: client.set(path, b"mine"),
        lambda: client.create(f"{path}/mine", b""),
        lambda: client.set_acls(path, everybody),
    )


def applied(client: KazooClient, paths: Paths) -> list[set[str]]:
    """Return the apps of which each live proxy has applied the placements."""
    names = client.get_children(paths.proxies) if client.exists(paths.proxies) else []
    records = [ProxyRecord.decode(client.get(paths.proxy(name))[0]) for name in names]
    return [set(record.applied) for record in records]


def test_nobody_else_reads_or_writes_anything_and_the_system_works(place: Place) -> None:
    who = place.identities(OURS)
    program = place.program(ZOOKEEPER_AUTH_FILE=who)
    run(program)
    add_app(program, place.folder)
    start_preview(program)
    owner = connect(place.zookeeper, 15, (OURS,))
    (place.folder / "p").mkdir()
    with proxies.running(
        place.folder / "p",
        zookeeper=place.zookeeper,
        root=place.paths.root,
        api=program.url,
        port=free_port(),
        PREVS_ZOOKEEPER_AUTH_FILE=who,
    ):
        wait_until(lambda: applied(owner, place.paths) == [{"hello"}])
        assert_closed(place)
    owner.stop()
    owner.close()
    assert program.end() == 0


def test_a_proxy_without_the_identity_is_told_which_one_it_needs(closed: Place) -> None:
    async def read() -> None:
        placements = ZookeeperPlacements(closed.zookeeper, closed.paths, "p", lambda: None)
        placements.start()
        try:
            while not placements._client.connected:
                await asyncio.sleep(0.01)
            await placements.read()
        finally:
            await placements.stop()

    with pytest.raises(PlacementsAway, match="PREVS_ZOOKEEPER_AUTH_FILE"):
        asyncio.run(read())


def test_what_was_open_is_closed_by_the_next_one_that_leads(place: Place) -> None:
    before = place.program()
    run(before)
    add_app(before, place.folder)
    start_preview(before)
    assert before.end() == 0
    assert place.anybody.get(place.paths.app("hello"))
    program = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS))
    run(program)
    assert program.ask("GET", "/v1/apps/hello").status_code == 200
    assert_closed(place)
    assert "is closed" in program.log.read_text()


def test_an_identity_is_changed_in_two_steps(place: Place) -> None:
    first = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OTHERS))
    run(first)
    add_app(first, place.folder)
    assert first.end() == 0
    both = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS, OTHERS))
    run(both)
    assert both.end() == 0
    last = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS))
    run(last)
    assert last.ask("GET", "/v1/apps/hello").status_code == 200
    why = refusal(place.program(ZOOKEEPER_AUTH_FILE=place.identities(OTHERS)), 8)
    assert "closed to this framework" in why


@pytest.mark.parametrize("lines", [(), (OTHERS,)])
def test_a_framework_without_the_identity_ends_and_says_which_one_it_needs(
    closed: Place, lines: tuple[str, ...]
) -> None:
    more = {"ZOOKEEPER_AUTH_FILE": closed.identities(*lines)} if lines else {}
    stranger = closed.program(**more)
    why = refusal(stranger, 8)
    assert "PREVS_ZOOKEEPER_AUTH_FILE" in why
    assert "hunter" not in stranger.log.read_text()
    done = forget(stranger, "id")
    assert done.returncode == 8
    assert "PREVS_ZOOKEEPER_AUTH_FILE" in done.stderr


def test_all_is_below_a_chroot_that_is_made(place: Place) -> None:
    chroot = f"{place.paths.root}/of/teams"
    where = f"{place.zookeeper},{place.zookeeper}{chroot}"
    program = place.program(where)
    run(program)
    add_app(program, place.folder)
    start_preview(program)
    below = Paths(f"{chroot}{place.paths.root}")
    assert place.anybody.exists(below.app("hello"))
    assert place.anybody.get_children(place.paths.root) == ["of"]
    (place.folder / "p").mkdir()
    with proxies.running(
        place.folder / "p",
        zookeeper=where,
        root=place.paths.root,
        api=program.url,
        port=free_port(),
    ):
        wait_until(lambda: applied(place.anybody, below) == [{"hello"}])
        # What follows comes by a watch: its path is one below the chroot.
        more = {"name": "more", "repository": str(place.folder / "hello"), "mem": 64}
        assert program.ask("POST", "/v1/apps", json=more).status_code == 201
        answer = program.ask("POST", "/v1/previews", json={"app": "more", "label": "main"})
        program.wait_state(answer.headers["Location"], "running")
        wait_until(lambda: applied(place.anybody, below) == [{"hello", "more"}], seconds=20)
    assert program.end() == 0
