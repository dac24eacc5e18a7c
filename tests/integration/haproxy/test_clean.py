"""What a client sends in disguise, or says of where it asks, reaches no application."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.haproxy import absurd_requests, wire
from tests.integration.haproxy.proxies import Site
from tests.integration.haproxy.wire import Arrived, Bench

pytestmark = pytest.mark.integration

Send = Callable[[bytes], Arrived]


@pytest.fixture(scope="module")
def send(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Send]:
    folder = tmp_path_factory.mktemp("clean")
    with wire.behind_proxy(folder, zookeeper, free_port()) as (site, seen):
        yield lambda raw: arrived(site, seen, raw)


def arrived(site: Site, seen: list[Arrived], raw: bytes) -> Arrived:
    _, [request] = Bench(site, seen).send(raw)
    return request


@pytest.mark.parametrize(
    "name",
    [
        *(b"X_Forwarded_For", b"X-Forwarded_Proto", b"x_forwarded-host", b"X_Prevs_Task"),
        *(b"X-Prevs_Task", b"X_PREVS-Miss"),
    ],
)
def test_an_underscore_disguises_no_header_of_ours(send: Send, name: bytes) -> None:
    told = dict(send(absurd_requests.get(name + b": forged\r\n")).fields())
    assert b"forged" not in told.values()
    assert told[b"x-forwarded-for"] == b"127.0.0.1"
    assert not [name for name in told if name.startswith((b"x-prevs", b"x_prevs"))]


@pytest.mark.parametrize(
    ("line", "target"),
    [
        (b"GET http://main.hello.localhost/a?b HTTP/1.1", b"/a?b"),
        (b"GET HTTP://MAIN.hello.localhost/a HTTP/1.1", b"/a"),
        (b"GET https://main.hello.localhost/a HTTP/1.1", b"/a"),
        (b"GET http://u:p@main.hello.localhost/a HTTP/1.1", b"/a"),
        (b"GET http://main.hello.localhost HTTP/1.1", b"/"),
        (b"GET //main.hello.localhost/a HTTP/1.1", b"//main.hello.localhost/a"),
        (b"OPTIONS * HTTP/1.1", b"*"),
    ],
)
def test_an_application_gets_the_path_of_a_whole_uri(
    send: Send, line: bytes, target: bytes
) -> None:
    assert send(absurd_requests.get(line=line)).target == target
