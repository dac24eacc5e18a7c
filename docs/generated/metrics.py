"""The page of all metrics, from the registries that /metrics shows."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry

from docs.generated.tables import code, table
from framework.metrics import (
    ApiMetrics,
    HookMetrics,
    NotificationMetrics,
    ProgramMetrics,
    TellingMetrics,
)
from framework.metrics import Metrics as LeaderMetrics
from proxy.metrics import Metrics as ProxyMetrics
from proxy.metrics import State

_INTRODUCTION = """\
# Every metric

This page is generated from the code. Names follow Prometheus: seconds and bytes, `_total` for
counters; a histogram has `_bucket`, `_sum` and `_count`. [Monitoring](monitoring.md) explains how
to read, draw and watch them.
"""
_HAPROXY = """\
HAProxy's own metrics are at `/metrics/haproxy` of a proxy: those of its `prometheus-exporter`, by
frontend (`web`), backend (`placements`, `room`) and server. Traffic to previews has
`proxy="placements"`.
"""


def page() -> str:
    """Return the page in Markdown."""
    parts = [
        _INTRODUCTION,
        "## Framework: leading or standing by",
        *_rows(_program()),
        "## Framework: while it leads",
        *_rows(_leader()),
        "## Proxy",
        *_rows(_proxy()),
        "## HAProxy",
        _HAPROXY,
    ]
    return "\n".join(parts)


def names() -> set[str]:
    """Return the names of all but HAProxy's, as Prometheus has them."""
    registries = _program(), _leader(), _proxy()
    return {name for registry in registries for name, _, _ in _families(registry)}


def _program() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProgramMetrics(registry, lambda: True)
    return registry


def _leader() -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = LeaderMetrics(registry)
    metrics.watch(
        oldest_wait=lambda: 0.0,
        subscribed=lambda: True,
        silence=lambda: 0.0,
        turned=lambda: 0.0,
        looked=lambda: 0.0,
    )
    ApiMetrics(registry)
    HookMetrics(registry)
    NotificationMetrics(registry)
    TellingMetrics(registry)
    return registry


def _proxy() -> CollectorRegistry:
    metrics = ProxyMetrics(CollectorRegistry())
    metrics.watch(
        State(
            since_applied=lambda: 0.0,
            since_cycle=lambda: 0.0,
            routes=lambda: 0,
            left_out=lambda: 0,
            refusing=lambda: 0,
            followed=lambda: 0,
            checks=tuple,
        )
    )
    return metrics.registry


def _families(registry: CollectorRegistry) -> Iterator[tuple[str, str, str]]:
    for family in registry.collect():
        suffix = "_total" if family.type == "counter" else ""
        yield family.name + suffix, family.type, family.documentation


def _rows(registry: CollectorRegistry) -> list[str]:
    rows = [
        (code(name), kind, f"{says.rstrip('.')}.")
        for name, kind, says in sorted(_families(registry))
    ]
    return table(("metric", "kind", "meaning"), rows)
