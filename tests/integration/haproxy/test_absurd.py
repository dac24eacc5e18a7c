"""Malicious requests are refused, or are exactly one valid request."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.haproxy import absurd_requests, tls, wire
from tests.integration.haproxy.wire import HOST, Bench

pytestmark = pytest.mark.integration

_TRIES = 10
"""Who has ended its side in the middle of a body may be taken for gone, and be told nothing."""
ENDLESS = {
    "cl b'18446744073709551615'",
    "cl b'1000000000000000000'",
    "a length that never comes",
    "a chunk that never ends",
}
"""What the proxy would wait for the rest of: TLS has no end of one side only."""


@pytest.fixture(scope="module")
def benches(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Mapping[str, Bench]]:
    folder = tmp_path_factory.mktemp("absurd")
    door = tls.door(folder, free_port(), HOST.decode())
    with wire.behind_proxy(folder, zookeeper, free_port(), **door.settings()) as (site, seen):
        yield {"plain": Bench(site, seen), "TLS": Bench(site, seen, door)}


@pytest.fixture(scope="module")
def bench(benches: Mapping[str, Bench], request: pytest.FixtureRequest) -> Bench:
    return benches[getattr(request, "param", "plain")]


def each_way(requests: Mapping[str, bytes]) -> pytest.MarkDecorator:
    """Parametrize a test by the requests, without TLS and with."""
    ways = [("plain", name) for name in requests]
    ways += [("TLS", name) for name in requests if name not in ENDLESS]
    return pytest.mark.parametrize(("bench", "name"), ways, indirect=["bench"])


@each_way(absurd_requests.REFUSED)
def test_a_malformed_request_is_refused(bench: Bench, name: str) -> None:
    statuses: list[int] = []
    for _ in range(_TRIES if bench.door is None else 1):
        answers, arrived = bench.send(absurd_requests.REFUSED[name])
        assert arrived == []
        if statuses := answers.statuses:
            break
    assert statuses
    assert 400 <= statuses[0] < 500


@each_way(absurd_requests.TAKEN)
def test_a_wellformed_request_is_one_request(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.TAKEN[name])
    assert answers.statuses[0] in {100, 200}
    assert len(arrived) == 1


@each_way(absurd_requests.EITHER)
def test_a_doubtful_request_is_refused_or_is_one_request(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.EITHER[name])
    assert len(arrived) == answers.statuses[:1].count(200)


def test_an_incomplete_request_gets_a_timeout(bench: Bench) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n"
    with bench.connect() as client:
        answers = wire.exchange(client, head, half_close=False)
    assert answers.statuses == [408]


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
def test_an_application_gets_the_path_of_an_absolute_uri(
    bench: Bench, line: bytes, target: bytes
) -> None:
    _, [request] = bench.send(absurd_requests.get(line=line))
    assert request.target == target


ANY = st.binary(max_size=200)
NEAR = st.sampled_from([b"main.hello.localhost", b"main--hello.localhost", b"hello.localhost"])


@settings(max_examples=300)
@given(host=ANY | st.tuples(ANY, NEAR, ANY).map(b"".join))
def test_any_bytes_for_a_host(bench: Bench, host: bytes) -> None:
    bench.send(b"GET /any HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")


@settings(max_examples=300)
@given(name=st.binary(min_size=1, max_size=100), value=ANY)
def test_any_bytes_for_a_header(bench: Bench, name: bytes, value: bytes) -> None:
    bench.send(absurd_requests.get(name + b": " + value + b"\r\n"))


@settings(max_examples=200)
@given(path=ANY)
def test_any_bytes_for_a_path(bench: Bench, path: bytes) -> None:
    bench.send(absurd_requests.get(line=b"GET /" + path + b" HTTP/1.1"))


@settings(max_examples=200)
@given(data=st.binary(max_size=2000))
def test_any_bytes_for_a_body_in_chunks(bench: Bench, data: bytes) -> None:
    bench.send(absurd_requests.post(b"Transfer-Encoding: chunked\r\n\r\n" + data))
