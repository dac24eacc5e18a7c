"""A shared ZooKeeper: our znodes are closed to others, and may be below a chroot."""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError, NotEmptyError

from framework import settings
from framework.upkeep import reset
from framework.zookeeper.connection import connect
from prevs.paths import Paths
from prevs.records import ProxyRecord
from proxy.model.errors import PlacementsAway
from proxy.routing.placements import ZookeeperPlacements
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, make_repository, walk
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.mesos.test_framework_mistakes import refusal
from tests.waits import wait_until

pytestmark = pytest.mark.integration

OURS, OTHERS, THEIRS = "prevs:hunter2", "prevs:hunter3", "proxy:hunter4"


class Place(OwnRoot):
    """A root of a test's own, and a session without an identity."""

    def __init__(self, mesos: Mesos, zookeeper: str, folder: Path) -> None:
        super().__init__(mesos, zookeeper, folder)
        self.anybody: KazooClient = connect(zookeeper, 15)

    def identities(self, *lines: str) -> str:
        """Return a file with identities."""
        file = self.folder / f"identities-{uuid.uuid4().hex[:6]}"
        file.write_text("".join(f"{line}\n" for line in lines))
        return str(file)

    def close(self) -> None:
        """Open closed znodes, so that they can be removed like the others."""
        for program in self.programs:
            program.clean_up()
        self.anybody.stop()
        self.anybody.close()
        with owning(self.zookeeper) as owner:
            if owner.exists(self.paths.root):
                for path in list(walk(owner, self.paths.root)):
                    owner.set_acls(path, owner.get_acls("/zookeeper")[0])
        super().close()


@contextlib.contextmanager
def owning(zookeeper: str) -> Iterator[KazooClient]:
    """Yield a session with every identity of these tests."""
    owner = connect(zookeeper, 15, (OURS, OTHERS, THEIRS))
    try:
        yield owner
    finally:
        owner.stop()
        owner.close()


@pytest.fixture
def place(mesos: Mesos, zookeeper: str, tmp_path: Path) -> Iterator[Place]:
    with Place(mesos, zookeeper, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def closed(
    mesos: Mesos, zookeeper: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A root that a framework has closed to all but `OURS`, and that no test changes."""
    with Place(mesos, zookeeper, tmp_path_factory.mktemp("closed")) as made:
        program = made.program(ZOOKEEPER_AUTH_FILE=made.identities(OURS))
        program.run()
        assert program.end() == 0
        yield made


def assert_closed(place: Place) -> None:
    """Fail if somebody without an identity has any right to a znode of ours."""
    with owning(place.zookeeper) as owner:
        found = list(walk(owner, place.paths.root))
    assert place.paths.app("hello") in found
    for path in found:
        for act in attempts(place.anybody, path):
            with pytest.raises(NoAuthError):
                act()
        if path != place.paths.root:  # the ACL of its parent decides on its removal: the ensemble's
            with pytest.raises(NoAuthError):
                place.anybody.delete(path)


def attempts(client: KazooClient, path: str) -> Sequence[Callable[[], object]]:
    """Return the operations that one may try on a znode, except its removal."""
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


def test_nobody_else_reads_or_writes_znodes_and_the_system_works(place: Place) -> None:
    who = place.identities(OURS)
    program = place.program(ZOOKEEPER_AUTH_FILE=who)
    program.run()
    program.add_app(make_repository(place.folder / "hello"))
    program.wait_state(program.order(), "running")
    (place.folder / "p").mkdir()
    with (
        owning(place.zookeeper) as owner,
        proxies.running(
            place.folder / "p",
            zookeeper=place.zookeeper,
            root=place.paths.root,
            api=program.url,
            port=free_port(),
            PREVS_ZOOKEEPER_AUTH_FILE=who,
        ),
    ):
        wait_until(lambda: applied(owner, place.paths) == [{"hello"}])
        assert_closed(place)
    assert program.end() == 0


def with_proxies_of_their_own(place: Place) -> dict[str, str]:
    """Return the settings of a framework whose proxies have another identity in ZooKeeper."""
    return {
        "ZOOKEEPER_AUTH_FILE": place.identities(OURS),
        "PROXY_ZOOKEEPER_AUTH_FILE": place.identities(THEIRS),
    }


@contextlib.contextmanager
def a_proxy(place: Place, api: str, who: str) -> Iterator[None]:
    """Run a proxy with the identity `who` in ZooKeeper."""
    with (
        tempfile.TemporaryDirectory() as folder,  # its sockets' paths have to be short
        proxies.running(
            Path(folder),
            zookeeper=place.zookeeper,
            root=place.paths.root,
            api=api,
            port=free_port(),
            PREVS_ZOOKEEPER_AUTH_FILE=place.identities(who),
        ),
    ):
        yield


def test_a_proxys_identity_reads_placements_writes_proxies_and_nothing_more(
    place: Place,
) -> None:
    program = place.program(**with_proxies_of_their_own(place))
    program.run()
    program.add_app(make_repository(place.folder / "hello"))
    program.wait_state(program.order(), "running")
    assert program.request("POST", "/v1/tokens", json={"name": "ci", "scope": "use"}).ok
    paths = place.paths
    with owning(place.zookeeper) as owner, a_proxy(place, program.url, THEIRS):
        wait_until(lambda: applied(owner, paths) == [{"hello"}])
        # A new app's placements are theirs to read as well, from the beginning.
        program.add_app(place.folder / "hello", "more")
        program.wait_state(program.order(app="more"), "running")
        wait_until(lambda: applied(owner, paths) == [{"hello", "more"}], seconds=20)
        found = list(walk(owner, paths.root))
        thief = connect(place.zookeeper, 15, (THEIRS,))
        try:
            assert thief.get(paths.app_placements("hello"))[0]
            assert thief.get(paths.agents)[0]
            read = {paths.placements, paths.access, paths.agents, paths.gates, paths.proxies}
            read |= {path for path in found if path.rpartition("/")[0] in read - {paths.proxies}}
            own = {path for path in found if path.startswith(f"{paths.proxies}/")}
            assert own
            assert paths.token("ci") in found
            for path in set(found) - own:
                gets, lists, *writes = attempts(thief, path)
                for act in writes if path in read else (gets, lists, *writes):
                    if act is writes[1] and path == paths.proxies:
                        continue  # that is where they say that they are there
                    with pytest.raises(NoAuthError):
                        act()
                if path not in {paths.root, paths.proxies}:
                    with pytest.raises((NoAuthError, NotEmptyError)):
                        thief.delete(path)
        finally:
            thief.stop()
            thief.close()
    assert program.end() == 0


def test_proxies_get_their_own_identity_while_the_system_runs(place: Place) -> None:
    before = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS))
    before.run()
    before.add_app(make_repository(place.folder / "hello"))
    before.wait_state(before.order(), "running")
    with owning(place.zookeeper) as owner, a_proxy(place, before.url, OURS):
        wait_until(lambda: applied(owner, place.paths) == [{"hello"}])
        assert "PREVS_PROXY_ZOOKEEPER_AUTH_FILE" in before.log.read_text()
        assert before.end() == 0
        after = place.program(**with_proxies_of_their_own(place))
        after.run()
        assert "PREVS_PROXY_ZOOKEEPER_AUTH_FILE" not in after.log.read_text()
        # The earlier one goes on beside one with another identity.
        with a_proxy(place, after.url, THEIRS):
            wait_until(lambda: applied(owner, place.paths) == [{"hello"}] * 2)
            after.add_app(place.folder / "hello", "more")
            after.wait_state(after.order(app="more"), "running")
            wait_until(lambda: applied(owner, place.paths) == [{"hello", "more"}] * 2, seconds=20)
            # A framework that closes everything again leaves a proxy's own znodes.
            assert after.end() == 0
            both = with_proxies_of_their_own(place)
            both["ZOOKEEPER_AUTH_FILE"] = place.identities(OTHERS, OURS)
            last = place.program(**both)
            last.run()
            last.add_app(place.folder / "hello", "third")
            last.wait_state(last.order(app="third"), "running")
            seen = {"hello", "more", "third"}
            wait_until(lambda: seen in applied(owner, place.paths), seconds=20)
        assert last.end() == 0


def test_a_proxy_without_the_identity_gets_an_error_that_names_it(closed: Place) -> None:
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


def test_open_znodes_are_closed_by_the_next_leader(place: Place) -> None:
    before = place.program()
    before.run()
    before.add_app(make_repository(place.folder / "hello"))
    before.wait_state(before.order(), "running")
    assert before.end() == 0
    assert place.anybody.get(place.paths.app("hello"))
    program = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS))
    program.run()
    assert program.request("GET", "/v1/apps/hello").status_code == 200
    assert_closed(place)
    assert "the open znodes in ZooKeeper are closed" in program.log.read_text()


def test_an_identity_is_changed_in_two_steps(place: Place) -> None:
    first = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OTHERS))
    first.run()
    first.add_app(make_repository(place.folder / "hello"))
    assert first.end() == 0
    both = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS, OTHERS))
    both.run()
    assert both.end() == 0
    last = place.program(ZOOKEEPER_AUTH_FILE=place.identities(OURS))
    last.run()
    assert last.request("GET", "/v1/apps/hello").status_code == 200
    why = refusal(place.program(ZOOKEEPER_AUTH_FILE=place.identities(OTHERS)), 8)
    assert "closed to this framework" in why


@pytest.mark.parametrize("lines", [(), (OTHERS,)])
def test_a_framework_without_the_identity_ends_with_an_error_that_names_it(
    closed: Place, lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"ZOOKEEPER_AUTH_FILE": closed.identities(*lines)} if lines else {}
    stranger = closed.program(**more)
    why = refusal(stranger, 8)
    assert "PREVS_ZOOKEEPER_AUTH_FILE" in why
    assert "hunter" not in stranger.log.read_text()
    assert reset.forget(settings.read(stranger.environ), "id", 30) == 8
    assert "PREVS_ZOOKEEPER_AUTH_FILE" in capsys.readouterr().err


def test_all_znodes_are_below_a_chroot_that_is_made(place: Place) -> None:
    chroot = f"{place.paths.root}/of/teams"
    where = f"{place.zookeeper},{place.zookeeper}{chroot}"
    program = place.program(ZOOKEEPER=where)
    program.run()
    program.add_app(make_repository(place.folder / "hello"))
    program.wait_state(program.order(), "running")
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
        program.add_app(place.folder / "hello", "more")
        program.wait_state(program.order(app="more"), "running")
        wait_until(lambda: applied(place.anybody, below) == [{"hello", "more"}], seconds=20)
    assert program.end() == 0
