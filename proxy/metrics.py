"""What the proxy counts, for Prometheus; HAProxy has its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The proxy's own numbers; `registry` is what /metrics shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.held = Gauge(
            "prevs_proxy_held_requests",
            "Requests that are held until a preview answers",
            registry=registry,
        )
        self.starts = Counter(
            "prevs_proxy_starts",
            "Starts that visitors asked for, by who asked (page, held) and how that ended",
            ["by", "outcome"],
            registry=registry,
        )
        self.pages = Counter(
            "prevs_proxy_pages", "Pages shown, by kind", ["kind"], registry=registry
        )

    def watch_applied(self, age: Callable[[], float]) -> None:
        """Show what `age` returns: seconds since the placements were last applied as read."""
        Gauge(
            "prevs_proxy_seconds_since_applied",
            "Seconds since HAProxy was last known to route by the placements in ZooKeeper",
            registry=self.registry,
        ).set_function(age)
