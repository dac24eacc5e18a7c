import pytest

from proxy.held.start_limits import MOST, SECONDS, Refused, StartCap
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
    for number in range(MOST["address"]):
        assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        clock.pass_seconds(1.0)
    left = round(SECONDS - MOST["address"])
    assert cap.take("10.0.0.1", "more.hello.localhost") == (left, "address")
    clock.pass_seconds(SECONDS - MOST["address"])
    assert cap.take("10.0.0.1", "more.hello.localhost") is None
    assert cap.take("10.0.0.1", "another.hello.localhost") == (1, "address")


def test_asking_for_the_same_again_and_again_is_one_start(cap: StartCap, clock: FakeClock) -> None:
    for _ in range(100):
        assert cap.take("10.0.0.1", "main.hello.localhost") is None
        clock.pass_seconds(20.0)


def test_what_is_still_waited_for_stays_counted(cap: StartCap, clock: FakeClock) -> None:
    for _ in range(5):
        for number in range(MOST["address"]):
            assert cap.take("10.0.0.1", f"{number}.hello.localhost") is None
        assert cap.take("10.0.0.1", "more.hello.localhost") == (SECONDS, "address")
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
    for number in range(MOST["address"]):
        assert cap.take(asked.format(number), f"{number}.hello.localhost") is None
    assert cap.take(same, "x.hello.localhost") is not None
    assert cap.take(another, "x.hello.localhost") is None


@pytest.mark.parametrize(
    ("budget", "address", "host"),
    [
        ("network", "2001:db8:0:{:x}::1", "{}.hello.localhost"),
        ("app", "10.0.{}.1", "{}.hello.localhost"),
        ("all", "10.{0}.{1}.1", "{}.app-{}.localhost"),
    ],
)
def test_many_visitors_have_no_more_started_than_one_budget_allows(
    cap: StartCap, clock: FakeClock, budget: str, address: str, host: str
) -> None:
    def take(number: int) -> Refused | None:
        parts = divmod(number, 100) if budget == "all" else (number,)
        of_app = (number, parts[0]) if budget == "all" else (number,)
        return cap.take(address.format(*parts), host.format(*of_app))

    assert [take(number) for number in range(MOST[budget])] == [None] * MOST[budget]
    assert take(MOST[budget]) == (SECONDS, budget)
    assert take(0) is None, "what somebody waits for already is counted once"
    clock.pass_seconds(SECONDS)
    assert take(MOST[budget]) is None


def test_a_host_that_others_wait_for_costs_no_budget_but_ones_own(cap: StartCap) -> None:
    for number in range(MOST["app"]):
        assert cap.take(f"10.0.{number}.1", f"{number}.hello.localhost") is None
    assert cap.take("10.9.9.9", "0.hello.localhost") is None
    assert cap.take("10.9.9.9", "new.hello.localhost") is not None
    assert cap.take("10.9.9.9", "new.shop.localhost") is None
