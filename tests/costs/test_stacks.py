"""What stacks cost: reads and writes of ZooKeeper, and calls of functions."""

import cProfile
import dataclasses
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from framework.service.stacks.stack_upkeep import LOOK_SECONDS
from framework.state.gates.stack_records import StackRecords
from framework.zookeeper.connection import connect
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs import signatures
from prevs.gates import GateRecord
from prevs.paths import Paths
from prevs.records import PreviewRecord
from prevs.stacks import Member, StackRecord, Variant
from prevs.states import State
from tests.costs.wire import Wire
from tests.fakes.driven import Driven
from tests.fakes.placements import KEY
from tests.fakes.stack_story import AUTH, CART, FEATURE, WEB, StackStory

MOST_CALLS = 20
"""Found: 0 more at rest. Who looks at each variant has fifty more."""
MEMBERS = {"web": WEB, "cart": CART, "auth": AUTH}
MANY = 50


def lead_with(variants: int, previews: int = 0) -> StackStory:
    """Return a framework that has taken over with a stack of three, and that is at rest."""
    story = StackStory()
    story.write(MEMBERS)
    for number in range(variants):
        story.open(f"v{number}", "web")
    running = PreviewRecord(WEB, "", State.RUNNING, agent_id="agent-1", started=1.0)
    for number in range(previews):
        sha = f"{number:040x}"
        one = dataclasses.replace(running, sha=sha, task_id=f"{WEB}.{sha}.t{number}")
        story.driven.znodes.records["previews", WEB, sha] = (one, 0)
    later = story.take_over()
    later.driven.tick(10)
    return later


def count_calls(driven: Driven, seconds: float = 0.0) -> int:
    driven.clock.pass_seconds(seconds)
    profile = cProfile.Profile()
    profile.enable()
    try:
        driven.step()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def written(story: StackStory, before: int) -> Counter[type]:
    return Counter(type(one) for one in story.driven.store.written[before:])


def test_a_variant_is_a_write_of_the_stack_and_one_of_each_members_gate() -> None:
    story = lead_with(MANY - 1)
    story.heads[CART]["feature"] = FEATURE
    expected = Counter({StackRecord: 1, GateRecord: len(MEMBERS)})
    for act in (lambda: story.open("feature"), lambda: story.close("feature")):
        before = len(story.driven.store.written)
        act()
        story.driven.tick(LOOK_SECONDS + 1)
        assert written(story, before) == expected


def test_a_pin_is_a_write_of_the_stack_and_one_of_each_instance() -> None:
    story = lead_with(1)
    story.run("web", "v0")
    story.driven.tick(LOOK_SECONDS + 1)
    before = len(story.driven.store.written)
    story.pin("v0")
    story.driven.tick(LOOK_SECONDS + 1)
    assert written(story, before) == Counter({StackRecord: 1, PreviewRecord: 1})


def test_a_turn_of_a_framework_at_rest_takes_no_more_calls_with_fifty_variants() -> None:
    none, many = (count_calls(lead_with(count).driven) for count in (0, MANY))
    assert 0 < many <= none + MOST_CALLS, (none, many)


def test_a_look_at_idle_previews_takes_no_more_calls_with_fifty_variants() -> None:
    none, many = (
        count_calls(lead_with(count, previews=200).driven, LOOK_SECONDS + 1) for count in (0, MANY)
    )
    assert 0 < many <= none + MOST_CALLS, (none, many)


def test_instances_are_looked_at_from_time_to_time() -> None:
    story = lead_with(10)
    for number in range(10):
        story.visit("web", f"v{number}")
    story.driven.tick(LOOK_SECONDS + 1)
    at_rest, looks = count_calls(story.driven), count_calls(story.driven, LOOK_SECONDS + 1)
    assert at_rest + 10 < looks


@pytest.fixture
def root(zookeeper: str) -> Iterator[tuple[KazooClient, Paths]]:
    client, paths = connect(zookeeper, 15), Paths(f"/test-{uuid.uuid4().hex}")
    epoch = Election(client, paths, "http://127.0.0.1:1").win()
    ZookeeperStore(client, paths, epoch).load()
    yield client, paths
    client.delete(paths.root, recursive=True)
    client.stop()
    client.close()


@pytest.mark.daemons
def test_a_takeover_reads_each_stack_once_and_writes_none(
    root: tuple[KazooClient, Paths], wire: Wire
) -> None:
    client, paths = root
    none = take_over(wire, paths, 0)
    for number in range(100):
        stack = StackRecord(
            f"s{number}", "web", {"web": Member(WEB, "main")}, {"x": Variant("x", ("web",))}
        )
        signed = dataclasses.replace(stack, signature=signatures.sign_stack(KEY, stack))
        client.create(paths.stack(stack.name), signed.encode())
    many = take_over(wire, paths, 100)
    assert many["reads"] - none["reads"] == 100
    assert many["writes"] == none["writes"]


def take_over(wire: Wire, paths: Paths, count: int) -> Counter[str]:
    client = connect(wire.address, 15)
    try:
        before = Counter(wire.requests)
        store = ZookeeperStore(client, paths, epoch=0)
        stacks = StackRecords(store.load().stacks, store, keys=[KEY])
        stacks.rewrite_unconfirmed()
        assert len(stacks.all) == count
        return wire.requests - before
    finally:
        client.stop()
        client.close()
