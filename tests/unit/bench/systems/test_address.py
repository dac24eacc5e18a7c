"""A preview that fails ends the wait for it, with the reason."""

from collections.abc import Callable, Iterator

import pytest

from bench.harness.errors import BenchError
from bench.systems.address import Previews, System
from tests.fakes.world import TOKEN, World

SHA = "0123456789ab" + "0" * 28


@pytest.fixture
def world() -> World:
    made = World()
    made.add("bench", "main", SHA)
    return made


@pytest.fixture
def previews(world: World) -> Iterator[Previews]:
    with world.serving() as api:
        made = Previews(System(api, TOKEN, "localhost", 80), "bench")
        assert made.start("main") == SHA
        yield made


@pytest.mark.parametrize(
    "wait",
    [
        lambda previews: previews.wait(SHA, "running"),
        lambda previews: previews.wait_logged(SHA, "Line 1000"),
        lambda previews: previews.check(SHA),
    ],
)
def test_a_failed_preview_ends_the_wait(
    world: World, previews: Previews, wait: Callable[[Previews], None]
) -> None:
    world.fail("bench", SHA, cause="build-failed", message="There is no bridge.", exit_code=1)
    with pytest.raises(BenchError, match=r"0123456789ab has failed: There is no bridge\."):
        wait(previews)


def test_an_expected_failure_is_not_an_error(world: World, previews: Previews) -> None:
    world.fail("bench", SHA, cause="build-failed", message="As it should.", exit_code=7)
    previews.wait(SHA, "failed")


def test_a_log_is_waited_for_until_it_has_the_text(world: World, previews: Previews) -> None:
    previews.check(SHA)
    world.move("bench", SHA, "placed")
    world.log(SHA, "Line 999\nLine 1000\n")
    previews.wait_logged(SHA, "Line 1000")
