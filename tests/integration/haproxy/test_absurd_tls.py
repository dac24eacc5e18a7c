"""What no well-meaning client sends, over TLS: it is answered there as it is without."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.integration.haproxy import absurd_requests, tls, wire
from tests.integration.haproxy.wire import HOST, Bench

pytestmark = pytest.mark.integration

ENDLESS = {
    "cl b'18446744073709551615'",
    "cl b'1000000000000000000'",
    "a length that never comes",
    "a chunk that never ends",
}
"""What the proxy would wait for the rest of: TLS has no end of one side only."""


def ending(requests: Mapping[str, bytes]) -> list[str]:
    return [name for name in requests if name not in ENDLESS]


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("absurd")
    door = tls.door(folder, free_port(), HOST.decode())
    with wire.behind_proxy(folder, zookeeper, free_port(), **door.settings()) as (site, seen):
        yield Bench(site, seen, door)


@pytest.mark.parametrize("name", ending(absurd_requests.REFUSED))
def test_what_cannot_be_understood_is_refused(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.REFUSED[name])
    assert arrived == []
    assert 400 <= answers.statuses[0] < 500


@pytest.mark.parametrize("name", ending(absurd_requests.TAKEN))
def test_what_can_be_understood_is_one_request(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.TAKEN[name])
    assert answers.statuses[0] in {100, 200}
    assert len(arrived) == 1


@pytest.mark.parametrize("name", ending(absurd_requests.EITHER))
def test_what_may_be_refused_or_taken_is_one_of_both(bench: Bench, name: str) -> None:
    answers, arrived = bench.send(absurd_requests.EITHER[name])
    assert len(arrived) == answers.statuses[:1].count(200)
