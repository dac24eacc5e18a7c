"""executor/limits/cpu_share.py: the requested share, by what runtimes make of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.limits import cpu_share


def on_line(shares: int) -> int:
    """The weight that runc before 1.3.2 makes of shares."""
    return 1 + ((shares - 2) * 9999) // 262142


def on_curve(shares: int) -> int:
    """The weight that later ones make of them."""
    if shares <= 2:
        return 1
    log = math.log2(shares)
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))


def test_the_known_runtimes_match_their_own_sources() -> None:
    assert [on_line(shares) for shares in (102, 1024, 2000)] == [4, 39, 77]
    assert [on_curve(shares) for shares in (2, 1024, 2000, 262144)] == [1, 100, 170, 10000]


@pytest.mark.parametrize(
    ("cpus", "shares"), [(0.0, 2), (0.001, 2), (0.1, 102), (1.0, 1024), (2.5, 2560)]
)
def test_with_v1_shares_are_passed_on(cpus: float, shares: int) -> None:
    assert cpu_share.shares(cpus) == shares


@given(st.floats(0.001, 64.0))
def test_with_v2_one_cpu_weighs_a_hundred_whatever_the_runtime(cpus: float) -> None:
    weight = max(1, round(100 * cpus))
    assert on_line(cpu_share.shares_of_weight(cpus, curved=False)) == weight
    # The nearest whole number of shares may differ: the curve is steep at its beginning.
    assert abs(on_curve(cpu_share.shares_of_weight(cpus, curved=True)) - weight) <= 1


@pytest.mark.parametrize(
    ("version", "curved"),
    [
        ("1.1.15+ds1", False),
        ("1.3.1", False),
        ("1.3.2", True),
        ("1.4.0-rc.1", True),
        ("v2.0.0", True),
        ("unknown", False),
    ],
)
def test_the_runtime_is_known_by_its_version(version: str, curved: bool) -> None:
    parts = [{"Name": "containerd", "Version": "2.0.0"}, {"Name": "runc", "Version": version}]
    assert cpu_share.is_curved({"Components": parts}) is curved
    assert cpu_share.is_curved({}) is False
