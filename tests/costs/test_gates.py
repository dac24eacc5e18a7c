"""What gates cost: reads and writes of ZooKeeper, counted on the wire, and calls of functions."""

import asyncio
import cProfile
import dataclasses
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from kazoo.client import KazooClient

from framework.state.gates.gate_records import GateRecords
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs.gates import GateRecord, Rule, Target
from prevs.paths import Paths
from prevs.records import PreviewRecord
from proxy.model.gate_entries import list_entries
from proxy.routing.placements import ZookeeperPlacements
from tests.costs.wire import Wire
from tests.fakes.driven import A, B, Driven
from tests.fakes.gate_story import GateStory
from tests.fakes.placements import KEY
from tests.fakes.signed_gates import lead, make_gate, sign, signed

COUNTS = (0, 100, 1000)
MOST_CALLS = 20
"""Found: 0 more. Who looks at each gate has a thousand more."""
MOST_BYTES = 1.2
"""Of a record, for its name, its version and what else ZooKeeper says of it, and both requests."""
MOST_OF_A_SWITCH = Counter(reads=4)
"""As found, at a proxy: the gates' names, those of who may look, the agents' version, the gate."""
_AT_ONCE = 250


class Root(NamedTuple):
    """A root of records, and a connection to it that is counted."""

    client: KazooClient
    paths: Paths
    wire: Wire

    def store(self) -> ZookeeperStore:
        """Return the store of a framework that has just taken over."""
        epoch = Election(self.client, self.paths, "http://127.0.0.1:1").win()
        return ZookeeperStore(self.client, self.paths, epoch)

    def fill(self, begin: int, end: int) -> None:
        """Write the gates of these numbers, many at once."""
        for first in range(begin, end, _AT_ONCE):
            request = self.client.transaction()
            for number in range(first, min(end, first + _AT_ONCE)):
                request.create(self.paths.gate(f"gate-{number}"), sign(gate(number)))
            assert all(isinstance(done, str) for done in request.commit())

    def clear(self, count: int) -> None:
        for first in range(0, count, _AT_ONCE):
            request = self.client.transaction()
            for number in range(first, min(count, first + _AT_ONCE)):
                request.delete(self.paths.gate(f"gate-{number}"))
            request.commit()
        self.client.delete(self.paths.root, recursive=True)


def gate(number: int) -> GateRecord:
    rules = (lead("/", "main", "pr-7"), lead("/v1", "v1"))
    return make_gate(*rules, name=f"gate-{number}", earlier=(make_gate(*rules).revision,))


@pytest.fixture
def root(zookeeper: str, wire: Wire) -> Iterator[Root]:
    made = Root(connect(zookeeper, 15), Paths(f"/test-{uuid.uuid4().hex}"), wire)
    made.store().load()
    yield made
    made.clear(COUNTS[-1])
    made.client.stop()
    made.client.close()


@pytest.mark.daemons
def test_a_takeover_reads_each_gate_once_and_writes_none(root: Root) -> None:
    found: dict[int, Counter[str]] = {}
    before = 0
    for count in COUNTS:
        root.fill(before, count)
        before = count
        found[count] = _take_over(root, count)
    none = found.pop(0)
    for count, cost in found.items():
        assert cost["reads"] - none["reads"] == count
        assert cost["writes"] == none["writes"]
        most = MOST_BYTES * count * len(sign(gate(count)))
        assert cost["bytes"] - none["bytes"] <= most, (count, cost, most)


def _take_over(root: Root, count: int) -> Counter[str]:
    client = connect(root.wire.address, 15)
    try:
        before = root.wire.requests + Counter(bytes=root.wire.bytes)
        store = ZookeeperStore(client, root.paths, epoch=0)
        gates = GateRecords(store.load().gates, store, keys=[KEY])
        gates.rewrite_unconfirmed()
        assert len(gates.all) == count
        return root.wire.requests + Counter(bytes=root.wire.bytes) - before
    finally:
        client.stop()
        client.close()


@pytest.mark.daemons
def test_a_proxy_reads_each_gate_once_and_of_a_switch_that_gate_alone(root: Root) -> None:
    starts, switches = {}, []
    before = 0
    for count in COUNTS:
        root.fill(before, count)
        before = count
        starts[count], switched = asyncio.run(_start_proxy(root, count))
        switches += [switched] if switched else []
    assert {count: cost["reads"] - starts[0]["reads"] for count, cost in starts.items()} == {
        count: count for count in COUNTS
    }
    assert len(switches) == len(COUNTS) - 1
    for cost in switches:
        assert cost == MOST_OF_A_SWITCH


async def _start_proxy(root: Root, count: int) -> tuple[Counter[str], Counter[str] | None]:
    """Return what a proxy's first read takes, and then that after a switch, if there are gates."""
    changed, loop = asyncio.Event(), asyncio.get_running_loop()
    proxy = ZookeeperPlacements(
        root.wire.address, root.paths, "p1", lambda: loop.call_soon_threadsafe(changed.set)
    )
    proxy.start()
    try:
        await changed.wait()
        before = Counter(root.wire.requests)
        nodes = await proxy.read()
        assert len(nodes.gates or {}) == count
        first = root.wire.requests - before
        if not count:
            return first, None
        changed.clear()
        switched = dataclasses.replace(gate(7), revision=make_gate(lead("/", "v1")).revision)
        await asyncio.to_thread(root.client.set, root.paths.gate("gate-7"), sign(switched))
        await changed.wait()
        before = Counter(root.wire.requests)
        found = (await proxy.read()).gates or {}
        assert found["gate-7"].data == sign(switched)
        return first, root.wire.requests - before
    finally:
        await proxy.stop()


def lead_with(count: int) -> GateStory:
    """Return a framework that has taken over with as many gates, and that is at rest."""
    earlier = GateStory()
    znodes = earlier.driven.znodes
    records = (signed(gate(number)) for number in range(count))
    znodes.records |= {("gates", one.name): (one, 0) for one in records}
    znodes.epoch += 1
    story = GateStory(Driven(znodes, earlier.driven.clock))
    story.driven.tick(10)
    assert len(story.driven.service.snapshot.gates) == count
    return story


def test_a_switch_is_a_write_of_the_gate_and_one_of_its_targets_use() -> None:
    gates = lead_with(100)
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    gates.put(("/", "main"))
    for label in ("v1", "main") * 3:
        before = len(gates.driven.store.written)
        gates.switch("/", label)
        gates.driven.tick()
        assert gates.leads() == {"/": label}
        written = [type(one) for one in gates.driven.store.written[before:]]
        assert written[-1] is GateRecord
        assert written[:-1] in ([], [PreviewRecord])


def test_a_turn_of_a_framework_at_rest_takes_no_more_calls_with_a_thousand_gates() -> None:
    none, many = (_count_calls(lead_with(count).driven.step) for count in (0, COUNTS[-1]))
    assert 0 < many <= none + MOST_CALLS, (none, many)


def test_the_entries_of_a_gate_take_calls_in_step_with_its_rules() -> None:
    half = (Target("main", 5000), Target("v1", 5000))

    def count(rules: int) -> int:
        record = make_gate(*(Rule(f"/p{number}", half) for number in range(rules)))
        return _count_calls(lambda: list_entries(record, "localhost"))

    few, many = count(10), count(100)
    assert 0 < many <= 11 * few, (few, many)


def _count_calls(run: Callable[[], object]) -> int:
    profile = cProfile.Profile()
    profile.enable()
    try:
        run()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())
