from framework.attempts.kills import Kills
from framework.errors import Unavailable
from prevs.messages import BuildOrder
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster


def test_a_kill_is_repeated_but_not_too_often() -> None:
    cluster, clock = FakeCluster(), FakeClock()
    kills = Kills(cluster, clock.clock)
    for _ in range(25):
        kills.send("t1", "agent-1")
        clock.pass_seconds(1)
    assert cluster.of("kill") == [("t1", "agent-1")] * 3
    assert cluster.graces == [BuildOrder.stop_grace] * 3


def test_a_kill_that_cannot_be_sent_is_only_late() -> None:
    cluster, clock = FakeCluster(), FakeClock()
    cluster.failure = Unavailable("The Mesos master")
    kills = Kills(cluster, clock.clock)
    kills.send("t1", None)
    clock.pass_seconds(10)
    kills.send("t1", None)
    assert len(cluster.of("kill")) == 2


def test_a_task_id_that_has_ended_is_forgotten() -> None:
    cluster = FakeCluster()
    kills = Kills(cluster, FakeClock().clock)
    kills.send("t1", None)
    kills.drop("t1")
    kills.drop("t2")
    kills.send("t1", None)
    assert len(cluster.of("kill")) == 2


def test_a_task_without_a_preview_is_killed_at_once_and_again_until_it_has_ended() -> None:
    cluster, clock = FakeCluster(), FakeClock()
    kills = Kills(cluster, clock.clock)
    kills.kill_orphan("t1", "agent-1")
    assert cluster.of("kill") == [("t1", "agent-1")]
    clock.pass_seconds(10)
    kills.repeat()
    assert cluster.of("kill") == [("t1", "agent-1")] * 2
    kills.drop("t1")
    kills.repeat()
    assert len(cluster.of("kill")) == 2
