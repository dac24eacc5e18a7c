"""program/limits/token_bucket.py: how much may pass in the long run, and how much at once."""

from hypothesis import given
from hypothesis import strategies as st

from program.limits.token_bucket import TokenBucket


def take(bucket: TokenBucket, tokens: float, now: float) -> float:
    """Take tokens as one who pays afterwards; return how long to wait then."""
    bucket.take(tokens, now)
    return bucket.wait(0, now)


def test_a_burst_passes_at_once_and_what_follows_at_the_rate() -> None:
    bucket = TokenBucket(100, 1000, 0.0)
    assert take(bucket, 1000, 0.0) == 0
    assert take(bucket, 50, 0.0) == 0.5
    assert take(bucket, 50, 0.5) == 0.5


def test_after_a_long_pause_one_burst_passes() -> None:
    bucket = TokenBucket(100, 1000, 0.0)
    take(bucket, 1000, 0.0)
    assert take(bucket, 1000, 3600.0) == 0
    assert take(bucket, 100, 3600.0) == 1.0


def test_the_wait_is_for_as_many_tokens_as_are_wanted() -> None:
    bucket = TokenBucket(2, 10, 0.0)
    bucket.take(10, 0.0)
    assert (bucket.wait(0, 0.0), bucket.wait(1, 0.0), bucket.wait(10, 0.0)) == (0, 0.5, 5)
    assert (bucket.level(1.0), bucket.level(60.0)) == (2, 10)


@given(st.lists(st.integers(0, 5000)))
def test_whoever_waits_never_passes_more_than_the_rate_and_one_burst(sizes: list[int]) -> None:
    bucket, now, passed = TokenBucket(100, 1000, 0.0), 0.0, 0
    for size in sizes:
        passed += size
        now += take(bucket, size, now)
        assert passed <= 1000 + now * 100 + 0.001


@given(
    st.floats(0.01, 1e6),
    st.integers(1, 10**6),
    st.lists(st.tuples(st.floats(0, 1e5), st.integers(0, 1000))),
)
def test_it_is_never_more_than_full_and_has_what_was_waited_for(
    rate: float, burst: int, taken: list[tuple[float, int]]
) -> None:
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    for pause, tokens in taken:
        now += pause
        bucket.take(tokens, now)
        assert bucket.level(now) <= burst
        later = now + bucket.wait(burst, now)
        assert bucket.level(later) >= burst - rate * later * 1e-12 - 1e-6
