from typing import Any

import pytest

from framework.dashboard.session import formatting
from framework.http_api.models.presenter import Presenter
from prevs import names
from prevs.states import State
from tests.fakes.previews import FakePreviews


@pytest.mark.parametrize(
    ("seconds", "ago", "duration"),
    [
        (-5.0, "just now", "under 1 s"),
        (0.9, "just now", "under 1 s"),
        (5.0, "5 s ago", "5 s"),
        (59.9, "59 s ago", "59 s"),
        (95.0, "1 min ago", "1 min 35 s"),
        (3600.0, "1 h ago", "1 h 0 min"),
        (47 * 3600.0, "47 h ago", "47 h 0 min"),
        (48 * 3600.0, "2 d ago", "48 h 0 min"),
    ],
)
def test_times_are_shown_in_their_largest_units(seconds: float, ago: str, duration: str) -> None:
    assert formatting.ago(1000.0 - seconds, 1000.0) == ago
    assert formatting.duration(seconds) == duration


@pytest.mark.parametrize(
    ("seconds", "until"),
    [(-5.0, "now"), (0.9, "now"), (1.0, "in 1 s"), (95.0, "in 1 min"), (47 * 3600.0, "in 47 h")],
)
def test_what_comes_is_shown_in_its_largest_unit(seconds: float, until: str) -> None:
    assert formatting.until(1000.0 + seconds, 1000.0) == until


def test_a_time_out_of_range_is_not_shown() -> None:
    assert formatting.moment(0.0) == "1970-01-01 00:00:00 UTC"
    assert formatting.stamp(0.0) == "1970-01-01T00:00:00Z"
    assert formatting.moment(1e300) == formatting.stamp(float("nan")) == ""


@pytest.mark.parametrize(
    ("state", "fields", "text"),
    [
        (State.QUEUED, {}, "queued"),
        (State.QUEUED, {"retry_at": 1012.0}, "queued, next try in 12 s"),
        (State.BUILDING, {"phase": "fetching"}, "building, fetching"),
        (State.BUILDING, {"phase": "building", "detail": "2/5 RUN make"}, "building 2/5"),
        (State.STARTING, {"phase": "checking"}, "starting, checking"),
        (State.DRAINING, {}, "stopping"),
        (State.RUNNING, {"phase": "running"}, "running"),
    ],
)
def test_a_state_is_shown_with_its_progress(
    state: State, fields: dict[str, Any], text: str
) -> None:
    previews = FakePreviews()
    record = previews.put("hello", "1" * 40, state, **fields)
    addresses = names.addresses("localhost", 80)
    presenter = Presenter(previews, addresses, lambda: None, lambda: 1000.0)
    assert formatting.state(presenter.show(record), 1000.0) == text
    assert formatting.state(None, 1000.0) == "not started"


def test_a_commit_is_cut_to_few_digits() -> None:
    assert formatting.few_digits(f"hello/{'a' * 40}/pin") == f"hello/{'a' * 12}/pin"
    assert formatting.few_digits(f"{'a' * 41} and main") == f"{'a' * 41} and main"
