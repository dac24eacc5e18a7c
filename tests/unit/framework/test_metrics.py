from prometheus_client import CollectorRegistry

from framework.metrics import Metrics
from prevs.states import State


def test_every_state_has_a_number_also_when_it_is_none() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count({State.RUNNING: 1})
    numbers = {
        s.value: registry.get_sample_value("prevs_previews", {"state": s.value}) for s in State
    }
    assert numbers == {s.value: float(s is State.RUNNING) for s in State}
    metrics.count({})
    assert registry.get_sample_value("prevs_previews", {"state": "running"}) == 0
