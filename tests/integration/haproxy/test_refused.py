"""A placement whose container refuses connections: visitors wait until it answers again."""

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import BROWSER, Site, upstream
from tests.integration.haproxy.wire import held, upgrade
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST = "main.hello.localhost"
REFUSES = "It is running, but accepts no connections right now."


@pytest.fixture
def site(site: Site) -> Site:
    site.world.add("hello", "main", SHA)
    site.world.start("hello", "main")
    return site


_attempts = itertools.count()


def run_on(site: Site, port: int) -> str:
    """Run the preview at a port as another attempt, and route it; return its task."""
    placed = placement("hello", SHA, port, "main", attempt=f"a{next(_attempts)}")
    site.route("hello", {SHA: placed})
    site.world.move("hello", SHA, "running", task_id=placed.task_id, phase="running")
    return placed.task_id


def reported_tasks(site: Site) -> set[str]:
    """Return the tasks that were reported to the framework."""
    return {task_id for report in site.world.refused for task_id in report["tasks"]}


@contextlib.contextmanager
def closing(port: int, *, reads_first: bool) -> Iterator[list[bytes]]:
    """Accept connections and close them; yield what arrived before, if it is waited for."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as listener:

        def take(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                if reads_first:
                    client.settimeout(20)
                    if data := client.recv(65536):
                        seen.append(data)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=take, args=(client,)).start()

        thread = threading.Thread(target=serve)
        thread.start()
        yield seen
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_visitor_waits_on_one_page_until_the_container_takes_connections_again(
    site: Site, page: Page, free_port: Callable[[], int]
) -> None:
    port = free_port()
    task = run_on(site, port)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    address = f"http://{HOST}:{site.proxy.port}/deep?x=1"
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 503
    expect(page.locator("#sentence")).to_have_text(REFUSES)
    site.world.move("hello", SHA, "running", reason="Its container refuses connections.")
    expect(page.locator("#reason")).to_have_text("Its container refuses connections.")
    wait_until(lambda: len(site.world.refused) >= 3)
    assert reported_tasks(site) == {task}
    assert loads == [address]
    with upstream("app", port=port):
        expect(page.get_by_role("heading", name="app GET /deep?x=1 0")).to_be_visible()
    page.wait_for_load_state()
    assert loads == [address, address]


def test_a_visitor_reaches_the_application_where_another_attempt_answers(
    site: Site, page: Page, free_port: Callable[[], int]
) -> None:
    run_on(site, free_port())
    page.goto(f"http://{HOST}:{site.proxy.port}/")
    expect(page.locator("#sentence")).to_have_text(REFUSES)
    site.world.move("hello", SHA, "queued", reason="It is tried again at once.")
    expect(page.locator("#sentence")).to_have_text("Waiting for a place to run.")
    with upstream("app") as app:
        run_on(site, app.port)
        expect(page.get_by_role("heading", name="app GET / 0")).to_be_visible()


def test_when_the_refusals_last_the_page_shows_what_to_do(
    site: Site, page: Page, free_port: Callable[[], int]
) -> None:
    run_on(site, free_port())
    page.clock.install()
    page.goto(f"http://{HOST}:{site.proxy.port}/")
    expect(page.locator("#sentence")).to_have_text(REFUSES)
    expect(page.locator("#lasting")).to_be_hidden()
    page.clock.fast_forward(21_000)
    expect(page.locator("#lasting")).to_contain_text("prevs stop hello main")


@pytest.mark.parametrize("is_another", [False, True])
def test_a_refused_request_is_held_and_then_sent_once(
    site: Site, free_port: Callable[[], int], is_another: bool
) -> None:
    """To the same attempt when that accepts connections, or to the next one."""
    port = free_port()
    task = run_on(site, port)
    body = b"x" * 1_000_000
    with ThreadPoolExecutor() as pool:
        held = [
            pool.submit(site.proxy.request, HOST, f"/{n}", method="POST", body=body)
            for n in range(5)
        ]
        wait_until(lambda: site.world.refused)
        assert not any(one.done() for one in held)
        with upstream("app", port=0 if is_another else port) as app:
            if is_another:
                task = run_on(site, app.port)
            answers = [one.result() for one in held]
    assert [one.body for one in answers] == [b"app POST /%d 1000000" % n for n in range(5)]
    assert {one.headers["x-prevs-task"] for one in answers} == {task}
    assert len(app.seen) == 5
    _, _, headers = app.seen[0]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == f"{HOST}:{site.proxy.port}"
    assert headers["forwarded"].count("for=") == 1
    assert not [name for name in headers if name.startswith("x-prevs")]


def test_a_refused_websocket_is_held_too(site: Site, free_port: Callable[[], int]) -> None:
    port = free_port()
    run_on(site, port)
    with socket.create_connection(("127.0.0.1", site.proxy.port), timeout=60) as client:
        client.sendall(upgrade(HOST))
        wait_until(lambda: site.world.refused)
        with upstream("app", port=port):
            assert client.recv(65536).startswith(b"HTTP/1.1 101 ")
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"


def test_an_automatic_or_safe_request_gets_the_refusal_at_once(
    site: Site, free_port: Callable[[], int]
) -> None:
    task = run_on(site, free_port())
    answer = site.proxy.request(HOST, headers={"User-Agent": "check-bot/1"})
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"
    assert "accepts no connections" in json.loads(answer.body)["detail"]
    assert site.proxy.request(HOST, method="HEAD").status == 503
    wait_until(lambda: task in reported_tasks(site))


def test_a_request_held_for_one_second_only_gets_the_reason(
    site: Site, free_port: Callable[[], int]
) -> None:
    run_on(site, free_port())
    answer = site.proxy.request(HOST, headers={"Prefer": "wait=1"})
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert json.loads(answer.body)["state"] == "running"


def test_dockers_own_proxy_in_front_of_a_closed_port_is_recognized_by_its_silence(
    site: Site, page: Page, free_port: Callable[[], int]
) -> None:
    """It accepts connections for the container, and closes them."""
    port = free_port()
    task = run_on(site, port)
    with closing(port, reads_first=False):
        page.goto(f"http://{HOST}:{site.proxy.port}/")
        expect(page.locator("#sentence")).to_have_text(REFUSES)
        wait_until(lambda: task in reported_tasks(site))
        assert site.proxy.request(HOST, method="POST", body=b"x").status == 502
    with upstream("app", port=port):
        expect(page.get_by_role("heading", name="app GET / 0")).to_be_visible()


def test_an_application_that_answers_a_page_with_nothing_is_reported_as_that(
    site: Site, free_port: Callable[[], int]
) -> None:
    port = free_port()
    task = run_on(site, port)
    with closing(port, reads_first=True) as seen:
        answer = site.proxy.request(HOST, headers=BROWSER)
        assert len(seen) == 1
    assert answer.status == 502
    assert b"closed the connection without an answer" in answer.body
    assert b"http-equiv" not in answer.body
    assert task not in reported_tasks(site)


def test_a_refused_request_is_held_across_a_takeover(
    site: Site, free_port: Callable[[], int]
) -> None:
    """The map of the HAProxy that holds it no longer changes."""
    run_on(site, free_port())
    with ThreadPoolExecutor() as pool, upstream("app") as app:
        waits = pool.submit(site.proxy.request, HOST, "/held", timeout=60)
        wait_until(lambda: held(site.proxy) == 1)
        site.restart()
        run_on(site, app.port)
        assert waits.result().body == b"app GET /held 0"


def test_after_a_takeover_a_refused_request_is_held_by_the_new_haproxy(
    site: Site, free_port: Callable[[], int]
) -> None:
    port = free_port()
    run_on(site, port)
    site.restart()
    with ThreadPoolExecutor() as pool:
        held = pool.submit(site.proxy.request, HOST, "/held")
        wait_until(lambda: site.world.refused)
        with upstream("app", port=port):
            assert held.result().body == b"app GET /held 0"
