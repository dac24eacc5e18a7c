"""What every router does, both the fake of the unit tests and HAProxy."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from proxy.haproxy import config, text
from proxy.haproxy.config import Files, Front
from proxy.haproxy.router import HaproxyRouter
from proxy.model.access import Accesses, AppAccess
from proxy.model.errors import RouterAway
from proxy.model.routes import Merged, Route
from proxy.model.usage import Count
from proxy.ports import Router
from tests.fakes.router import FakeRouter
from tests.waits import wait_until

pytestmark = pytest.mark.contract

ONE = Route("127.0.0.1", 31000, "hello.one")
TWO = Route("10.1.2.3", 31001, "hello.two")
SIX = Route("fd00::1", 31002, "hello.six")


class Bench(Protocol):
    """A router, and the other side of it."""

    router: Router

    def where(self, host: str) -> str | None:
        """Return where any request for `host` is sent."""
        ...

    def where_guarded(self, host: str) -> str | None:
        """Return where a request for `host` is sent, if it has a pass."""
        ...

    def forget(self) -> None:
        """Have the router lose its routes."""
        ...

    def go_away(self) -> None:
        """Have the router stop answering."""
        ...


class FakeBench:
    def __init__(self) -> None:
        self._fake = FakeRouter()
        self.router: Router = self._fake

    def where(self, host: str) -> str | None:
        return None if self._is_guarded(host) else self._where(host)

    def where_guarded(self, host: str) -> str | None:
        return self._where(host) if self._is_guarded(host) else None

    def _where(self, host: str) -> str | None:
        route = self._fake.routed.get(host)
        return None if route is None else str(route)

    def _is_guarded(self, host: str) -> bool:
        return host.split(".")[1] in (self._fake.accesses or {})

    def forget(self) -> None:
        self._fake.routed = {}

    def go_away(self) -> None:
        self._fake.away = True


class HaproxyBench:
    """A real HAProxy process; its socket shows where a host leads."""

    def __init__(self, folder: Path, port: int) -> None:
        self._files = Files(folder)
        config.write(self._files, Front(f"127.0.0.1:{port}", "localhost"))
        self.router: Router = HaproxyRouter(self._files, "this-run")
        self._process = self._start()

    def where(self, host: str) -> str | None:
        return self._find(self._files.map, host)

    def where_guarded(self, host: str) -> str | None:
        return self._find(self._files.guarded, host)

    def _find(self, path: Path, host: str) -> str | None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self._files.socket))
            client.sendall(text.get(str(path), host).encode() + b"\n")
            return text.found_value(client.recv(65536).decode())

    def forget(self) -> None:
        self.go_away()
        self._files.map.write_text("")
        self._process = self._start()

    def go_away(self) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = ["haproxy", "-db", "-f", str(self._files.configuration)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens() -> bool:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self._files.socket))
                return True
            return False

        def over() -> str | None:
            return None if process.poll() is None else f"it has ended with {process.poll()}"

        try:
            wait_until(listens, "HAProxy listens", over=over)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process


@pytest.fixture(params=["fake", pytest.param("haproxy", marks=pytest.mark.daemons)])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
        return
    real = HaproxyBench(tmp_path, free_port())
    yield real
    real.go_away()


def test_applied_routes_are_used(bench: Bench) -> None:
    changes = asyncio.run(bench.router.apply({"a.x": ONE, "b.x": TWO, "c.x": SIX}, {}, None))
    assert bench.where("a.x") == str(ONE)
    assert bench.where("b.x") == str(TWO)
    assert bench.where("c.x") == str(SIX)
    assert bench.where("d.x") is None
    assert set(changes.adds) == {"a.x", "b.x", "c.x"}


def test_a_second_apply_adds_changes_and_removes(bench: Bench) -> None:
    asyncio.run(bench.router.apply({"a.x": ONE, "b.x": TWO}, {}, None))
    changes = asyncio.run(bench.router.apply({"b.x": ONE, "c.x": TWO}, {}, None))
    assert bench.where("a.x") is None
    assert bench.where("b.x") == str(ONE)
    assert bench.where("c.x") == str(TWO)
    assert changes.adds == {"c.x": TWO}
    assert changes.changes == {"b.x": ONE}
    assert changes.removes == {"a.x"}


def test_the_same_again_changes_nothing(bench: Bench) -> None:
    asyncio.run(bench.router.apply({"a.x": ONE}, {}, None))
    assert not asyncio.run(bench.router.apply({"a.x": ONE}, {}, None))
    assert bench.where("a.x") == str(ONE)


def test_a_host_that_comes_back_leads_to_its_new_place_only(bench: Bench) -> None:
    for route in (ONE, TWO):
        asyncio.run(bench.router.apply({"a.x": route}, {}, None))
        assert bench.where("a.x") == str(route)
        asyncio.run(bench.router.apply({}, {}, None))
        assert bench.where("a.x") is None


def test_a_router_that_lost_its_routes_gets_all_with_the_next_apply(bench: Bench) -> None:
    asyncio.run(bench.router.apply({"a.x": ONE, "b.x": TWO}, {}, None))
    bench.forget()
    asyncio.run(bench.router.apply({"a.x": ONE, "c.x": TWO}, {}, None))
    assert bench.where("a.x") == str(ONE)
    assert bench.where("b.x") is None
    assert bench.where("c.x") == str(TWO)


def test_thousands_of_hosts_are_routed_at_once(bench: Bench) -> None:
    wanted = {f"{n}.x": Route("10.0.0.1", 1 + n, f"task-{n}") for n in range(5000)}
    changes = asyncio.run(bench.router.apply(wanted, {}, None))
    assert len(changes) == 5000
    assert bench.where("0.x") == str(wanted["0.x"])
    assert bench.where("4999.x") == str(wanted["4999.x"])
    asyncio.run(bench.router.apply({"1.x": ONE}, {}, None))
    assert bench.where("0.x") is None
    assert bench.where("1.x") == str(ONE)


def test_one_app_of_many_changes_and_the_others_stay(bench: Bench) -> None:
    apps = {name: {f"a.{name}.x": ONE} for name in ("hello", "other", "third")}
    asyncio.run(bench.router.apply(Merged(apps), {}, None))
    changes = asyncio.run(
        bench.router.apply(Merged({**apps, "other": {"a.other.x": TWO}}), {}, None)
    )
    assert (len(changes), changes.changes) == (1, {"a.other.x": TWO})
    assert bench.where("a.hello.x") == str(ONE)
    assert bench.where("a.other.x") == str(TWO)
    bench.forget()
    asyncio.run(bench.router.apply(Merged({"third": apps["third"]}), {}, None))
    assert bench.where("a.hello.x") is None
    assert bench.where("a.third.x") == str(ONE)


def test_a_router_that_is_away_raises_an_error(bench: Bench) -> None:
    asyncio.run(bench.router.apply({"a.x": ONE}, {}, None))
    bench.go_away()
    with pytest.raises(RouterAway):
        asyncio.run(bench.router.apply({"b.x": TWO}, {}, None))


def test_a_task_that_was_not_used_has_no_requests(bench: Bench) -> None:
    asyncio.run(bench.router.apply({"a.x": ONE}, {}, None))
    assert asyncio.run(bench.router.count(ONE.task_id)) == Count(0, 0)
    bench.go_away()
    with pytest.raises(RouterAway):
        asyncio.run(bench.router.count(ONE.task_id))


def test_hosts_of_guarded_apps_are_not_where_those_of_public_apps_are(bench: Bench) -> None:
    routes = Merged({"shop": {"a.shop.x": ONE}, "docs": {"a.docs.x": TWO}})
    guarded: Accesses = {"shop": AppAccess(7, passes=frozenset({"one"}))}
    for accesses in (guarded, {}, {"shop": AppAccess(closed=True)}, guarded):
        asyncio.run(bench.router.apply(routes, accesses, None))
        public, other = bench.where("a.shop.x"), bench.where_guarded("a.shop.x")
        assert (public, other) == ((None, str(ONE)) if accesses else (str(ONE), None))
        assert (bench.where("a.docs.x"), bench.where_guarded("a.docs.x")) == (str(TWO), None)
