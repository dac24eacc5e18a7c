"""The metrics of visits to pages, and their budgets."""

from bench.pages.budgets import BUDGETS, METRICS, Budget, judge, lines, medians, outside
from bench.pages.traffic import Traffic

LOADS = [{**dict.fromkeys(METRICS, 0.0), "fcp_ms": ms, "kb": 49.9} for ms in (90.0, 100.0, 900.0)]


def request(traffic: Traffic, number: str, url: str, kind: str = "Document") -> None:
    traffic.on_request({"requestId": number, "request": {"url": url}, "type": kind})


def test_a_response_counts_with_its_bytes_and_a_stream_with_its_text() -> None:
    traffic = Traffic("main.shop.localhost:8080")
    for number, path, kind in (("1", "", "Document"), ("2", "_prevs/events", "EventSource")):
        request(traffic, number, f"http://main.shop.localhost:8080/{path}", kind)
        traffic.on_response({"requestId": number, "response": {"encodedDataLength": 300}})
        traffic.on_data({"requestId": number, "dataLength": 5000, "encodedDataLength": 0})
    traffic.on_finished({"requestId": "1", "encodedDataLength": 1300})
    assert (traffic.requests, traffic.loaded, traffic.streamed) == (2, 1300, 5300)
    assert traffic.outside == []


def test_requests_to_other_sites_count_as_outside_and_data_urls_do_not() -> None:
    traffic = Traffic("127.0.0.1:8090")
    request(traffic, "1", "data:image/svg+xml,%3Csvg/%3E", "Image")
    request(traffic, "2", "http://127.0.0.1:8091/font.woff2", "Font")
    assert (traffic.requests, traffic.outside) == (1, ["http://127.0.0.1:8091/font.woff2"])
    assert outside(traffic.outside, 7).endswith("1 in 7 visits: http://127.0.0.1:8091/font.woff2")


def test_a_metric_over_its_budget_is_shown_with_the_budgets_reason() -> None:
    budget = Budget(300, "people wait")
    assert judge((300, 300), budget) == ""
    assert judge((300, 301), budget) == "worst is over"
    assert judge((301, 301), budget) == "OVER: people wait"
    assert judge((301, 301), None) == ""


def test_the_table_has_every_metric_beside_its_budget() -> None:
    head, *rows = lines({"room_building": LOADS})
    assert head.split() == ["room", "building", "median", "worst", "budget"]
    assert len(rows) == len(METRICS) + 1
    assert "  first contentful paint          100      900      300 ms  worst is over" in rows
    assert "  over the wire                  49.9     49.9       50 KB" in rows
    assert "  of event streams                0.0      0.0        - KB" in rows


def test_every_median_has_its_page_and_metric() -> None:
    found = medians(dict.fromkeys(BUDGETS, LOADS))
    assert len(found) == len(BUDGETS) * len(METRICS)
    assert found["cluster_fcp_ms"] == 100.0
