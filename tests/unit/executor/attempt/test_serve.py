"""executor/attempt/serve.py: an application until it answers, while it runs, and why it ended."""

from pathlib import Path
from typing import Any

import pytest

from executor.errors import (
    AppExited,
    ExecutorError,
    NeverListened,
    NotServing,
    OutOfMemory,
    Unhealthy,
)
from executor.ports import HTTP2, Answer, Exit
from prevs.states import Phase
from tests.fakes.attempts import ScriptedProbe
from tests.fakes.containers import App, FakeContainer
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.attempt.world import OK, World

REFUSED = Answer(connected=False)
NOT_SERVING = Answer(True, passed=False, problem="its health service answers NOT_SERVING")


def test_a_slow_health_check_is_reported_once(world: World) -> None:
    world.probe = ScriptedProbe(*[REFUSED] * 40, Answer(True, 503), OK)
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.phases == [Phase.STARTING, Phase.CHECKING, Phase.RUNNING]
    assert 1.0 < world.reports.checked < ATTEMPT.order.start_limit


def test_the_protocol_of_the_answer_is_reported(world: World) -> None:
    world.probe = ScriptedProbe(REFUSED, Answer(True, passed=True, protocol=HTTP2))
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.protocol == HTTP2


def test_memory_kills_are_reported_while_the_application_goes_on(world: World) -> None:
    """Not each time: workers that die again and again are reported once a minute."""
    world.stop_at(1000.0)
    start = world.containers.start

    def begin(*args: Any, **kwargs: Any) -> FakeContainer:
        container = start(*args, **kwargs)
        container.kills = lambda: (
            int(world.signals.now() // 10) if world.signals.now() < 500 else 49
        )
        return container

    world.containers.start = begin  # type: ignore[method-assign]
    assert world.run() is None
    first, *more = world.reports.kills
    assert first == 1
    assert sorted(more) == more
    assert (len(more) < 10, more[-1]) == (True, 49)
    headers = [text for text in world.log.headers if text.startswith("memory ran out")]
    assert len(headers) == len(world.reports.kills)
    assert "a process of the application once since the start" in headers[0]
    assert "a process of the application 49 times since the start" in headers[-1]
    assert headers[0].endswith(f"at its {ATTEMPT.order.mem} MB; the application keeps running")


def test_an_application_that_is_killed_itself_is_not_reported_as_running(world: World) -> None:
    world.end_at(100.0, Exit(137, True))
    start = world.containers.start

    def begin(*args: Any, **kwargs: Any) -> FakeContainer:
        container = start(*args, **kwargs)
        # The kernel has counted it, and docker reports the end a second later.
        container.kills = lambda: int(world.signals.now() >= 99.0)
        return container

    world.containers.start = begin  # type: ignore[method-assign]
    assert isinstance(world.run(), OutOfMemory)
    assert world.reports.kills == []


def test_an_application_that_never_listens_fails_at_the_limit_and_is_removed(world: World) -> None:
    world.probe = ScriptedProbe(REFUSED)
    assert isinstance(world.run(), NeverListened)
    assert world.signals.now() == pytest.approx(ATTEMPT.order.start_limit)
    assert world.containers.running == {}


@pytest.mark.parametrize(
    ("exits", "answers", "end", "kind", "fields", "message"),
    [
        (None, [REFUSED, Answer(True, 500)], None, Unhealthy, {"status": 500}, "500"),
        (None, [REFUSED, NOT_SERVING], None, NotServing, {"status": None}, "answers NOT_SERVING"),
        (Exit(3, False), [REFUSED], None, AppExited, {"exit_code": 3}, "before it answered"),
        (Exit(1, False), [OK], None, AppExited, {"exit_code": 1}, "before it answered"),
        (None, [OK], Exit(0, False), AppExited, {"exit_code": 0}, "after it had answered"),
        (None, [OK], Exit(137, True), OutOfMemory, {"exit_code": 137, "mem": 64}, "64 MB"),
        (None, [OK], Exit(137, False), AppExited, {"exit_code": 137}, "(killed, as the"),
    ],
    ids=[
        "it answers badly",
        "its health service answers that it does not serve",
        "it exits before it answers",
        "another one listens on the port, and it exits",
        "it exits later, even with code 0",
        "it needs too much memory",
        "it is killed, and docker does not know why",
    ],
)
def test_an_application_that_fails_is_removed_with_the_reason(
    tmp_path: Path,
    exits: Exit | None,
    answers: list[Answer],
    end: Exit | None,
    kind: type[ExecutorError],
    fields: dict[str, object],
    message: str,
) -> None:
    world = World(tmp_path, App(exits=exits))
    world.probe = ScriptedProbe(*answers)
    if end:
        world.end_at(500.0, end)
    error = world.run()
    assert type(error) is kind
    assert fields.items() <= vars(error).items()
    assert message in str(error)
    assert (Phase.RUNNING in world.reports.phases) is bool(end)
    assert world.containers.running == {}
