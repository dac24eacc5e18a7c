"""`python -m proxy` with a real HAProxy and ZooKeeper: only placed previews are served."""

import asyncio
import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from prevs.records import Placement
from proxy.haproxy import config, runtime, text
from proxy.haproxy.config import Files, Front
from proxy.haproxy.old_processes import OldProcesses
from proxy.haproxy.process import HaproxyProcess
from proxy.model.errors import HaproxyFailed
from proxy.routing.controller import TICK_SECONDS
from tests import pauses
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy, Site, Upstream, haproxies, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"


def replaces_nothing(_: Collection[Path]) -> contextlib.nullcontext[None]:
    return contextlib.nullcontext()


def at(application: Upstream) -> dict[str, Placement]:
    """Return the placements that have `HOST` lead to an application."""
    return {SHA: placement("hello", SHA, application.port, "main")}


def test_a_placement_is_served_under_each_of_its_labels(site: Site) -> None:
    with upstream("one") as one, upstream("two") as two:
        labels = ("main", SHA[:7])
        placements = {
            SHA: placement("hello", SHA, one.port, *labels),
            OTHER_SHA: placement("hello", OTHER_SHA, two.port, "v1"),
        }
        site.route("hello", placements)
        for label in labels:
            answer = site.proxy.request(f"{label}.hello.localhost", "/x?y=1")
            assert answer.body == b"one GET /x?y=1 0"
        assert site.proxy.request("v1.hello.localhost").body == b"two GET / 0"
        assert site.proxy.request("V1.Hello.LOCALHOST").body == b"two GET / 0"
        assert site.proxy.request("v1.hello.localhost").headers["x-robots-tag"] == "noindex"


def test_it_warns_of_no_cookies_at_localhost(site: Site) -> None:
    """test_domain.py has a domain of which it warns, tests/unit/program/http more of both."""
    assert "can set cookies" not in site.proxy.log.read_text()


def test_a_change_routes_the_next_request_elsewhere_at_once(site: Site) -> None:
    with upstream("old") as old, upstream("new") as new:
        times = []
        for number in range(20):
            target = (old, new)[number % 2]
            sha = (SHA, OTHER_SHA)[number % 2]
            site.tree.place("hello", {sha: placement("hello", sha, target.port, "main")})
            began = time.monotonic()
            wait_until(lambda name=target.name: leads_to(site, HOST, name))  # type: ignore[misc]
            times.append(time.monotonic() - began)
        assert sorted(times)[len(times) // 2] < TICK_SECONDS / 2, times  # not with the next tick
        print(f"from the write to the first routed answer: {sorted(times)[10] * 1000:.1f} ms")


def leads_to(site: Site, host: str, name: str) -> bool:
    """Return whether an application answers at a host; a HAProxy that is not there yet is a no."""
    with contextlib.suppress(OSError):
        return site.proxy.request(host, timeout=3).body.startswith(name.encode())
    return False


def test_a_removed_placement_has_no_route_before_the_proxy_reports_it(site: Site) -> None:
    with upstream("one") as one:
        site.route("hello", at(one))
        site.route("hello", {})
        before = len(one.seen)
        assert site.proxy.request(HOST).status == 404  # of the framework: no such app
        assert len(one.seen) == before


def test_a_killed_haproxy_is_started_again_with_its_routes_and_the_changes_since(
    site: Site,
) -> None:
    with upstream("one") as one, upstream("two") as two:
        site.route("hello", at(one))
        killed = site.proxy.haproxy
        os.kill(killed, signal.SIGKILL)
        version = site.tree.place("more", {SHA: placement("more", SHA, two.port, "main")})
        wait_until(lambda: leads_to(site, HOST, "one"), over=site.proxy.ended)
        wait_until(lambda: leads_to(site, "main.more.localhost", "two"), over=site.proxy.ended)
        assert site.proxy.haproxy != killed
        site.route("hello", at(two))
        site.wait_applied("more", version)
        assert leads_to(site, HOST, "two")


def test_a_haproxy_that_fails_to_start_is_started_again(site: Site) -> None:
    site.route("hello", {})
    read_at_start = Files(site.proxy.folder).bots
    kept = read_at_start.rename(site.proxy.folder / "kept")
    os.mkfifo(read_at_start)  # opening it blocks
    os.kill(site.proxy.haproxy, signal.SIGKILL)
    message = "HAProxy does not answer within"
    wait_until(lambda: message in site.proxy.log.read_text(), over=site.proxy.ended)
    kept.replace(read_at_start)
    site.route("hello", {})
    site.proxy.wait_ready()
    assert site.proxy.request(HOST).status == 404  # of the framework: no such app


def test_a_killed_proxy_leaves_haproxy_serving_and_the_next_one_takes_over(site: Site) -> None:
    with upstream("one") as one, upstream("two") as two:
        site.route("hello", at(one))
        first = site.proxy.haproxy
        site.proxy.process.kill()
        site.proxy.process.wait()
        assert site.proxy.request(HOST).body.startswith(b"one")
        version = site.tree.place("hello", at(two))
        site.proxy.restart()
        assert site.proxy.haproxy != first
        assert site.proxy.request(HOST).body.startswith(b"two")
        site.wait_applied("hello", version)
        assert replacements(site.proxy) == 0, (
            "it got the routes again that it had read at its start"
        )
        wait_until(site.proxy.is_settled)
        site.route("hello", {OTHER_SHA: placement("hello", OTHER_SHA, one.port, "main")})
        assert site.proxy.request(HOST).body.startswith(b"one")


def replacements(proxy: Proxy) -> int:
    """Return how often the map was replaced as a whole since HAProxy read it from the file."""
    [versions] = re.findall(r"routes\.map.* curr_ver=(\d+)", proxy.tell("show map"))
    return int(versions)


def test_a_haproxy_that_hangs_is_not_waited_for_by_the_next_proxy(site: Site) -> None:
    with upstream("one") as one:
        site.route("hello", at(one))
        hangs = site.proxy.haproxy
        site.proxy.process.kill()
        site.proxy.process.wait()
        pauses.pause(hangs)
        site.proxy.restart()
        assert site.proxy.request(HOST).body.startswith(b"one")
        wait_until(site.proxy.is_settled)


def test_a_terminated_proxy_leaves_no_haproxy_and_no_record(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    with proxies.site(tmp_path, zookeeper, free_port()) as own:
        own.route("hello", {})
        own.proxy.process.send_signal(signal.SIGTERM)
        assert own.proxy.process.wait(60) == 0
        assert haproxies(own.proxy.folder) == []
        assert own.tree.applied() == []


def test_a_second_proxy_in_the_same_folder_is_refused(site: Site) -> None:
    second = site.proxy.command()
    assert second.wait(60) == 2
    assert "another proxy uses" in site.proxy.log.read_text()
    assert site.proxy.request("nowhere").status == 404


def test_a_taken_port_ends_the_proxy_with_the_reason(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    environ = {**site.proxy.environ, "PREVS_PROXY_DIR": str(tmp_path / "second")}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "proxy"]
        second = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
    try:
        assert second.wait(60) == 1
    finally:
        second.terminate()
        second.wait()
    taken = f"cannot bind socket (Address already in use) for [127.0.0.1:{site.proxy.port}]"
    assert taken in log.read_text()
    assert haproxies(tmp_path / "second") == []


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/robots.txt", 200, b"User-agent: *\nDisallow: /\n"), ("/favicon.ico", 404, None)],
)
def test_automatic_requests_of_browsers_and_robots_start_nothing(
    site: Site, path: str, status: int, body: bytes | None
) -> None:
    site.world.add("hello", "main", SHA)
    answer = site.proxy.request(HOST, path)
    assert answer.status == status
    assert answer.headers["x-robots-tag"] == "noindex"
    assert body is None or answer.body == body
    assert site.world.requests == []


def test_a_configuration_that_haproxy_refuses_is_reported_with_the_reason(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.configuration.write_text("nonsense\n")
    process = HaproxyProcess(files, OldProcesses(files), replaces_nothing, variables={})
    with pytest.raises(HaproxyFailed, match="unknown keyword 'nonsense'"):
        asyncio.run(process.start())


def newest(files: Files) -> int:
    return int(files.pids.read_text().split()[0])


def test_a_replaced_haproxy_is_ended_after_a_day(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files, port = Files(tmp_path), free_port()
    config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
    now = [1_000_000.0]

    async def lives_for_a_day() -> bytes:
        old_processes = OldProcesses(files, clock=lambda: now[0])
        process = HaproxyProcess(files, old_processes, replaces_nothing, variables={})
        await process.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        old_processes.add(newest(files))
        await old_processes.retire()
        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(old_processes.run(process.reload))
            now[0] += 24 * 3600 + 1
            answer = await reader.read()
            while old_processes.pids != (old_processes.keeper,):
                await asyncio.sleep(0.01)
            run.cancel()
        writer.close()
        await process.stop()
        return answer

    assert asyncio.run(lives_for_a_day()) == b"", "it was not cut, but has come to its own end"
    assert haproxies(tmp_path) == []


def test_a_replaced_haproxy_accepts_no_connection_though_its_proxy_was_killed_meanwhile(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files = Files(tmp_path)
    config.write(files, Front(f"127.0.0.1:{free_port()}", "localhost"))

    async def is_retired_by_two() -> list[str]:
        old_processes = OldProcesses(files)
        process = HaproxyProcess(files, old_processes, replaces_nothing, variables={})
        await process.start()
        old_processes.add(newest(files))
        async with runtime.connect(old_processes.sockets()[0]) as old:
            frontends = await old.send(text.SHOW_FRONTENDS)
            for command in text.retire(1, frontends)[:2]:
                await old.send(command)
            await old_processes.retire()
            lines = (await old.send(text.SHOW_FRONTENDS)).splitlines()
        await process.stop()
        return [line.split(",")[17] for line in lines[1:]]

    assert asyncio.run(is_retired_by_two()) == ["STOP"] * 2


def test_a_proxy_without_files_to_open_goes_on_and_leaves_no_haproxy_when_it_ends(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files = Files(tmp_path)
    config.write(files, Front(f"127.0.0.1:{free_port()}", "localhost"))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def has_no_files() -> None:
        process = HaproxyProcess(files, OldProcesses(files), replaces_nothing, variables={})
        await process.start()
        watch = asyncio.create_task(process.watch())
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            process.reload()
            async with asyncio.timeout(60):
                while not any("Too many open files" in one.get("why", "") for one in logged):
                    assert not watch.done()
                    await asyncio.sleep(0.01)
            watch.cancel()
            await process.stop()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    with capture_logs() as logged:
        asyncio.run(has_no_files())
    assert haproxies(tmp_path) == []
