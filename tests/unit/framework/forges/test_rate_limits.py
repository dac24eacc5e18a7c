import pytest

from framework.forges.rate_limits import Rate, find_wait, read_rate

NOW = 1_764_000_000.0


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "4999"}, Rate(4999, None, 0.0)),
        (
            {
                "x-ratelimit-limit": "5000",
                "x-ratelimit-remaining": "1",
                "x-ratelimit-reset": "1764000060",
            },
            Rate(1, 5000, NOW + 60),
        ),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, Rate(7, None, NOW + 30)),
        ({"x-ratelimit-remaining": "many"}, None),
        ({"x-ratelimit-remaining": "nan"}, None),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "inf"}, Rate(1, None, 0.0)),
    ],
)
def test_the_rate_limit_is_read(headers: dict[str, str], rate: Rate | None) -> None:
    assert read_rate(headers, NOW) == rate


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "1"}, None),
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "Mon, 24 Nov 2025 16:00:30 GMT"}, 30),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "1e9"}, 24 * 3600),
        ({"ratelimit-remaining": "0"}, 60),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1763999999"}, 1),
    ],
)
def test_the_wait_is_what_the_forge_demands_within_bounds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert find_wait(headers, NOW) == seconds
