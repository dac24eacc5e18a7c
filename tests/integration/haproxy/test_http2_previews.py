"""Previews with only HTTP/2: the proxy uses it for every client."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from prevs.records import Placement
from tests.fakes import http2_server
from tests.fakes.http2_server import Fields, Reply
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import Site, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST = "main.hello.localhost"
_attempts = itertools.count()


def place(port: int, protocol: str = "h2") -> Placement:
    attempt = f"h{next(_attempts)}"
    placed = placement("hello", SHA, port, "main", attempt=attempt)
    return dataclasses.replace(placed, protocol=protocol)


@pytest.fixture
def pages() -> Iterator[tuple[int, list[Fields]]]:
    """An application, and the requests that it got."""
    seen: list[Fields] = []

    def answer(request: Fields) -> Reply:
        seen.append(request)
        cookie = {"set-cookie": "a=b; Domain=localhost; Secure"}
        return Reply(200, cookie, request[":path"].encode())

    with http2_server.serving(answer) as (_, port):
        yield port, seen


def test_an_http1_client_is_answered(site: Site, pages: tuple[int, list[Fields]]) -> None:
    port, seen = pages
    placed = place(port)
    site.route("hello", {SHA: placed})
    answers = [site.proxy.request(HOST, "/page?a=1") for _ in range(3)]
    assert {(one.status, one.body) for one in answers} == {(200, b"/page?a=1")}
    assert answers[0].headers["x-prevs-task"] == placed.task_id
    assert answers[0].headers["set-cookie"] == "a=b; Secure", "all rules hold for it"
    assert seen[0]["host"] == f"{HOST}:{site.proxy.port}"
    assert seen[0]["x-forwarded-proto"] == "http"


def test_the_next_attempt_may_use_http1(site: Site, pages: tuple[int, list[Fields]]) -> None:
    site.route("hello", {SHA: place(pages[0])})
    assert site.proxy.request(HOST).body == b"/"
    with upstream("one") as one:
        site.route("hello", {SHA: place(one.port, protocol="")})
        assert site.proxy.request(HOST).body.startswith(b"one")


def test_a_refused_request_is_held_and_sent_to_the_next_attempt(
    site: Site, free_port: Callable[[], int], pages: tuple[int, list[Fields]]
) -> None:
    site.world.add("hello", "main", SHA)
    site.world.start("hello", "main")
    site.world.move("hello", SHA, "running")
    site.route("hello", {SHA: place(free_port())})
    before = len(site.world.refused)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(site.proxy.request, HOST, "/held")
        wait_until(lambda: len(site.world.refused) > before)
        site.route("hello", {SHA: place(pages[0])})
        assert (answer.result().status, answer.result().body) == (200, b"/held")
