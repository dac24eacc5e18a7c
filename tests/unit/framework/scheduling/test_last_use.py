from framework.ports import Use
from framework.scheduling.last_use import LastUse


def test_open_and_recent_requests_count_as_use() -> None:
    uses = LastUse()
    assert uses.note("p1", [Use("a", 0, 3), Use("b", 1, 0), Use("c", 0, 0)], 100.0) == ["a", "b"]
    assert uses.note("p2", [Use("b", 1, 0)], 105.0) == ["b"]
    assert uses.last == {"a": 100.0, "b": 105.0}


def test_a_proxy_counts_as_reporting_while_its_last_report_is_fresh() -> None:
    uses = LastUse()
    uses.note("p1", [], 100.0)
    uses.note("p2", [], 110.0)
    assert uses.reporting(115.0) == 2
    assert uses.reporting(116.0) == 1


def test_a_task_that_is_gone_is_forgotten() -> None:
    uses = LastUse()
    uses.note("p1", [Use("a", 1, 1), Use("b", 1, 1)], 100.0)
    uses.forget({"a"}, 101.0)
    assert uses.last == {"a": 100.0}
    assert uses.reporting(101.0) == 1
    uses.forget({"a"}, 116.0)
    assert uses.reporting(101.0) == 0
