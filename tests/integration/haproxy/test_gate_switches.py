"""Three proxies take over each switch of a gate, while visitors go on asking all of them."""

import contextlib
import http.client
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.signed_gates import lead, make_gate, sign
from tests.integration.haproxy import proxies
from tests.integration.haproxy.crowds import Crowd, Exchange, crowd
from tests.integration.haproxy.gates import HOST
from tests.integration.haproxy.proxies import Proxy, Site, haproxies, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PROXIES = 3
LABELS = ("main", "v1")
THIRD_SHA = "3" * 40
NAME = "api"


@pytest.fixture
def three(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[tuple[Site, list[Proxy]]]:
    """Three proxies of one root in ZooKeeper; the first one with its surroundings."""
    folders = [tmp_path / str(number) for number in range(PROXIES)]
    for folder in folders:
        folder.mkdir()
    with contextlib.ExitStack() as ends:
        first = ends.enter_context(proxies.site(folders[0], zookeeper, free_port()))
        root, api = first.tree.paths.root, first.proxy.environ["PREVS_API"]
        others = [
            ends.enter_context(proxies.running(folder, zookeeper, root, api, port=free_port()))
            for folder in folders[1:]
        ]
        yield first, [first.proxy, *others]


def wait_for_all(site: Site, what: Callable[[Mapping[str, int], Mapping[str, int]], bool]) -> None:
    """Wait until all proxies have reported versions of placements and revisions that fit."""
    wait_until(
        lambda: [what(one.applied, one.gates) for one in site.tree.records()] == [True] * PROXIES,
        "all proxies have it",
        over=site.proxy.ended,
        instead=site.tree.records,
    )


class Switched:
    """A gate that is switched to and fro; the times (monotonic) are those of each revision."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._path = site.tree.paths.gate(NAME)
        self.written: list[float] = []
        self.in_force: list[float] = []
        site.tree.client.ensure_path(self._path)

    def switch(self) -> None:
        """Lead to the other label, and wait until all proxies have said so."""
        number = len(self.written) + 1
        self.written.append(time.monotonic())
        record = make_gate(lead("/", label_of(number)), name=NAME, number=number)
        self._site.tree.client.set(self._path, sign(record))
        wait_for_all(self._site, lambda _, gates: gates.get(NAME) == number)
        self.in_force.append(time.monotonic())

    def allowed(self, sent: float, answered: float) -> set[str]:
        """Return the labels that may answer a request."""
        last_before = sum(1 for one in self.in_force if one <= sent)
        first_after = sum(1 for one in self.written if one <= answered)
        return {label_of(number) for number in range(last_before, first_after + 1)}


def label_of(number: int) -> str:
    """Return the label to which a revision leads."""
    return LABELS[number % 2]


def ask(connection: http.client.HTTPConnection) -> bytes:
    """Return the answer to a request to the gate."""
    connection.request("GET", "/", headers={"Host": HOST})
    return connection.getresponse().read()


def name_of(answer: bytes) -> str:
    """Return the name of the application that has answered."""
    return answer.split()[0].decode()


def list_exchanges(people: Crowd) -> list[tuple[Exchange, float]]:
    """Return each exchange with a time by which it had been answered: when the next was sent."""
    return [
        (one, after.sent)
        for visitor in people.visitors
        for one, after in itertools.pairwise(visitor.exchanges)
    ]


@pytest.mark.parametrize(
    "switches", [50, pytest.param(1000, marks=[pytest.mark.night, pytest.mark.alone])]
)
def test_no_request_is_lost_or_answered_by_a_version_that_is_not_in_force(
    three: tuple[Site, list[Proxy]], switches: int
) -> None:
    site, all_proxies = three
    with upstream("main") as main, upstream("v1") as v1, upstream("third") as third:
        placed = {
            SHA: placement("hello", SHA, main.port, "main"),
            OTHER_SHA: placement("hello", OTHER_SHA, v1.port, "v1"),
            THIRD_SHA: placement("hello", THIRD_SHA, third.port, "third"),
        }
        version = site.tree.place("hello", placed)
        wait_for_all(site, lambda applied, _: applied.get("hello") == version)
        gate = Switched(site)
        gate.switch()
        before = haproxies(site.proxy.folder)
        connections = [http.client.HTTPConnection("127.0.0.1", one.port) for one in all_proxies]
        with crowd([one.port for one in all_proxies], HOST, ["/", "/a"]) as people:
            for _ in range(switches):
                gate.switch()
                label = label_of(len(gate.in_force))
                assert [name_of(ask(one)) for one in connections] == [label] * PROXIES
            people.go_on()
        for connection in connections:
            connection.close()
        assert not people.problems()
        assert haproxies(site.proxy.folder) == before, "nothing is reloaded"
        asked = list_exchanges(people)
        for exchange, answered in asked:
            assert exchange.body is not None
            assert name_of(exchange.body) in gate.allowed(exchange.sent, answered), exchange
        assert not third.seen
    print(switches, "switches", len(asked), "requests", gate.in_force[-1] - gate.in_force[0], "s")
