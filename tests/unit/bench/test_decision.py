import pytest

from bench.decision import measure


@pytest.mark.night
def test_a_decision_is_measured() -> None:
    found = measure(rounds=2)
    assert 0 < found["decision_ms_p50"] <= found["decision_ms_p99"]
