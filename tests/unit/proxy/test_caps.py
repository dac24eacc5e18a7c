from proxy.caps import MOST, SECONDS, StartCap
from tests.fakes.clock import FakeClock


def test_so_many_previews_may_be_started_and_then_one_when_the_first_is_a_minute_ago() -> None:
    clock = FakeClock()
    cap = StartCap(clock=clock.read)
    for number in range(MOST):
        assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        clock.pass_seconds(1.0)
    assert cap.take("10.0.0.1", "more.hello.localhost") == SECONDS - MOST
    clock.pass_seconds(SECONDS - MOST)
    assert cap.take("10.0.0.1", "more.hello.localhost") is None
    assert cap.take("10.0.0.1", "another.hello.localhost") == 1


def test_asking_for_the_same_again_and_again_is_one_start() -> None:
    clock = FakeClock()
    cap = StartCap(clock=clock.read)
    for _ in range(100):
        assert cap.take("10.0.0.1", "main.hello.localhost") is None
        clock.pass_seconds(20.0)


def test_what_is_still_waited_for_stays_counted() -> None:
    clock = FakeClock()
    cap = StartCap(clock=clock.read)
    for _ in range(5):
        for number in range(MOST):
            assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        assert cap.take("10.0.0.1", "more.hello.localhost") == SECONDS
        clock.pass_seconds(20.0)


def test_one_visitor_takes_nothing_from_another() -> None:
    cap = StartCap(clock=FakeClock().read)
    for number in range(MOST + 1):
        cap.take("10.0.0.1", f"{number}.hello.localhost")
    assert cap.take("10.0.0.1", "x") is not None
    assert cap.take("10.0.0.2", "x") is None


def test_with_ip_6_a_visitor_is_a_whole_network() -> None:
    cap = StartCap(clock=FakeClock().read)
    for number in range(MOST):
        assert cap.take(f"2001:db8::{number:x}", f"{number}.hello.localhost") is None
    assert cap.take("2001:db8::ffff:1", "more") is not None
    assert cap.take("2001:db8:0:1::1", "more") is None


def test_with_ip_4_at_a_listener_of_ip_6_a_visitor_is_an_address() -> None:
    cap = StartCap(clock=FakeClock().read)
    for number in range(MOST):
        assert cap.take("::ffff:10.0.0.1", f"{number}.hello.localhost") is None
    assert cap.take("::ffff:10.0.0.2", "more") is None
    assert cap.take("10.0.0.1", "more") is not None
