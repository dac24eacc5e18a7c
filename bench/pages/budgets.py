"""The budget of each page, with its reason, beside the results. Nothing fails a run. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Metric(NamedTuple):
    """The title, unit and format of a metric."""

    title: str
    unit: str
    decimals: int = 0


class Budget(NamedTuple):
    """The most that a metric may be, and why."""

    most: float
    why: str


METRICS = {
    "first_byte_ms": Metric("first byte", "ms"),
    "first_paint_ms": Metric("first paint", "ms"),
    "fcp_ms": Metric("first contentful paint", "ms"),
    "lcp_ms": Metric("largest contentful paint", "ms"),
    "dom_ms": Metric("DOMContentLoaded", "ms"),
    "long_ms": Metric("long tasks, together", "ms"),
    "shift": Metric("layout shift", "", 3),
    "kb": Metric("over the wire", "KB", 1),
    "stream_kb": Metric("of event streams", "KB", 1),
    "requests": Metric("requests", ""),
    "outside": Metric("outside requests", ""),
}

_EVERYWHERE = {
    "long_ms": Budget(100, "during a longer task a key press seems to do nothing"),
    "shift": Budget(0.1, "with more, people click the wrong thing (Web Vitals)"),
    "outside": Budget(0, "no other site may learn who looks at a preview"),
}
_ROOM = {
    **_EVERYWHERE,
    "first_paint_ms": Budget(300, "the wait is the preview's, not the page's"),
    "fcp_ms": Budget(300, "the wait is the preview's, not the page's"),
    "lcp_ms": Budget(500, "the log counts, and comes as a stream"),
    "dom_ms": Budget(300, "its script, which starts the preview, runs just before"),
    "kb": Budget(50, "a tenth of a second at 4 Mbit/s; every visitor of a new address gets it"),
    "requests": Budget(3, "the page with all that it shows, its start and its event stream"),
}
_DASHBOARD = {
    **_EVERYWHERE,
    "first_paint_ms": Budget(500, "its style is a file of its own: one more round trip"),
    "fcp_ms": Budget(500, "its style is a file of its own: one more round trip"),
    "lcp_ms": Budget(1000, "people wait a second without losing their thought"),
    "dom_ms": Budget(500, "from then on it is live"),
    "kb": Budget(100, "a fifth of a second at 4 Mbit/s; the browser keeps style and script"),
    "requests": Budget(4, "page, style, script and event stream"),
}
BUDGETS: Mapping[str, Mapping[str, Budget]] = {
    "room_building": _ROOM,
    "room_failed": {**_ROOM, "requests": Budget(2, "the page and its stream: it starts nothing")},
    "sign_in": {**_DASHBOARD, "requests": Budget(3, "page, style and script")},
    "overview": _DASHBOARD,
    "app": _DASHBOARD,
    "preview": {**_DASHBOARD, "requests": Budget(5, "a stream for the page, one for its log")},
    "cluster": _DASHBOARD,
}

Loads = Sequence[Mapping[str, float]]


def lines(loads: Mapping[str, Loads]) -> list[str]:
    """Return a table of each page: median and worst, beside the budget if there is one."""
    return [line for page, each in loads.items() for line in _table(page, each)]


def _table(page: str, loads: Loads) -> list[str]:
    head = f"{page.replace('_', ' '):28}{'median':>9}{'worst':>9}{'budget':>9}"
    return [head, *(_row(name, loads, BUDGETS[page].get(name)) for name in METRICS), ""]


def _row(name: str, loads: Loads, budget: Budget | None) -> str:
    metric = METRICS[name]
    numbers = [_middle(loads, name), max(load[name] for load in loads)]
    cells = [f"{number:9.{metric.decimals}f}" for number in numbers]
    cells.append(f"{budget.most:9g}" if budget else f"{'-':>9}")
    row = f"  {metric.title:26}{''.join(cells)} {metric.unit:2}  {judge(numbers, budget)}"
    return row.rstrip()


def judge(numbers: Sequence[float], budget: Budget | None) -> str:
    """Return whether a median and a worst are over a budget, with the budget's reason."""
    if budget is None or max(numbers) <= budget.most:
        return ""
    middle, _ = numbers
    return f"OVER: {budget.why}" if middle > budget.most else "worst is over"


def _middle(loads: Loads, name: str) -> float:
    return round(statistics.median(load[name] for load in loads), 3)


def outside(urls: Sequence[str], visits: int) -> str:
    """Return a line about requests to other sites."""
    if not urls:
        return f"Outside requests: none in {visits} visits."
    return f"Outside requests: {len(urls)} in {visits} visits: {', '.join(sorted(set(urls)))}"


def medians(loads: Mapping[str, Loads]) -> dict[str, float]:
    """Return the medians by page and metric, to compare runs."""
    return {
        f"{page}_{name}": _middle(each, name) for page, each in loads.items() for name in METRICS
    }
