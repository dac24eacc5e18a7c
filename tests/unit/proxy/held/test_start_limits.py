import pytest

from proxy.held.start_limits import MOST, SECONDS, Refused, StartLimit
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def start_limit(clock: FakeClock) -> StartLimit:
    return StartLimit(clock=clock.read)


def test_an_address_may_start_the_next_preview_a_minute_after_the_first(
    start_limit: StartLimit, clock: FakeClock
) -> None:
    for number in range(MOST["address"]):
        assert start_limit.take("10.0.0.1", f"{number}.hello.localhost") is None
        clock.pass_seconds(1.0)
    left = round(SECONDS - MOST["address"])
    assert start_limit.take("10.0.0.1", "more.hello.localhost") == (left, "address")
    clock.pass_seconds(SECONDS - MOST["address"])
    assert start_limit.take("10.0.0.1", "more.hello.localhost") is None
    assert start_limit.take("10.0.0.1", "another.hello.localhost") == (1, "address")


def test_what_does_not_exist_counts_only_for_who_asked_for_it(start_limit: StartLimit) -> None:
    for number in range(MOST["all"]):
        address, host = f"10.0.0.{number // MOST['address']}", f"{number}.hello.localhost"
        if start_limit.take(address, host) is None:
            start_limit.forget(host)
    assert start_limit.take("10.0.1.1", "main.hello.localhost") is None
    assert start_limit.take("10.0.0.1", "main.hello.localhost") == (SECONDS, "address")


def test_repeated_requests_for_one_preview_are_one_start(
    start_limit: StartLimit, clock: FakeClock
) -> None:
    for _ in range(100):
        assert start_limit.take("10.0.0.1", "main.hello.localhost") is None
        clock.pass_seconds(20.0)


def test_a_preview_stays_counted_while_requests_for_it_go_on(
    start_limit: StartLimit, clock: FakeClock
) -> None:
    for _ in range(5):
        for number in range(MOST["address"]):
            assert start_limit.take("10.0.0.1", f"{number}.hello.localhost") is None
        assert start_limit.take("10.0.0.1", "more.hello.localhost") == (SECONDS, "address")
        clock.pass_seconds(20.0)


@pytest.mark.parametrize(
    ("first", "same", "another"),
    [
        ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("2001:db8::{:x}", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ("::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.2"),
    ],
    ids=["an address", "with IPv6 a whole network", "with IPv4 at a listener of IPv6 an address"],
)
def test_one_visitor_uses_up_no_start_of_another(
    start_limit: StartLimit, first: str, same: str, another: str
) -> None:
    for number in range(MOST["address"]):
        assert start_limit.take(first.format(number), f"{number}.hello.localhost") is None
    assert start_limit.take(same, "x.hello.localhost") is not None
    assert start_limit.take(another, "x.hello.localhost") is None


@pytest.mark.parametrize(
    ("budget", "address", "host"),
    [
        ("network", "2001:db8:0:{:x}::1", "{}.hello.localhost"),
        ("app", "10.0.{}.1", "{}.hello.localhost"),
        ("all", "10.{0}.{1}.1", "{}.app-{}.localhost"),
    ],
)
def test_many_visitors_start_no_more_than_the_shared_limit(
    start_limit: StartLimit, clock: FakeClock, budget: str, address: str, host: str
) -> None:
    def take(number: int) -> Refused | None:
        parts = divmod(number, 100) if budget == "all" else (number,)
        of_app = (number, parts[0]) if budget == "all" else (number,)
        return start_limit.take(address.format(*parts), host.format(*of_app))

    assert [take(number) for number in range(MOST[budget])] == [None] * MOST[budget]
    assert take(MOST[budget]) == (SECONDS, budget)
    assert take(0) is None, "a preview that is waited for already is counted once"
    clock.pass_seconds(SECONDS)
    assert take(MOST[budget]) is None


def test_a_host_that_others_started_counts_only_for_its_address(start_limit: StartLimit) -> None:
    for number in range(MOST["app"]):
        assert start_limit.take(f"10.0.{number}.1", f"{number}.hello.localhost") is None
    assert start_limit.take("10.9.9.9", "0.hello.localhost") is None
    assert start_limit.take("10.9.9.9", "new.hello.localhost") is not None
    assert start_limit.take("10.9.9.9", "new.shop.localhost") is None
