import pytest

from proxy.caps import MOST, SECONDS, StartCap
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cap(clock: FakeClock) -> StartCap:
    return StartCap(clock=clock.read)


def test_so_many_previews_may_be_started_and_then_one_when_the_first_is_a_minute_ago(
    cap: StartCap, clock: FakeClock
) -> None:
    for number in range(MOST):
        assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        clock.pass_seconds(1.0)
    assert cap.take("10.0.0.1", "more.hello.localhost") == SECONDS - MOST
    clock.pass_seconds(SECONDS - MOST)
    assert cap.take("10.0.0.1", "more.hello.localhost") is None
    assert cap.take("10.0.0.1", "another.hello.localhost") == 1


def test_asking_for_the_same_again_and_again_is_one_start(cap: StartCap, clock: FakeClock) -> None:
    for _ in range(100):
        assert cap.take("10.0.0.1", "main.hello.localhost") is None
        clock.pass_seconds(20.0)


def test_what_is_still_waited_for_stays_counted(cap: StartCap, clock: FakeClock) -> None:
    for _ in range(5):
        for number in range(MOST):
            assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        assert cap.take("10.0.0.1", "more.hello.localhost") == SECONDS
        clock.pass_seconds(20.0)


@pytest.mark.parametrize(
    ("asked", "same", "another"),
    [
        ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("2001:db8::{:x}", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ("::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.2"),
    ],
    ids=["an address", "with IPv6 a whole network", "with IPv4 at a listener of IPv6 an address"],
)
def test_one_visitor_takes_nothing_from_another(
    cap: StartCap, asked: str, same: str, another: str
) -> None:
    for number in range(MOST):
        assert cap.take(asked.format(number), f"{number}.hello.localhost") is None
    assert cap.take(same, "x") is not None
    assert cap.take(another, "x") is None
