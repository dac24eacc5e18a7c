"""`python -m proxy` with a real HAProxy and ZooKeeper: what is placed is served, nothing else."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy import haproxy_config, haproxy_text, runtime
from proxy.controller import TICK_SECONDS
from proxy.errors import HaproxyFailed
from proxy.formers import Formers
from proxy.haproxy_config import Files, Front
from proxy.haproxy_process import HaproxyProcess
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.world import World
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy, Site, Tree, haproxies, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path, zookeeper: str, free_port: Callable[[], int]) -> Iterator[Site]:
    with proxies.site(tmp_path, zookeeper, free_port()) as started:
        yield started


@pytest.fixture
def proxy(site: Site) -> Proxy:
    return site.proxy


@pytest.fixture
def tree(site: Site) -> Tree:
    return site.tree


@pytest.fixture
def world(site: Site) -> World:
    return site.world


def test_a_placement_is_served_under_each_of_its_labels(proxy: Proxy, tree: Tree) -> None:
    with upstream("one") as one, upstream("two") as two:
        labels = ("main", SHA[:7])
        placements = {
            SHA: placement("hello", SHA, one.port, *labels),
            OTHER_SHA: placement("hello", OTHER_SHA, two.port, "v1"),
        }
        version = tree.place("hello", placements)
        wait_until(lambda: {"hello": version} in tree.applied())
        for label in labels:
            assert proxy.ask(f"{label}.hello.localhost", "/x?y=1").body == b"one GET /x?y=1 0"
        assert proxy.ask("v1.hello.localhost").body == b"two GET / 0"
        assert proxy.ask("V1.Hello.LOCALHOST").body == b"two GET / 0"
        assert proxy.ask("v1.hello.localhost").headers["x-robots-tag"] == "noindex"


def test_a_change_sends_the_next_request_elsewhere_within_moments(
    proxy: Proxy, tree: Tree, world: World
) -> None:
    with upstream("old") as old, upstream("new") as new:
        times = []
        for number in range(20):
            target = (old, new)[number % 2]
            sha = (SHA, OTHER_SHA)[number % 2]
            tree.place("hello", {sha: placement("hello", sha, target.port, "main")})
            began = time.monotonic()
            wanted = target.name.encode()
            while not proxy.ask("main.hello.localhost").body.startswith(wanted):
                assert time.monotonic() - began < 30
            times.append(time.monotonic() - began)
        assert sorted(times)[len(times) // 2] < TICK_SECONDS / 2, times  # not with the next tick
        print(f"from the write to the first routed answer: {sorted(times)[10] * 1000:.1f} ms")


def test_a_removed_placement_is_let_go_of_before_the_proxy_says_so(
    proxy: Proxy, tree: Tree, world: World
) -> None:
    with upstream("one") as one:
        tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        version = tree.place("hello", {})
        wait_until(lambda: {"hello": version} in tree.applied())
        asked = len(one.seen)
        assert proxy.ask("main.hello.localhost").status == 404  # of the framework: no such app
        assert len(one.seen) == asked


def test_what_clients_send_in_our_headers_reaches_nobody(proxy: Proxy, tree: Tree) -> None:
    with upstream("one") as one:
        tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        forged = {
            "X-Prevs-Task": "another",
            "X-Prevs-Miss": "1",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Host": "elsewhere",
            "Forwarded": "for=6.6.6.6",
        }
        proxy.ask("main.hello.localhost", headers=forged)
        [(_, _, headers)] = one.seen
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-host"] == f"main.hello.localhost:{proxy.port}"
        assert not [name for name in headers if name.startswith("x-prevs-")]
        assert "6.6.6.6" not in headers["forwarded"]


def test_a_malformed_record_costs_its_own_app_the_change_and_nobody_else(
    proxy: Proxy, tree: Tree
) -> None:
    with upstream("good") as good, upstream("other") as other:
        tree.place("hello", {SHA: placement("hello", SHA, good.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        for broken in (b"{not json", b'{"v":99}', b'{"v":1,"app":"another","placements":{}}'):
            tree.write("hello", broken)
        version = tree.place("other", {SHA: placement("other", SHA, other.port, "main")})
        wait_until(lambda: {"hello": 0, "other": version} in tree.applied())
        assert proxy.ask("main.other.localhost").body.startswith(b"other")
        assert proxy.ask("main.hello.localhost").body.startswith(b"good")
        version = tree.place("hello", {SHA: placement("hello", SHA, other.port, "main")})
        wait_until(lambda: proxy.ask("main.hello.localhost").body.startswith(b"other"))


def test_a_killed_haproxy_is_started_again_with_all_it_knew_and_what_changed_meanwhile(
    proxy: Proxy, tree: Tree
) -> None:
    with upstream("one") as one, upstream("two") as two:
        tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        killed = proxy.haproxy
        os.kill(killed, signal.SIGKILL)
        tree.place("more", {SHA: placement("more", SHA, two.port, "main")})

        def answers(host: str, body: bytes) -> bool:
            with contextlib.suppress(OSError):
                return proxy.ask(host, timeout=3).body.startswith(body)
            return False

        wait_until(lambda: answers("main.hello.localhost", b"one"))
        wait_until(lambda: answers("main.more.localhost", b"two"))
        assert proxy.haproxy != killed
        version = tree.place("hello", {SHA: placement("hello", SHA, two.port, "main")})
        wait_until(lambda: {"hello": version, "more": 0} in tree.applied())
        assert proxy.ask("main.hello.localhost").body.startswith(b"two")


def test_a_haproxy_that_does_not_come_up_is_started_again(proxy: Proxy, tree: Tree) -> None:
    tree.place("hello", {})
    wait_until(lambda: {"hello": 0} in tree.applied())
    read_at_start = Files(proxy.folder).lookers
    kept = read_at_start.rename(proxy.folder / "kept")
    os.mkfifo(read_at_start)  # who opens it waits
    os.kill(proxy.haproxy, signal.SIGKILL)
    wait_until(lambda: "HAProxy does not answer within" in proxy.log.read_text())
    kept.replace(read_at_start)
    tree.place("hello", {})
    wait_until(lambda: {"hello": 1} in tree.applied())
    proxy.wait_ready()


def test_a_killed_proxy_leaves_haproxy_serving_and_the_next_one_takes_over(
    proxy: Proxy, tree: Tree
) -> None:
    with upstream("one") as one, upstream("two") as two:
        tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        first = proxy.haproxy
        proxy.process.kill()
        proxy.process.wait()
        assert proxy.ask("main.hello.localhost").body.startswith(b"one")
        tree.place("hello", {SHA: placement("hello", SHA, two.port, "main")})
        proxy.restart()
        assert proxy.haproxy != first
        assert proxy.ask("main.hello.localhost").body.startswith(b"two")
        wait_until(lambda: haproxies(proxy.folder) == [proxy.haproxy])


def test_a_haproxy_that_hangs_is_not_waited_for_by_the_next_proxy(proxy: Proxy, tree: Tree) -> None:
    with upstream("one") as one:
        tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in tree.applied())
        hangs = proxy.haproxy
        proxy.process.kill()
        proxy.process.wait()
        os.kill(hangs, signal.SIGSTOP)
        proxy.restart()
        assert proxy.ask("main.hello.localhost").body.startswith(b"one")
        wait_until(lambda: haproxies(proxy.folder) == [proxy.haproxy])


def test_a_proxy_that_is_told_to_end_leaves_no_haproxy_and_no_record(
    proxy: Proxy, tree: Tree
) -> None:
    tree.place("hello", {})
    wait_until(tree.applied)
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.process.wait(60) == 0
    assert haproxies(proxy.folder) == []
    assert tree.applied() == []


def test_a_second_proxy_in_the_same_folder_is_refused(proxy: Proxy) -> None:
    second = proxy.command()
    assert second.wait(60) == 2
    assert "another proxy uses" in proxy.log.read_text()
    assert proxy.ask("nowhere").status == 404


def test_a_port_that_is_taken_ends_the_proxy_with_the_reason(proxy: Proxy, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    environ = {
        **proxy.environ,
        "PREVS_PROXY_DIR": str(tmp_path / "second"),
    }
    with log.open("wb") as out:
        command = [sys.executable, "-m", "proxy"]
        second = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
    try:
        assert second.wait(60) == 1
    finally:
        second.terminate()
        second.wait()
    assert (
        f"cannot bind socket (Address already in use) for [127.0.0.1:{proxy.port}]"
        in log.read_text()
    )
    assert haproxies(tmp_path / "second") == []


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/robots.txt", 200, b"User-agent: *\nDisallow: /\n"), ("/favicon.ico", 404, None)],
)
def test_what_browsers_and_robots_fetch_by_themselves_starts_nothing(
    proxy: Proxy, world: World, path: str, status: int, body: bytes | None
) -> None:
    world.add("hello", "main", SHA)
    answer = proxy.ask("main.hello.localhost", path)
    assert answer.status == status
    assert answer.headers["x-robots-tag"] == "noindex"
    assert body is None or answer.body == body
    assert world.asked == []


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_steer_proxies_are_refused(proxy: Proxy, method: str) -> None:
    assert proxy.ask("main.hello.localhost", method=method).status in {400, 405}


def test_a_configuration_that_haproxy_refuses_is_told_with_the_reason(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.configuration.write_text("nonsense\n")
    process = HaproxyProcess(files, Formers(files), lambda _: contextlib.nullcontext())
    with pytest.raises(HaproxyFailed, match="unknown keyword 'nonsense'"):
        asyncio.run(process.start())


def test_a_haproxy_that_was_replaced_is_ended_after_a_day(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files, port = Files(tmp_path), free_port()
    haproxy_config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
    now = [1_000_000.0]

    async def lives_for_a_day() -> bytes:
        formers = Formers(files, clock=lambda: now[0])
        process = HaproxyProcess(files, formers, lambda _: contextlib.nullcontext())
        await process.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        formers.pids = tuple(haproxies(tmp_path))
        await formers.retire()
        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(formers.run())
            now[0] += 24 * 3600 + 1
            answer = await reader.read()
            while formers.pids:
                await asyncio.sleep(0.01)
            run.cancel()
        writer.close()
        await process.stop()
        return answer

    assert asyncio.run(lives_for_a_day()) == b"", "it was not cut, but has come to its own end"
    assert haproxies(tmp_path) == []


def test_a_haproxy_that_was_replaced_takes_no_connection_though_its_proxy_was_killed_meanwhile(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files = Files(tmp_path)
    haproxy_config.write(files, Front(f"127.0.0.1:{free_port()}", "localhost"))

    async def is_retired_by_two() -> list[str]:
        formers = Formers(files)
        process = HaproxyProcess(files, formers, lambda _: contextlib.nullcontext())
        await process.start()
        formers.pids = tuple(haproxies(tmp_path))
        async with runtime.connect(formers.sockets()[0]) as former:
            frontends = await former.ask(haproxy_text.SHOW_FRONTENDS)
            for command in haproxy_text.retire(1, frontends)[:2]:
                await former.ask(command)
            await formers.retire()
            lines = (await former.ask(haproxy_text.SHOW_FRONTENDS)).splitlines()
        await process.stop()
        return [line.split(",")[17] for line in lines[1:]]

    assert asyncio.run(is_retired_by_two()) == ["STOP"] * 2
