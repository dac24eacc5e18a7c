"""The framework's calls as they reach Mesos: MesosCluster on a fake master."""

import queue
from collections.abc import Callable, Iterator

import pytest

from framework import events
from framework.errors import FrameworkError, OutcomeUnknown, Unavailable
from framework.mesos.resources import read_resources
from framework.mesos.scheduler import Inbox, MesosCluster, framework_info
from framework.ports.tasks import Executor, Task
from framework.scheduling.maintenance import HOLDS_SECONDS
from prevs.messages import BuildOrder
from tests.fakes.mesos_master import FRAMEWORK_ID, FakeMaster
from tests.fakes.mesos_stream import Answer
from tests.fakes.offers import scalar

INFO = framework_info(
    name="prevs", roles=["teams"], user="u", hostname="h", webui_url="http://h", principal=None
)

ORDER = BuildOrder(
    "hello", "a" * 40, "main", "/srv/hello", 8000, "127.0.0.1", 31000, 0.5, 64, "http://x/"
)
TASK = Task(
    "t1",
    "agent-1",
    FRAMEWORK_ID,
    ORDER,
    resources=read_resources([scalar("cpus", 0.5), scalar("mem", 64)]),
    executor_resources=read_resources([scalar("cpus", 0.01)]),
    executor=Executor("http://x/e.pyz", "0" * 64, "python3", is_unpacked=True),
    fetches=False,
)


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    master = FakeMaster(offers=False)
    yield master
    master.close()


@pytest.fixture
def make(master: FakeMaster) -> Iterator[Callable[[str | None], MesosCluster]]:
    """Return a function that makes a cluster which is subscribed; it is stopped after the test."""
    made: list[MesosCluster] = []

    def make(framework_id: str | None) -> MesosCluster:
        submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        made.append(
            MesosCluster(
                Inbox(submitted.put),
                INFO,
                master.address,
                framework_id=framework_id,
                credential=None,
            )
        )
        made[-1].start()
        assert submitted.get(timeout=60) == events.Subscribed(FRAMEWORK_ID)
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()


@pytest.fixture
def cluster(make: Callable[[str | None], MesosCluster]) -> MesosCluster:
    return make(None)


def test_the_first_subscription_has_every_permanent_field_and_suppresses_offers(
    cluster: MesosCluster, master: FakeMaster
) -> None:
    (subscribe,) = master.calls
    assert subscribe.body["subscribe"]["framework_info"] == INFO
    assert "framework_id" not in subscribe.body
    assert subscribe.body["subscribe"]["suppressed_roles"] == ["teams"]


def test_calls_with_one_role_are_what_they_always_were(
    cluster: MesosCluster, master: FakeMaster
) -> None:
    """Nothing of a second role, which an operator has to ask for, is in them."""
    (subscribe,) = master.calls
    assert subscribe.body == {
        "type": "SUBSCRIBE",
        "subscribe": {
            "framework_info": {
                "user": "u",
                "name": "prevs",
                "roles": ["teams"],
                "hostname": "h",
                "webui_url": "http://h",
                "checkpoint": True,
                "failover_timeout": 2419200.0,
                "capabilities": [
                    {"type": "PARTITION_AWARE"},
                    {"type": "TASK_KILLING_STATE"},
                    {"type": "MULTI_ROLE"},
                ],
            },
            "suppressed_roles": ["teams"],
        },
    }
    cluster.accept(["o1"], [TASK], 5.0)
    accept = master.wait_call("ACCEPT").body
    (operation,) = accept["accept"].pop("operations")
    assert accept == {
        "type": "ACCEPT",
        "framework_id": {"value": FRAMEWORK_ID},
        "accept": {"offer_ids": [{"value": "o1"}], "filters": {"refuse_seconds": 5.0}},
    }
    assert operation["type"] == "LAUNCH"
    (launched,) = operation["launch"]["task_infos"]
    assert launched["resources"] == [scalar("cpus", 0.5), scalar("mem", 64)]
    assert launched["executor"]["resources"] == [scalar("cpus", 0.01)]
    cluster.revive()
    cluster.suppress()
    plain = {"framework_id": {"value": FRAMEWORK_ID}}
    assert master.wait_call("REVIVE").body == {"type": "REVIVE", **plain}
    assert master.wait_call("SUPPRESS").body == {"type": "SUPPRESS", **plain}


def test_offers_are_requested_for_one_of_two_roles(
    cluster: MesosCluster, master: FakeMaster
) -> None:
    cluster.revive("jobs")
    cluster.suppress("jobs")
    assert master.wait_call("REVIVE").body["revive"] == {"roles": ["jobs"]}
    assert master.wait_call("SUPPRESS").body["suppress"] == {"roles": ["jobs"]}


def test_a_stored_id_is_sent_in_both_of_its_places(
    make: Callable[[str | None], MesosCluster], master: FakeMaster
) -> None:
    make(FRAMEWORK_ID)
    body = master.calls[0].body
    assert body["framework_id"] == {"value": FRAMEWORK_ID}
    assert body["subscribe"]["framework_info"]["id"] == {"value": FRAMEWORK_ID}


def test_a_kill_names_the_agent_and_the_grace(cluster: MesosCluster, master: FakeMaster) -> None:
    cluster.kill("t1", "agent-1", 10.0)
    assert master.wait_call("KILL").body["kill"] == {
        "task_id": {"value": "t1"},
        "agent_id": {"value": "agent-1"},
        "kill_policy": {"grace_period": {"nanoseconds": 10_000_000_000}},
    }


def test_an_acceptance_of_maintenance_is_requested_again_while_the_window_holds(
    cluster: MesosCluster, master: FakeMaster
) -> None:
    cluster.accept_inverse(["i1"])
    accepted = master.wait_call("ACCEPT_INVERSE_OFFERS").body["accept_inverse_offers"]
    assert accepted["inverse_offer_ids"] == [{"value": "i1"}]
    # One that gets lost on its way does not make us forget the window.
    assert accepted["filters"]["refuse_seconds"] * 2 < HOLDS_SECONDS


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Answer(400, body=b"stale stream"), Unavailable),
        (Answer(503), Unavailable),
        (Answer(500), OutcomeUnknown),
        (Answer(drop=True), OutcomeUnknown),
    ],
)
def test_a_failed_launch_is_reported_as_not_done_only_where_that_is_certain(
    cluster: MesosCluster, master: FakeMaster, answer: Answer, meant: type[FrameworkError]
) -> None:
    master.call_answer = answer
    with pytest.raises(FrameworkError) as caught:
        cluster.accept(["o1"], [], 5.0)
    assert type(caught.value) is meant
    assert len(master.of_type("ACCEPT")) == 1


def test_a_call_without_a_link_was_not_sent(cluster: MesosCluster, master: FakeMaster) -> None:
    cluster.stop()
    with pytest.raises(Unavailable):
        cluster.accept(["o1"], [], 5.0)
    assert master.of_type("ACCEPT") == []
