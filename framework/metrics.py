"""What the framework counts, for Prometheus."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from prevs.states import State


class Metrics:
    """The framework's own numbers; `registry` is what /metrics shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.previews = Gauge("prevs_previews", "Previews by state", ["state"], registry=registry)
        self.events = Counter("prevs_events", "Events by kind", ["kind"], registry=registry)
        self.offers = Counter(
            "prevs_offers", "Offers by what became of them", ["fate"], registry=registry
        )
        self.launches = Counter("prevs_launches", "Attempts sent to Mesos", registry=registry)
        self.updates = Counter(
            "prevs_status_updates",
            "Task status updates by task state",
            ["state"],
            registry=registry,
        )
        self.illegal = Counter(
            "prevs_illegal_transitions", "Events that a preview did not expect", registry=registry
        )
        self.errors = Counter(
            "prevs_service_errors", "Unexpected errors in the service's loop", registry=registry
        )
        self.silence = Gauge(
            "prevs_seconds_since_event",
            "Seconds since Mesos last said something",
            registry=registry,
        )

    def count(self, previews: Mapping[State, int]) -> None:
        """Set the gauge of previews by state."""
        for state in State:
            self.previews.labels(state.value).set(previews.get(state, 0))
