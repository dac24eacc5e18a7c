from framework.ports import Use
from framework.uses import Uses


def test_a_task_is_open_while_some_proxy_says_so() -> None:
    uses = Uses()
    uses.note("p1", [Use("a", 2, 2)], 100.0)
    uses.note("p2", [Use("a", 1, 1), Use("b", 0, 3)], 100.0)
    assert uses.open(100.0) == {"a"}
    uses.note("p1", [Use("a", 0, 0)], 102.0)
    assert uses.open(102.0) == {"a"}
    uses.note("p2", [Use("a", 0, 0)], 102.0)
    assert uses.open(102.0) == set()


def test_what_was_open_counts_for_a_minute_after_a_proxy_has_fallen_silent() -> None:
    uses = Uses()
    uses.note("p1", [Use("a", 1, 1)], 100.0)
    assert uses.open(160.0) == {"a"}
    assert uses.open(160.1) == set()
    assert uses.last == {"a": 100.0}


def test_a_report_that_does_not_name_a_task_leaves_it_as_it_was() -> None:
    uses = Uses()
    uses.note("p1", [Use("a", 1, 1)], 100.0)
    uses.note("p1", [Use("b", 1, 1)], 102.0)
    assert uses.open(102.0) == {"a", "b"}


def test_requests_open_or_over_are_use_and_so_is_their_end() -> None:
    uses = Uses()
    assert uses.note("p1", [Use("a", 0, 3), Use("b", 1, 0), Use("c", 0, 0)], 100.0) == ["a", "b"]
    assert uses.note("p1", [Use("b", 0, 0)], 105.0) == ["b"]
    assert uses.last == {"a": 100.0, "b": 105.0}


def test_a_proxy_reports_while_its_last_report_is_fresh() -> None:
    uses = Uses()
    uses.note("p1", [], 100.0)
    uses.note("p2", [], 110.0)
    assert uses.reporting(115.0) == 2
    assert uses.reporting(116.0) == 1


def test_what_is_gone_is_forgotten() -> None:
    uses = Uses()
    uses.note("p1", [Use("a", 1, 1), Use("b", 1, 1)], 100.0)
    uses.forget({"a"}, 101.0)
    assert uses.open(101.0) == {"a"}
    assert uses.last == {"a": 100.0}
    uses.forget({"a"}, 161.0)
    assert uses.open(101.0) == set()
