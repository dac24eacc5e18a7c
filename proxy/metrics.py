"""The proxy's own metrics, for Prometheus; docs/monitoring.md lists them. HAProxy has its own."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from program.http.health import Check

CHANGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
HOLD_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


class State(NamedTuple):
    """The state of the controller and the room, for /metrics. The first two return seconds."""

    since_applied: Callable[[], float]
    since_cycle: Callable[[], float]
    routes: Callable[[], int]
    left_out: Callable[[], int]
    refusing: Callable[[], int]
    followed: Callable[[], int]
    checks: Callable[[], Sequence[Check]]

    def passes(self, name: str) -> bool:
        """Return whether the check of that name passes."""
        return any(check.ok for check in self.checks() if check.name == name)


_STATE_GAUGES: Sequence[tuple[str, str, Callable[[State], float]]] = (
    (
        "prevs_proxy_applied_age_seconds",
        "Seconds since HAProxy was last known to route by the placements in ZooKeeper",
        lambda state: state.since_applied(),
    ),
    (
        "prevs_proxy_turn_age_seconds",
        "Seconds since the controller's last cycle",
        lambda state: state.since_cycle(),
    ),
    ("prevs_proxy_routes", "Host names that lead to a preview", lambda state: state.routes()),
    (
        "prevs_proxy_left_out_placements",
        "Placements in ZooKeeper, and records of who may look, that the proxy does not use, "
        "because they are invalid or not signed by the framework",
        lambda state: state.left_out(),
    ),
    (
        "prevs_proxy_refusing_tasks",
        "Tasks that refuse connections now",
        lambda state: state.refusing(),
    ),
    (
        "prevs_proxy_followed_previews",
        "Previews that open pages follow, each through one stream of the framework",
        lambda state: state.followed(),
    ),
    (
        "prevs_proxy_haproxy_up",
        "1 while HAProxy accepts commands",
        lambda state: state.passes("haproxy"),
    ),
    (
        "prevs_proxy_zookeeper_connected",
        "1 while ZooKeeper answers",
        lambda state: state.passes("zookeeper"),
    ),
)


class Metrics:
    """The proxy's own metrics; `registry` has all that /metrics shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)
        self.held = Gauge(
            "prevs_proxy_held_requests",
            "Requests that are held until a preview answers",
            registry=registry,
        )
        self.starts = Counter(
            "prevs_proxy_starts",
            "Starts that visitors requested, by origin (page, held) and result",
            ["by", "outcome"],
            registry=registry,
        )
        self.holds = _make_holds(registry)
        self.changes = Histogram(
            "prevs_proxy_change_duration_seconds",
            "Time from the notice of changed placements until HAProxy routes by them",
            buckets=CHANGE_BUCKETS,
            registry=registry,
        )
        self.pages = Counter(
            "prevs_proxy_pages", "Pages shown, by kind", ["kind"], registry=registry
        )

    def count_held(self, outcome: str) -> None:
        """Count a start for a held request."""
        self.starts.labels("held", outcome).inc()

    def watch(self, state: State) -> None:
        """Call the functions of `state` whenever /metrics is read."""
        for name, description, read in _STATE_GAUGES:
            gauge = Gauge(name, description, registry=self.registry)
            gauge.set_function(functools.partial(read, state))


def _make_holds(registry: CollectorRegistry) -> Histogram:
    """Return the histogram of holds, which shows both outcomes from the start."""
    holds = Histogram(
        "prevs_proxy_hold_duration_seconds",
        "How long requests were held until they were let in or refused",
        ["outcome"],
        buckets=HOLD_BUCKETS,
        registry=registry,
    )
    for outcome in ("let_in", "refused"):
        holds.labels(outcome)
    return holds
