"""What no well-meaning client sends gets a clean no, or is one clean request, and nothing more."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.haproxy import absurd_requests, wire
from tests.integration.haproxy.wire import Bench

pytestmark = pytest.mark.integration

_TRIES = 10
"""Who has ended its side in the middle of a body may be taken for gone, and be told nothing."""


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("absurd")
    with wire.behind_proxy(folder, zookeeper, free_port()) as (site, seen):
        yield Bench(site, seen)


@pytest.mark.parametrize("name", absurd_requests.REFUSED)
def test_what_cannot_be_understood_is_refused(bench: Bench, name: str) -> None:
    statuses: list[int] = []
    for _ in range(_TRIES):
        answers, arrived = bench.send(absurd_requests.REFUSED[name])
        assert arrived == []
        if statuses := answers.statuses:
            break
    assert statuses
    assert 400 <= statuses[0] < 500


@pytest.mark.parametrize("name", absurd_requests.TAKEN)
def test_what_can_be_understood_is_one_request(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.TAKEN[name])
    assert answers.statuses[0] in {100, 200}
    assert len(arrived) == 1


@pytest.mark.parametrize("name", absurd_requests.EITHER)
def test_what_may_be_refused_or_taken_is_one_of_both(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.EITHER[name])
    assert len(arrived) == answers.statuses[:1].count(200)


def test_who_never_says_all_of_a_request_is_told_so(bench: Bench) -> None:
    said = b"GET / HTTP/1.1\r\nHost: a\r\n"
    with bench.connect() as client:
        answers = wire.exchange(client, said, half_close=False)
    assert answers.statuses == [408]


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
