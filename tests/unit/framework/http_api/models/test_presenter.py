"""framework/http_api/models/presenter.py: the cache notices each change of a preview."""

from collections.abc import Callable

import pytest

from framework.http_api.models.presenter import Presenter
from prevs import names
from prevs.states import State
from tests.fakes.previews import FakePreviews

A = "a" * 40
USUAL = {"building": 3.0}


class World:
    """A queued preview, and everything that it is shown from."""

    def __init__(self) -> None:
        self.previews = FakePreviews()
        self.previews.put("hello", A, State.QUEUED, retry_at=50.0)
        self.previews.queue_places["hello", A] = 2
        self.previews.usual_seconds["hello"] = USUAL
        self.ready: str | None = None
        self.now = 10.0
        self.presenter = Presenter(
            self.previews,
            names.addresses("localhost", 8080),
            lambda: self.ready,
            lambda: self.now,
        )

    def show(self) -> object:
        return self.presenter.show(self.previews.known["hello", A])


def test_an_unchanged_preview_is_shown_from_the_cache() -> None:
    world = World()
    assert world.show() is world.show()


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.previews.change("hello", A, reason="no room"),
        lambda world: world.previews.queue_places.update({("hello", A): 1}),
        lambda world: world.previews.usual_seconds.update({"hello": {"building": 4.0}}),
        lambda world: setattr(world, "ready", "ZooKeeper does not answer."),
        lambda world: setattr(world, "now", 51.0),
    ],
)
def test_a_changed_preview_is_shown_as_it_is_now(change: Callable[[World], None]) -> None:
    world = World()
    before = world.show()
    change(world)
    assert world.show() != before


def test_a_running_preview_shows_memory_kills() -> None:
    world = World()
    world.previews.change("hello", A, memory_kills=2)
    assert world.presenter.show(world.previews.known["hello", A]).reason == ""
    world.previews.change("hello", A, state=State.RUNNING)
    reason = world.presenter.show(world.previews.known["hello", A]).reason
    assert "since it started, the kernel killed one of its processes 2 times," in reason
    world.previews.change("hello", A, reason="It refuses connections.", memory_kills=3)
    assert (
        world.presenter.show(world.previews.known["hello", A]).reason == "It refuses connections."
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.BUILDING, "built ahead of its first visit"),
        (State.RUNNING, "stops in a moment"),
        (State.STOPPED, ""),
    ],
)
def test_a_build_ahead_tells_why_it_is_there(state: State, words: str) -> None:
    world = World()
    for is_ahead in (True, False):
        world.previews.change("hello", A, state=state, ahead=is_ahead)
        shown = world.presenter.show(world.previews.known["hello", A])
        assert shown.ahead is is_ahead
        assert (words in shown.reason) if is_ahead else shown.reason == ""
