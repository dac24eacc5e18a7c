import pytest

from framework import events
from framework.errors import Unavailable, UnknownApp
from prevs.records import ProxyRecord
from tests.fakes.driven import B, C, Driven


def test_removing_an_app_stops_its_previews_and_then_deletes_every_record(driven: Driven) -> None:
    driven.run()
    driven.start(B, "other")
    task = driven.task()
    driven.commands.remove_app("hello")
    assert (driven.service.snapshot.apps, driven.service.snapshot.previews) == ({}, {})
    with pytest.raises(UnknownApp):
        driven.start(C, "third")
    with pytest.raises(Unavailable, match="still being removed"):
        driven.add_app()
    assert driven.forgotten == []
    driven.update("TASK_KILLED", task=task)
    assert driven.forgotten == ["hello"]
    driven.step(events.MirrorRemoved("hello"))
    assert set(driven.znodes.records) == {("agents",)}
    assert driven.add_app().name == "hello"


def test_an_interrupted_removal_goes_on_after_a_restart(driven: Driven) -> None:
    driven.run()
    task = driven.task()
    driven.commands.remove_app("hello")
    again = Driven(driven.znodes, driven.clock)
    assert again.cluster.of("kill") == [(task, "agent-1")]
    again.update("TASK_KILLED", task=task)
    assert again.forgotten == ["hello"]


def test_an_app_is_not_deleted_before_the_proxies_have_removed_its_routes(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord({"hello": 0})]
    task = driven.task()
    driven.commands.remove_app("hello")
    driven.update("TASK_KILLED", task=task)
    assert driven.forgotten == []
    driven.znodes.proxies = [ProxyRecord({"hello": 1})]
    driven.tick()
    driven.tick()
    assert driven.forgotten == ["hello"]
